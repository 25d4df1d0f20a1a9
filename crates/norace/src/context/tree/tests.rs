//! What the tree keeps and lets go.

use super::{Node, cancel};
use crate::context::{Cause, Context};
use norace_prim::probe::Site;
use norace_prim::sync::{Arc, lock};
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};
use std::future::Future;
use std::pin::pin;
use std::task::{self, Waker};

const LATER: Duration = Duration::from_secs(3_600);

fn registered(node: &Node) -> (usize, usize) {
    let state = lock(&node.state);
    (state.children.len(), state.waiters.len())
}

#[test]
fn dropped_children_and_waiters_leave_nothing_behind() {
    let parent = Context::new();
    for _ in 0..1_000 {
        let child = parent.child();
        let grandchild = child.child();
        drop(child);
        assert_eq!(registered(&parent.node).0, 1);
        let mut waiting = pin!(grandchild.cancelled());
        assert!(waiting.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(registered(&grandchild.node).1, 1);
    }
    assert_eq!(registered(&parent.node), (0, 0));
    let mut waiting = Box::pin(parent.cancelled());
    assert!(waiting.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(registered(&parent.node), (0, 1));
    drop(waiting);
    assert_eq!(registered(&parent.node), (0, 0));
}

#[test]
fn a_deadline_timer_goes_when_its_context_is_cancelled_or_dropped() {
    let parent = Context::new();
    let child = parent.with_timeout(LATER);
    // The timer's waker holds the only weak reference besides the parent's.
    assert_eq!(Arc::weak_count(&child.node), 2);
    parent.cancel();
    assert_eq!(Arc::weak_count(&child.node), 0);

    let alone = Context::new().with_timeout(LATER);
    let node = Arc::downgrade(&alone.node);
    drop(alone);
    assert_eq!((node.strong_count(), node.weak_count()), (0, 0));
}

#[test]
fn a_deadline_later_than_the_parents_has_no_timer() {
    let parent = Context::new().with_timeout(LATER);
    let child = parent.with_timeout(2 * LATER);
    assert!(lock(&child.node.state).timer.is_none());
    assert_eq!(child.deadline(), parent.deadline());
    let earlier = parent.with_timeout(LATER / 2);
    assert!(lock(&earlier.node.state).timer.is_some());
    assert!(earlier.deadline() < parent.deadline());
}

#[test]
fn a_deadline_that_has_passed_cancels_at_once() {
    let past = Context::new().with_deadline(Instant::now());
    assert_eq!(past.cause(), Some(Cause::DeadlineExceeded));
    assert!(lock(&past.node.state).timer.is_none());
}

#[test]
fn ends_of_one_chain_dropped_by_many_threads_free_all_of_it() {
    for _ in 0..200 {
        let root = Context::new();
        let fork = root.child();
        let node = Arc::downgrade(&root.node);
        let ends: Vec<Context> = (0..4).map(|_| fork.child().child()).collect();
        drop((root, fork));
        thread::scope(|scope| {
            for end in ends {
                scope.spawn(move || drop(end));
            }
        });
        assert_eq!(node.strong_count(), 0);
    }
}

#[test]
fn of_many_who_cancel_at_once_one_is_first_and_its_cause_is_inherited() {
    for _ in 0..200 {
        let root = &Context::new();
        let leaf = root.child().child();
        let causes: Vec<Cause> = (0..4).map(|n| Cause::Failed(n.to_string().into())).collect();
        let firsts: Vec<&Cause> = thread::scope(|scope| {
            let calls: Vec<_> = causes
                .iter()
                .map(|cause| {
                    scope.spawn(move || cancel(&root.node, cause, Site::here()).then_some(cause))
                })
                .collect();
            calls.into_iter().filter_map(|call| call.join().unwrap()).collect()
        });
        assert_eq!(firsts.len(), 1);
        assert_eq!((root.cause(), leaf.cause()), (Some(firsts[0].clone()), root.cause()));
    }
}

/// Go's TestAllocs.
#[cfg(not(norace))]
#[test]
fn a_context_is_one_allocation_and_looking_at_one_is_none() {
    use crate::raw::allocations::during;

    let root = Context::new();
    assert_eq!(during(|| drop(Context::new())), 1);
    // The table of the children, once.
    drop(root.child());
    let keeps: Vec<Context> = (0..64).map(|_| root.child()).collect();
    drop(keeps);
    let child = root.child();
    assert!(during(|| drop(root.child())) <= 1);
    let looks = || {
        assert!(!child.is_cancelled() && child.cause().is_none() && child.deadline().is_none());
        drop(child.clone());
    };
    assert_eq!(during(looks), 0);
    assert_eq!(during(|| assert!(child.cancel() && child.is_cancelled())), 0);
    assert_eq!(during(|| assert_eq!(child.cause(), Some(Cause::Cancelled))), 0);
}
