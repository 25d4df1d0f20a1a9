//! Cancelling against everything else that happens to a tree.

mod bare;

use super::Node;
use crate::context::{Cause, Context};
use crate::models::{all, join, poll, spawn};
use crate::wait::block_on;
use norace_prim::sync::{Arc, Weak, lock};
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(1);

/// How many children and waiters are registered.
fn registered(context: &Context) -> (usize, usize) {
    let state = lock(&context.node.state);
    (state.children.len(), state.waiters.len())
}

/// Something to see a context's node by, once nobody holds it.
fn watch(context: &Context) -> Weak<Node> {
    Arc::downgrade(&context.node)
}

fn failed(reason: &str) -> Cause {
    Cause::Failed(reason.into())
}

#[test]
fn a_child_made_while_its_parent_is_cancelled_is_cancelled() {
    all(|| {
        let root = Context::new();
        let maker = {
            let root = root.clone();
            thread::spawn(move || block_on(root.child().cancelled()))
        };
        assert!(root.cancel_with(failed("a")));
        assert_eq!(maker.join().unwrap(), failed("a"));
        assert_eq!(registered(&root), (0, 0));
    });
}

#[test]
fn a_grandchild_made_while_the_root_is_cancelled_is_cancelled() {
    all(|| {
        let root = Context::new();
        let child = root.child();
        let maker = thread::spawn(move || block_on(child.child().cancelled()));
        assert!(root.cancel());
        assert_eq!(maker.join().unwrap(), Cause::Cancelled);
    });
}

#[test]
fn children_that_come_and_go_while_their_parent_is_cancelled_leave_nothing() {
    all(|| {
        let root = Context::new();
        let first = root.child();
        let gone = watch(&first);
        let other = {
            let root = root.clone();
            thread::spawn(move || {
                drop(first);
                let second = root.child();
                let gone = watch(&second);
                drop(second);
                gone
            })
        };
        assert!(root.cancel());
        let also_gone = other.join().unwrap();
        assert_eq!(registered(&root), (0, 0));
        assert!(gone.upgrade().is_none() && also_gone.upgrade().is_none(), "it is never freed");
    });
}

#[test]
fn siblings_that_go_at_once_take_their_own_places() {
    all(|| {
        let root = Context::new();
        let kept = root.child();
        let children = [root.child(), root.child()];
        let dropping = children.map(|child| thread::spawn(move || drop(child)));
        let late = root.child();
        join(dropping);
        assert_eq!(registered(&root).0, 2);
        assert!(root.cancel());
        assert!(kept.is_cancelled() && late.is_cancelled());
    });
}

#[test]
fn all_who_wait_anywhere_below_are_woken() {
    all(|| {
        let root = Context::new();
        let child = root.child();
        let waiting = [root.clone(), child.child()]
            .map(|context| thread::spawn(move || block_on(context.cancelled())));
        assert!(root.cancel());
        assert_eq!(join(waiting), [Cause::Cancelled, Cause::Cancelled]);
        assert!(child.is_cancelled());
    });
}

#[test]
fn a_wait_that_is_given_up_takes_itself_back() {
    all(|| {
        let root = Context::new();
        let waiting = {
            let root = root.clone();
            thread::spawn(move || {
                let mut cancelled = root.cancelled();
                let early = poll(&mut cancelled).is_ready();
                drop(cancelled);
                early
            })
        };
        let other = {
            let root = root.clone();
            thread::spawn(move || block_on(root.cancelled()))
        };
        assert!(root.cancel());
        waiting.join().unwrap();
        assert_eq!(other.join().unwrap(), Cause::Cancelled);
        assert_eq!(registered(&root), (0, 0));
    });
}

#[test]
fn of_two_cancels_one_is_the_first_and_its_cause_stands() {
    all(|| {
        let root = Context::new();
        let child = root.child();
        let cancels = spawn(2, |n| {
            let root = root.clone();
            move || {
                let first = root.cancel_with(failed(if n == 0 { "a" } else { "b" }));
                (first, root.cause())
            }
        });
        let [a, b] = join(cancels).try_into().unwrap();
        assert_ne!(a.0, b.0);
        let expected = Some(failed(if a.0 { "a" } else { "b" }));
        assert_eq!(
            [a.1, b.1, root.cause()],
            [expected.clone(), expected.clone(), expected.clone()]
        );
        assert_eq!(child.cause(), expected);
    });
}

#[test]
fn a_child_that_is_cancelled_with_its_parent_has_one_cause_and_passes_it_on() {
    all(|| {
        let root = Context::new();
        let child = root.child();
        let grandchild = child.child();
        let own = {
            let child = child.clone();
            thread::spawn(move || child.cancel_with(failed("child")))
        };
        assert!(root.cancel_with(failed("root")));
        let first = own.join().unwrap();
        let expected = failed(if first { "child" } else { "root" });
        assert_eq!(child.cause(), Some(expected.clone()));
        assert_eq!(grandchild.cause(), Some(expected));
    });
}

#[test]
fn whoever_sees_a_cause_sees_what_came_before_the_cancel() {
    use norace_prim::atomic::{AtomicU32, Ordering};
    all(|| {
        let root = Context::new();
        let work = Arc::new(AtomicU32::new(0));
        let canceller = {
            let (child, work) = (root.child(), work.clone());
            thread::spawn(move || {
                // Relaxed: the cancel has to carry it.
                work.store(1, Ordering::Relaxed);
                child.cancel()
            })
        };
        let child = root.child();
        let other = {
            let (root, work) = (root.clone(), work.clone());
            thread::spawn(move || {
                // Relaxed: as above.
                work.store(2, Ordering::Relaxed);
                root.cancel()
            })
        };
        if child.is_cancelled() {
            // Relaxed: as above. The other thread may have stored over it.
            assert_ne!(work.load(Ordering::Relaxed), 0);
        }
        canceller.join().unwrap();
        assert!(other.join().unwrap());
    });
}

#[test]
fn a_chain_is_freed_by_whoever_lets_go_last() {
    all(|| {
        let root = Context::new();
        let middle = root.child();
        let ends = [middle.child(), middle.child()];
        let nodes = [watch(&root), watch(&middle), watch(&ends[0]), watch(&ends[1])];
        drop((root, middle));
        join(ends.map(|end| thread::spawn(move || drop(end))));
        assert!(nodes.iter().all(|node| node.upgrade().is_none()), "it is never freed");
    });
}

#[test]
fn a_chain_that_is_freed_while_it_is_cancelled_is_freed() {
    all(|| {
        let root = Context::new();
        let middle = root.child();
        let end = middle.child();
        let nodes = [watch(&middle), watch(&end)];
        drop(middle);
        let dropping = thread::spawn(move || drop(end));
        assert!(root.cancel());
        dropping.join().unwrap();
        assert!(nodes.iter().all(|node| node.upgrade().is_none()), "it is never freed");
    });
}

#[test]
fn a_deadline_and_a_cancel_race_for_the_cause() {
    all(|| {
        let root = Context::new();
        let child = root.with_timeout(SOON);
        let deadline = child.deadline().expect("it has one");
        let canceller = {
            let root = root.clone();
            thread::spawn(move || root.cancel())
        };
        let cause = block_on(child.cancelled());
        assert!(canceller.join().unwrap());
        assert!(cause == Cause::Cancelled || Instant::now() >= deadline, "{cause}");
        assert_eq!(child.cause(), Some(cause));
    });
}

#[test]
fn a_deadline_cancels_everything_below_and_nothing_above() {
    all(|| {
        let root = Context::new();
        let child = root.with_timeout(SOON);
        let below = child.child();
        assert_eq!(block_on(below.cancelled()), Cause::DeadlineExceeded);
        assert!(child.is_cancelled() && !root.is_cancelled());
    });
}

#[test]
fn a_context_that_goes_before_its_deadline_takes_its_timer_with_it() {
    all(|| {
        let root = Context::new();
        let child = root.with_timeout(SOON);
        let deadline = child.deadline().expect("it has one");
        let node = watch(&child);
        let dropping = thread::spawn(move || drop(child));
        let early = root.cancel();
        dropping.join().unwrap();
        // At its deadline the timer thread holds it for a moment.
        assert!(node.upgrade().is_none() || Instant::now() >= deadline, "its timer keeps it");
        assert!(early && registered(&root) == (0, 0));
    });
}

#[test]
fn a_wait_with_a_limit_ends_by_the_cancel_or_the_limit() {
    all(|| {
        let root = Context::new();
        let canceller = {
            let root = root.clone();
            thread::spawn(move || root.cancel())
        };
        let begun = Instant::now();
        match root.wait_blocking(SOON) {
            Some(cause) => assert_eq!(cause, Cause::Cancelled),
            None => assert!(begun.elapsed() >= SOON),
        }
        assert!(canceller.join().unwrap());
        assert_eq!(root.wait_blocking(SOON), Some(Cause::Cancelled));
    });
}

#[test]
fn what_runs_under_a_context_ends_with_it_or_by_itself() {
    all(|| {
        let root = Context::new();
        let (tx, rx) = crate::chan::bounded(0);
        let canceller = {
            let root = root.clone();
            thread::spawn(move || root.cancel())
        };
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let outcome = block_on(root.run(async { rx.recv().await }));
        match outcome {
            Ok(value) => assert_eq!(value, Ok('a')),
            Err(cause) => assert_eq!((cause, rx.recv_blocking()), (Cause::Cancelled, Ok('a'))),
        }
        assert!(canceller.join().unwrap() && sender.join().unwrap());
    });
}
