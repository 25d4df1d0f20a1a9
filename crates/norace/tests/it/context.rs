//! Contexts: what is cancelled, with which cause, who is woken; after Go's context tests.

use crate::support::{LiveCount, WakeCount, poll, poll_with};
use norace::block_on;
use norace::context::{Cause, Context};
use norace::time::{Duration, Instant};
use std::future::{pending, ready};
use std::pin::pin;
use std::task::Poll;
use std::thread;

const LONG: Duration = Duration::from_secs(3_600);

fn failed(why: &str) -> Cause {
    Cause::Failed(why.into())
}

#[test]
fn a_fresh_context_is_not_cancelled() {
    let context = Context::default();
    assert_eq!((context.is_cancelled(), context.cause(), context.deadline()), (false, None, None));
    assert_eq!(context.wait_blocking(Duration::from_millis(2)), None);
}

#[test]
fn cancelling_reaches_everything_below_and_nothing_above() {
    let root = Context::new();
    let (left, right) = (root.child(), root.child());
    let (leaf, other) = (left.child().child(), right.child());
    assert!(left.cancel());
    assert!(left.is_cancelled() && leaf.is_cancelled());
    assert!(!root.is_cancelled() && !right.is_cancelled() && !other.is_cancelled());
    assert!(root.cancel());
    assert!(right.is_cancelled() && other.is_cancelled());
}

#[test]
fn the_first_cause_wins_and_is_inherited() {
    let root = Context::new();
    let child = root.child();
    let grandchild = child.child();
    assert!(child.cancel_with(failed("child")));
    assert!(!child.cancel_with(failed("again")));
    assert!(root.cancel_with(failed("root")));
    assert!(!child.cancel());
    assert_eq!(root.cause(), Some(failed("root")));
    assert_eq!(child.cause(), Some(failed("child")));
    assert_eq!(grandchild.cause(), Some(failed("child")));
    assert_eq!(grandchild.child().cause(), Some(failed("child")));
}

#[test]
fn a_clone_is_the_same_place() {
    let context = Context::new();
    let clone = context.clone();
    clone.cancel();
    assert!(context.is_cancelled());
}

#[test]
fn dropping_a_context_cancels_nothing_and_keeps_the_chain_connected() {
    let root = Context::new();
    let middle = root.child();
    let leaf = middle.child();
    drop(middle);
    assert!(!leaf.is_cancelled());
    root.cancel();
    assert!(leaf.is_cancelled());
}

#[test]
fn everybody_who_waits_is_woken_once() {
    let root = Context::new();
    let leaf = root.child().child();
    let (woken, waker) = WakeCount::new();
    let mut waits: Vec<_> = (0..4).map(|_| root.cancelled()).collect();
    waits.extend((0..4).map(|_| leaf.cancelled()));
    for wait in &mut waits {
        assert!(poll_with(wait, &waker).is_pending());
    }
    drop(waits.remove(0));
    root.cancel_with(failed("why"));
    assert_eq!(woken.get(), 7);
    for wait in &mut waits {
        assert_eq!(poll(wait), Poll::Ready(failed("why")));
        assert_eq!(poll(wait), Poll::Ready(failed("why")), "it stays ready");
    }
}

#[test]
fn only_the_latest_waker_is_called() {
    let context = Context::new();
    let (old, old_waker) = WakeCount::new();
    let (new, new_waker) = WakeCount::new();
    let mut wait = context.cancelled();
    assert!(poll_with(&mut wait, &old_waker).is_pending());
    assert!(poll_with(&mut wait, &new_waker).is_pending());
    context.cancel();
    assert_eq!((old.get(), new.get()), (0, 1));
}

#[test]
fn everything_below_is_cancelled_before_anybody_is_woken() {
    struct Look(Context, Context);
    impl std::task::Wake for Look {
        fn wake(self: std::sync::Arc<Self>) {
            assert!(self.0.is_cancelled() && self.1.is_cancelled());
            // No lock is held: the tree can be used from here.
            assert!(self.0.child().is_cancelled());
            assert!(!self.0.cancel());
        }
    }
    let root = Context::new();
    let leaf = root.child().child();
    let waker = std::task::Waker::from(std::sync::Arc::new(Look(root.clone(), leaf.clone())));
    let (mut first, mut second) = (root.cancelled(), leaf.cancelled());
    assert!(poll_with(&mut first, &waker).is_pending());
    assert!(poll_with(&mut second, &waker).is_pending());
    root.cancel();
}

#[test]
fn a_deadline_cancels_and_not_before_its_time() {
    let start = Instant::now();
    let context = Context::new().with_timeout(Duration::from_millis(10));
    let leaf = context.child().child();
    assert_eq!(block_on(leaf.cancelled()), Cause::DeadlineExceeded);
    assert!(start.elapsed() >= Duration::from_millis(10));
    assert_eq!(context.cause(), Some(Cause::DeadlineExceeded));
}

#[test]
fn the_earliest_deadline_counts() {
    let soon = Instant::now() + LONG;
    let outer = Context::new().with_deadline(soon);
    assert_eq!(outer.with_deadline(soon + LONG).deadline(), Some(soon));
    assert_eq!(outer.child().deadline(), Some(soon));
    assert_eq!(outer.with_deadline(soon - LONG / 2).deadline(), Some(soon - LONG / 2));
    assert_eq!(Context::new().with_timeout(Duration::MAX).deadline(), None);

    let outer = Context::new().with_timeout(Duration::from_millis(5));
    let inner = outer.with_timeout(LONG);
    assert_eq!(inner.wait_blocking(LONG), Some(Cause::DeadlineExceeded));
}

#[test]
fn a_cause_given_before_the_deadline_stays() {
    let context = Context::new().with_timeout(Duration::from_millis(5));
    context.cancel_with(failed("early"));
    let passed = Context::new().with_timeout(Duration::from_millis(10));
    passed.wait_blocking(LONG);
    assert_eq!(context.cause(), Some(failed("early")));
    assert_eq!(Context::new().with_deadline(Instant::now()).cause(), Some(Cause::DeadlineExceeded));
}

#[test]
fn run_ends_with_the_future_or_with_the_context() {
    let context = Context::new();
    assert_eq!(block_on(context.run(ready(7))), Ok(7));

    let live = LiveCount::default();
    let held = live.value();
    let mut run = pin!(context.run(async move {
        let _held = held;
        pending::<()>().await;
    }));
    assert!(poll(&mut run).is_pending());
    context.cancel_with(failed("stop"));
    assert_eq!(poll(&mut run), Poll::Ready(Err(failed("stop"))));
    assert_eq!(live.get(), 0, "the future is dropped");
}

#[test]
fn run_does_not_start_in_a_cancelled_context() {
    let context = Context::new();
    context.cancel();
    let run = context.run(async { panic!("must not start") });
    assert_eq!(block_on(run), Err::<(), _>(Cause::Cancelled));
}

#[test]
fn run_prefers_an_output_that_is_there() {
    let context = Context::new();
    let inner = context.clone();
    let output = block_on(context.run(async move {
        inner.cancel();
        "done"
    }));
    assert_eq!(output, Ok("done"));
}

#[test]
fn a_thread_waits_for_another_to_cancel() {
    let context = Context::new();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| context.wait_blocking(LONG));
        context.cancel_with(Cause::Shutdown);
        assert_eq!(waiting.join().unwrap(), Some(Cause::Shutdown));
    });
}

#[test]
fn a_million_deep_chain_is_cancelled_and_dropped_without_recursion() {
    let root = Context::new();
    let mut leaf = root.child();
    for _ in 0..1_000_000 {
        leaf = leaf.child();
    }
    let (woken, waker) = WakeCount::new();
    let mut wait = leaf.cancelled();
    assert!(poll_with(&mut wait, &waker).is_pending());
    root.cancel_with(failed("root"));
    assert_eq!((woken.get(), leaf.cause()), (1, Some(failed("root"))));
    drop(wait);
    drop((root, leaf));

    let mut live = Context::new();
    for _ in 0..1_000_000 {
        live = live.child();
    }
    drop(live);
}

#[test]
fn a_million_wide_tree_is_cancelled_and_dropped() {
    let root = Context::new();
    let (woken, waker) = WakeCount::new();
    let children: Vec<Context> = (0..1_000_000).map(|_| root.child()).collect();
    let mut waits: Vec<_> = children.iter().map(Context::cancelled).collect();
    for wait in &mut waits {
        assert!(poll_with(wait, &waker).is_pending());
    }
    root.cancel();
    assert_eq!(woken.get(), 1_000_000);
    assert!(children.iter().all(Context::is_cancelled));
}

/// A tree that is both deep and wide: chains below chains.
#[test]
fn a_million_contexts_in_chains_of_a_thousand_are_cancelled_while_others_use_them() {
    let root = Context::new();
    let ends: Vec<Context> =
        (0..1_000).map(|_| (0..1_000).fold(root.child(), |parent, _| parent.child())).collect();
    thread::scope(|scope| {
        // Takes the root's lock and that of a node below it all the time.
        let user = scope.spawn(|| {
            let mut children = 0_u32;
            while !ends[999].is_cancelled() {
                drop((root.child(), ends[0].child()));
                children += 1;
            }
            children
        });
        root.cancel();
        user.join().unwrap();
    });
    assert!(ends.iter().all(Context::is_cancelled));
}

#[test]
fn cancelling_while_the_tree_grows_and_shrinks_misses_nobody() {
    for _ in 0..100 {
        let root = Context::new();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut kept = Vec::new();
                    while !root.is_cancelled() {
                        let child = root.child();
                        kept.push(child.child());
                        if kept.len() > 8 {
                            kept.clear();
                        }
                    }
                    kept.push(root.child().child());
                    for context in kept {
                        assert_eq!(context.wait_blocking(LONG), Some(Cause::Cancelled));
                    }
                });
            }
            thread::yield_now();
            root.cancel();
        });
    }
}

#[test]
fn debug_shows_the_cause() {
    let context = Context::new();
    context.cancel();
    assert_eq!(format!("{context:?}"), "Context { cause: Some(Cancelled), deadline: None, .. }");
}
