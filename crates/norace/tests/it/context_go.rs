//! Go's context tests (`x_test.go`, `context_test.go`, `afterfunc_test.go` and `net_test.go` of its package `context`)
//! in spirit: what they assert, on our contexts. Those without a counterpart, and why:
//!
//! - `TestTODO`: there is one kind of root.
//! - `TestValues`, `TestWithValueChecksKey`: no values travel with a context; arguments do.
//! - `TestInvalidDerivedFail`: there is no nil parent.
//! - `TestDeadlineExceededSupportsTimeout`, `TestDeadlineExceededIsNetError`: a cause is one of the kinds of an enum,
//!   not an interface.
//! - `TestCustomContextGoroutines`, `TestCustomContextPropagation`, `TestCustomContextCause`,
//!   `TestCustomContextAfterFunc…`: a context is a type, and nobody else makes one.
//! - the rows of `TestCause` with `WithTimeoutCause` and `WithDeadlineCause`: a deadline's cause is that it was one;
//!   who wants to give another cancels.
//!
//! `AfterFunc` itself is a wait on `cancelled`, and its `stop` dropping that; so its other tests are here.
//! `WithoutCancel` is a new root. `TestAllocs` stands in `src/context/tree/tests.rs`, where allocations are counted.

use crate::support::{WakeCount, poll, poll_with};
use norace::block_on;
use norace::context::{Cause, Context};
use norace::time::{Duration, Instant};
use std::pin::pin;
use std::thread;

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(3_600);

fn failed(why: &str) -> Option<Cause> {
    Some(Cause::Failed(why.into()))
}

fn waits(context: &Context) -> bool {
    poll(&mut pin!(context.cancelled())).is_pending()
}

/// TestBackground.
#[test]
fn background() {
    let context = Context::new();
    assert!(context.deadline().is_none() && context.cause().is_none() && waits(&context));
}

/// TestWithCancel: a chain of three, of which the middle one is cancelled.
#[test]
fn with_cancel() {
    let c1 = Context::new();
    let (c2, c3) = (c1.child(), c1.child().child());
    assert!([&c1, &c2, &c3].into_iter().all(waits));
    let o = c2.child();
    assert!(c2.cancel() && !c2.cancel());
    assert!(!waits(&c2) && !waits(&o) && waits(&c1) && waits(&c3));
    assert_eq!((c2.cause(), o.cause()), (Some(Cause::Cancelled), Some(Cause::Cancelled)));
}

/// TestParentFinishesChild: a tree whose root is cancelled takes everything with it, and what is made below later.
#[test]
fn parent_finishes_child() {
    let parent = Context::new();
    let child = parent.child();
    let timed = parent.with_timeout(LONG);
    let grandchild = timed.child();
    let all = [&parent, &child, &timed, &grandchild];
    assert!(all.into_iter().all(waits));
    parent.cancel();
    assert!(all.into_iter().all(|context| context.cause() == Some(Cause::Cancelled)));
    for late in [parent.child(), grandchild.with_timeout(LONG)] {
        assert_eq!(block_on(late.cancelled()), Cause::Cancelled);
    }
}

/// TestChildFinishesFirst: a child that ends leaves its parent alone, whatever the parent is.
#[test]
fn child_finishes_first() {
    for parent in [Context::new(), Context::new().child(), Context::new().with_timeout(LONG)] {
        let child = parent.child();
        assert!(waits(&parent) && waits(&child));
        child.cancel();
        assert!(!waits(&child) && waits(&parent) && parent.cause().is_none());
        parent.cancel();
        assert!(!waits(&parent));
    }
}

/// TestDeadline: alone, as a child's parent, and inherited through a child that would have lived longer.
#[test]
fn deadline() {
    let at = || Instant::now() + SHORT;
    let root = Context::new();
    let alone = root.with_deadline(at());
    let above = root.with_deadline(at()).child();
    let shorter = root.with_deadline(at()).with_deadline(Instant::now() + LONG);
    let passed = root.with_deadline(Instant::now());
    for context in [alone, above, shorter, passed] {
        let end = context.deadline().expect("there is one");
        assert_eq!(context.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
        assert!(Instant::now() >= end);
    }
    assert!(waits(&root));
}

/// TestTimeout: the same by durations; a parent's time-out ends the child's longer one.
#[test]
fn timeout() {
    let root = Context::new();
    let alone = root.with_timeout(SHORT);
    let above = root.with_timeout(SHORT).child();
    let shorter = root.with_timeout(SHORT).with_timeout(LONG);
    let passed = root.with_timeout(Duration::ZERO);
    for context in [alone, above, shorter, passed] {
        assert_eq!(context.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
    }
    assert!(waits(&root));
}

/// TestCanceledTimeout: who is cancelled before the time is up says so also afterwards.
#[test]
fn cancelled_timeout() {
    let parent = Context::new().with_timeout(SHORT);
    let child = parent.child();
    child.cancel();
    assert_eq!(parent.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
    assert_eq!(child.cause(), Some(Cause::Cancelled));
}

/// TestSimultaneousCancels: a tree of which everybody cancels his part at once.
#[test]
fn simultaneous_cancels() {
    let root = Context::new();
    let mut all = vec![root.clone()];
    for index in 0..100 {
        let next = all[index].clone();
        all.push(next.child());
        all.push(next.child());
    }
    thread::scope(|scope| {
        for context in &all {
            scope.spawn(move || context.cancel());
        }
        for context in &all {
            assert_eq!(context.wait_blocking(LONG), Some(Cause::Cancelled));
        }
    });
}

/// TestInterlockedCancels: a parent that is cancelled when its child is, by somebody who waits.
#[test]
fn interlocked_cancels() {
    let parent = Context::new();
    let child = parent.child();
    let waiting = {
        let (parent, child) = (parent.clone(), child.clone());
        thread::spawn(move || {
            let cause = block_on(child.cancelled());
            (parent.cancel_with(cause.clone()), cause)
        })
    };
    child.cancel();
    assert_eq!(waiting.join().unwrap(), (true, Cause::Cancelled));
    assert_eq!(parent.wait_blocking(LONG), Some(Cause::Cancelled));
}

/// TestLayersCancel and TestLayersTimeout: a chain of random layers, ended in the middle by hand, at the root by time.
#[test]
fn layers() {
    for by_time in [false, true] {
        let root = if by_time { Context::new().with_timeout(SHORT) } else { Context::new() };
        let mut chain = vec![root];
        for _ in 0..200 {
            let last = &chain[chain.len() - 1];
            let next = match norace::prim::rand::below(3) {
                0 => last.child(),
                1 => last.with_timeout(LONG),
                _ => last.with_deadline(Instant::now() + LONG),
            };
            chain.push(next);
        }
        let (cause, first) = if by_time {
            (Cause::DeadlineExceeded, 0)
        } else {
            chain[100].cancel();
            (Cause::Cancelled, 100)
        };
        for (index, context) in chain.iter().enumerate() {
            if index < first {
                assert!(waits(context), "{index} is above");
            } else {
                assert_eq!(context.wait_blocking(LONG).as_ref(), Some(&cause));
            }
        }
    }
}

/// TestWithCancelCanceledParent and TestWithCancelSimultaneouslyCanceledParent.
#[test]
fn with_cancel_of_a_cancelled_parent() {
    let parent = Context::new();
    parent.cancel_with(Cause::Failed("parent".into()));
    let child = parent.child();
    assert_eq!((child.cause(), child.cancel()), (failed("parent"), false));
    for _ in 0..200 {
        let parent = Context::new();
        thread::scope(|scope| {
            scope.spawn(|| parent.cancel_with(Cause::Failed("parent".into())));
            let child = parent.child();
            assert_eq!(child.wait_blocking(LONG), failed("parent"));
        });
    }
}

/// TestContextErrDoneRace: who was woken finds the
/// cause.
#[test]
fn who_was_woken_finds_the_cause() {
    for _ in 0..200 {
        let context = Context::new();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| (block_on(context.cancelled()), context.cause()));
            context.cancel();
            assert_eq!(waiting.join().unwrap(), (Cause::Cancelled, Some(Cause::Cancelled)));
        });
    }
}

/// A row of TestCause: who is cancelled in which order, and what parent and child say then.
struct Row {
    cancels: &'static [(Who, &'static str)],
    parent: Option<&'static str>,
    child: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Who {
    Parent,
    Child,
    Grandchild,
}

/// TestCause: the first cause wins, is inherited, and does not rise; whatever kind the child is.
#[test]
fn cause() {
    use Who::{Child, Grandchild, Parent};
    let rows = [
        Row { cancels: &[], parent: None, child: None },
        Row { cancels: &[(Parent, "p")], parent: Some("p"), child: Some("p") },
        Row { cancels: &[(Child, "c")], parent: None, child: Some("c") },
        Row { cancels: &[(Grandchild, "g")], parent: None, child: None },
        Row { cancels: &[(Parent, "p"), (Child, "c")], parent: Some("p"), child: Some("p") },
        Row { cancels: &[(Child, "c"), (Parent, "p")], parent: Some("p"), child: Some("c") },
        Row { cancels: &[(Parent, "1"), (Parent, "2")], parent: Some("1"), child: Some("1") },
        Row { cancels: &[(Child, "1"), (Child, "2")], parent: None, child: Some("1") },
        Row { cancels: &[(Grandchild, "g"), (Child, "c")], parent: None, child: Some("c") },
        Row { cancels: &[(Grandchild, "g"), (Parent, "p")], parent: Some("p"), child: Some("p") },
    ];
    let kinds: [fn(&Context) -> Context; 3] = [
        Context::child,
        |parent| parent.with_timeout(LONG),
        |parent| parent.with_deadline(Instant::now() + LONG),
    ];
    for row in &rows {
        for make in kinds {
            let parent = Context::new();
            let child = make(&parent);
            let grandchild = make(&child);
            for (who, why) in row.cancels {
                let context = [&parent, &child, &grandchild][*who as usize];
                context.cancel_with(Cause::Failed((*why).into()));
            }
            assert_eq!(parent.cause(), row.parent.and_then(failed));
            assert_eq!(child.cause(), row.child.and_then(failed));
            assert_eq!(child.is_cancelled(), row.child.is_some());
        }
    }
}

/// The rows of TestCause that time decides.
#[test]
fn cause_by_time() {
    let parent = Context::new().with_timeout(SHORT);
    let child = parent.with_timeout(LONG);
    assert_eq!(child.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
    assert!(!parent.cancel_with(Cause::Failed("late".into())));
    assert_eq!(parent.cause(), Some(Cause::DeadlineExceeded));

    let parent = Context::new();
    let child = parent.with_timeout(Duration::ZERO);
    parent.cancel_with(Cause::Failed("p".into()));
    assert_eq!((child.cause(), parent.cause()), (Some(Cause::DeadlineExceeded), failed("p")));

    // WithoutCancel: a new root.
    let detached = Context::new();
    assert!(waits(&detached));
}

/// TestCauseRace: two causes at once; one is told to everybody.
#[test]
fn cause_race() {
    for _ in 0..200 {
        let context = Context::new();
        let child = context.child();
        let firsts = thread::scope(|scope| {
            let one = scope.spawn(|| context.cancel_with(Cause::Failed("one".into())));
            let two = scope.spawn(|| context.cancel_with(Cause::Failed("two".into())));
            [one.join().unwrap(), two.join().unwrap()]
        });
        assert!(firsts[0] != firsts[1], "one of them was the first");
        assert_eq!(context.cause(), failed(if firsts[0] { "one" } else { "two" }));
        assert_eq!(child.wait_blocking(LONG), context.cause());
    }
}

/// TestCancelRemoves: what is done with leaves no waker behind.
#[test]
fn cancel_removes() {
    let parent = Context::new();
    let (woken, waker) = WakeCount::new();
    let child = parent.child();
    assert!(poll_with(&mut pin!(child.cancelled()), &waker).is_pending());
    child.cancel();
    drop(child);
    parent.cancel();
    assert_eq!(woken.get(), 0, "it stopped waiting before");
}

/// TestAfterFuncCalledAfterCancel, -Timeout and TestAfterFuncCalledImmediately: what waits for the end goes on then.
#[test]
fn after_func_is_called() {
    let by_hand = Context::new();
    let by_time = Context::new().with_timeout(SHORT);
    let above = by_hand.child();
    for (context, cause) in [
        (&by_hand, Cause::Cancelled),
        (&above, Cause::Cancelled),
        (&by_time, Cause::DeadlineExceeded),
    ] {
        thread::scope(|scope| {
            let after = scope.spawn(|| block_on(context.cancelled()));
            by_hand.cancel();
            assert_eq!(after.join().unwrap(), cause);
        });
        assert!(poll(&mut pin!(context.cancelled())).is_ready(), "at once, once it has ended");
    }
}

/// TestAfterFuncNotCalledAfterStop: a wait that is dropped is not woken, and two of one context are apart.
#[test]
fn after_func_is_not_called_after_its_stop() {
    let context = Context::new();
    let ((stopped, one), (goes_on, other)) = (WakeCount::new(), WakeCount::new());
    let mut stays = pin!(context.cancelled());
    {
        let mut stops = pin!(context.cancelled());
        assert!(poll_with(&mut stops, &one).is_pending());
        assert!(poll_with(&mut stays, &other).is_pending());
    }
    context.cancel();
    assert_eq!((stopped.get(), goes_on.get()), (0, 1));
    assert!(poll(&mut stays).is_ready());
    // Once is enough.
    context.cancel();
    assert_eq!(goes_on.get(), 1);
}

/// TestAfterFuncCalledAsynchronously, as far as there is something: cancelling waits for nobody who waits.
#[test]
fn cancelling_does_not_run_what_waits() {
    let context = Context::new();
    let mut ran = false;
    let mut after = Box::pin(async {
        context.cancelled().await;
        ran = true;
    });
    assert!(poll(&mut after).is_pending());
    assert!(context.cancel());
    assert!(poll(&mut after).is_ready());
    drop(after);
    assert!(ran, "by who polls it");
}

/// The order that `cancelCtx.cancel` keeps: a parent has ended before its children have.
#[test]
fn who_sees_a_child_ended_by_its_parent_sees_the_parent_ended() {
    for _ in 0..200 {
        let parent = Context::new();
        let chain = [parent.child(), parent.child().child()];
        thread::scope(|scope| {
            for child in &chain {
                scope.spawn(|| {
                    assert_eq!(block_on(child.cancelled()), Cause::Shutdown);
                    assert_eq!(parent.cause(), Some(Cause::Shutdown));
                });
            }
            parent.cancel_with(Cause::Shutdown);
        });
    }
}

/// TestCause, the rows of deadlines: the nearest one counts, and who was cancelled before keeps its cause.
#[test]
fn cause_of_deadlines() {
    let outer = Context::new().with_timeout(SHORT);
    let inner = outer.with_deadline(Instant::now() + LONG).with_timeout(LONG);
    assert_eq!(inner.deadline(), outer.deadline());
    let before = inner.child();
    before.cancel_with(Cause::Failed("before".into()));
    assert_eq!(inner.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
    assert_eq!((before.cause(), outer.cause()), (failed("before"), Some(Cause::DeadlineExceeded)));
    // A child's own deadline does not rise.
    let parent = Context::new().with_timeout(LONG);
    let child = parent.with_timeout(SHORT);
    assert_eq!(child.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
    assert!(parent.cause().is_none() && parent.deadline() > child.deadline());
}

/// TestWithoutCancel: what is to outlive its parent is a root of its own, and takes no deadline along.
#[test]
fn without_cancel() {
    let parent = Context::new().with_timeout(SHORT);
    let outlives = Context::new();
    assert_eq!(parent.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
    assert!(waits(&outlives) && outlives.deadline().is_none());
    assert!(outlives.cancel());
}

/// TestWithCancelSimultaneouslyCanceledParent, with a deadline that passes while the child is made.
#[test]
fn a_child_made_while_the_time_is_up_ends_with_it() {
    for _ in 0..200 {
        let parent = Context::new().with_timeout(Duration::from_micros(50));
        let child = parent.child();
        assert_eq!(child.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
    }
}
