//! tokio-rs/tokio#2340: a semaphore wakes who waits for it through a node that is part of a future dropped meanwhile.
//!
//! Whoever releases permits takes the satisfied nodes out of the list, under its lock, and wakes them when it has let
//! go of it. A future that is dropped takes its node out of the list under the lock; but it is not there any more, and
//! the future's memory goes. Fixed by taking the wakers out of the nodes under the lock.

use super::{Allocation, MISUSES_MEMORY, spawn};
use crate::case::Case;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread::{self, Thread};

pub(super) const CASE: Case = Case {
    name: "tokio_2340",
    class: "Use after free",
    kinds: MISUSES_MEMORY,
    blames: &["waiter"],
    program,
};

/// A node of the list, within the future that waits for one permit.
struct Node {
    memory: Allocation,
    waker: Thread,
}

impl Node {
    fn waker(&self) -> Thread {
        self.memory.touch();
        self.waker.clone()
    }
}

#[derive(Default)]
struct State {
    permits: usize,
    waiters: Vec<Arc<Node>>,
}

#[derive(Default)]
struct Semaphore {
    state: Mutex<State>,
}

impl Semaphore {
    /// Releases as many permits as there are waiters, or one.
    fn release(&self, fixed: bool) {
        let mut state = lock(&self.state);
        let satisfied = std::mem::take(&mut state.waiters);
        state.permits += usize::from(satisfied.is_empty());
        if fixed {
            let wakers: Vec<Thread> = satisfied.iter().map(|node| node.waker()).collect();
            drop(state);
            wakers.iter().for_each(Thread::unpark);
        } else {
            drop(state);
            satisfied.iter().for_each(|node| node.waker().unpark());
        }
    }

    /// Waits for a permit and gives up at once, as after a timeout.
    fn acquire_and_cancel(&self) {
        let memory = Allocation::named("node");
        let node = Arc::new(Node { memory, waker: thread::current() });
        let mut state = lock(&self.state);
        if state.permits > 0 {
            return;
        }
        state.waiters.push(node.clone());
        drop(state);
        // The future is dropped.
        let mut state = lock(&self.state);
        let before = state.waiters.len();
        state.waiters.retain(|waiter| !Arc::ptr_eq(waiter, &node));
        state.permits += usize::from(state.waiters.len() == before);
        drop(state);
        node.memory.free();
    }
}

fn program(fixed: bool) {
    let semaphore = Arc::new(Semaphore::default());
    let waited = semaphore.clone();
    spawn("waiter", move || waited.acquire_and_cancel());
    semaphore.release(fixed);
}
