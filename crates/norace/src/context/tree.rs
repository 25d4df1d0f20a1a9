//! The tree of contexts.
//!
//! A node points to its parent with a strong reference and to its children with weak ones. So what is below keeps alive
//! what can cancel it, and a child nobody holds goes and takes its place in the parent with it.
//!
//! # Protocol
//!
//! A node is *live* until its cause is set, once and for all, **under its lock** and in the same critical section in
//! which its children, waiters and timer are taken out of it. Hence
//!
//! - whoever finds it live under the lock may register there, and will be seen by whoever cancels it;
//! - whoever finds it cancelled has nothing registered there, and nothing to take back.
//!
//! The cause may be read without the lock. Cancelling goes over a list of nodes still to be marked, one lock at a
//! time and no recursion; timers are dropped, wakers called and nodes freed with no lock held. Locks are never
//! nested.
//!
//! Dropping the last reference to the end of a chain frees the chain in a loop, one parent after the other.

use super::cause::Cause;
use crate::time::Instant;
use crate::time::timer::Timer;
use crate::wait::{Key, Slab, Wakes};
use norace_prim::sync::{Arc, Mutex, OnceLock, Weak, lock};
use std::task::{Wake, Waker};

/// What is registered at a live node.
struct State {
    children: Slab<Weak<Node>>,
    waiters: Slab<Waker>,
    timer: Option<Timer>,
    /// This node's place among its parent's children; `None` for a root, and below a cancelled parent.
    place: Option<Key>,
}

pub(super) struct Node {
    /// Taken only when the node is freed.
    parent: Option<Arc<Node>>,
    deadline: Option<Instant>,
    /// Set under the lock, read without it.
    cause: OnceLock<Cause>,
    state: Mutex<State>,
}

impl Node {
    fn new(parent: Option<Arc<Self>>, deadline: Option<Instant>) -> Arc<Self> {
        let state = State { children: Slab::new(), waiters: Slab::new(), timer: None, place: None };
        Arc::new(Self { parent, deadline, cause: OnceLock::new(), state: Mutex::new(state) })
    }

    pub(super) fn root() -> Arc<Self> {
        Self::new(None, None)
    }

    /// A child of `parent`, which is cancelled at `deadline` at the latest.
    pub(super) fn below(parent: &Arc<Self>, deadline: Option<Instant>) -> Arc<Self> {
        // A deadline that is not earlier than the parent's is the parent's.
        let own = deadline.filter(|own| parent.deadline.is_none_or(|inherited| *own < inherited));
        let node = Self::new(Some(parent.clone()), own.or(parent.deadline));
        node.join(parent);
        if let Some(deadline) = own {
            node.arm(deadline);
        }
        node
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        self.cause.get()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The cause, or nothing yet and `current` is woken when there is one.
    pub(super) fn poll_cancelled(
        &self,
        waiter: &mut Option<Key>,
        current: &Waker,
    ) -> Option<Cause> {
        let mut wakes = Wakes::new();
        if self.cause.get().is_none() {
            let mut state = lock(&self.state);
            if self.cause.get().is_none() {
                match *waiter {
                    Some(key) => wakes.update(state.waiters.get_mut(key), current),
                    None => *waiter = Some(state.waiters.insert(current.clone())),
                }
                return None;
            }
        }
        *waiter = None;
        self.cause.get().cloned()
    }

    /// Takes back a waiter that [`Self::poll_cancelled`] registered.
    pub(super) fn stop_waiting(&self, waiter: Key) {
        let mut state = lock(&self.state);
        if self.cause.get().is_none() {
            let waker = state.waiters.remove(waiter);
            drop(state);
            drop(waker);
        }
    }

    /// Becomes a child of `parent`, or inherits the cause when that is cancelled.
    fn join(self: &Arc<Self>, parent: &Self) {
        let mut above = lock(&parent.state);
        if let Some(cause) = parent.cause.get() {
            drop(above);
            // Nobody else has seen this node, so nothing is registered here and nobody else sets its cause.
            self.cause.get_or_init(|| cause.clone());
            return;
        }
        let place = above.children.insert(Arc::downgrade(self));
        drop(above);
        lock(&self.state).place = Some(place);
    }

    /// Makes the deadline cancel this node.
    fn arm(self: &Arc<Self>, deadline: Instant) {
        if self.cause.get().is_some() {
            return;
        }
        if deadline <= Instant::now() {
            cancel(self, &Cause::DeadlineExceeded);
            return;
        }
        let expire = Waker::from(Arc::new(Expire { node: Arc::downgrade(self) }));
        let timer = Timer::arm(deadline, expire);
        let mut state = lock(&self.state);
        if self.cause.get().is_none() {
            state.timer = Some(timer);
        } else {
            drop(state);
            drop(timer);
        }
    }

    /// Sets the cause and takes out what was registered; `None` when it was cancelled before.
    fn mark(&self, cause: &Cause, wakes: &mut Wakes) -> Option<Slab<Weak<Self>>> {
        let mut state = lock(&self.state);
        self.cause.set(cause.clone()).ok()?;
        let children = state.children.take();
        let waiters = state.waiters.take();
        let timer = state.timer.take();
        drop(state);
        drop(timer);
        for waker in waiters {
            wakes.push(waker);
        }
        Some(children)
    }

    /// Leaves the parent's list and gives up the reference to it.
    fn leave_parent(&mut self) -> Option<Arc<Self>> {
        let parent = self.parent.take()?;
        let state = self.state.get_mut().unwrap_or_else(norace_prim::sync::PoisonError::into_inner);
        if let Some(place) = state.place.take() {
            let mut above = lock(&parent.state);
            if parent.cause.get().is_none() {
                above.children.remove(place);
            }
        }
        Some(parent)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut parent = self.leave_parent();
        while let Some(node) = parent {
            // Of several who let go of a node at once exactly one gets it, and goes on.
            parent = Arc::into_inner(node).and_then(|mut node| node.leave_parent());
        }
    }
}

/// Cancels `node` and everything below it; false when it was cancelled before.
pub(super) fn cancel(node: &Node, cause: &Cause) -> bool {
    let mut wakes = Wakes::new();
    let Some(children) = node.mark(cause, &mut wakes) else { return false };
    let mut below: Vec<Weak<Node>> = children.into_iter().collect();
    while let Some(node) = below.pop() {
        if let Some(node) = node.upgrade() {
            below.extend(node.mark(cause, &mut wakes).into_iter().flatten());
        }
    }
    wakes.wake_all();
    true
}

/// What a timer calls at a context's deadline.
struct Expire {
    node: Weak<Node>,
}

impl Wake for Expire {
    fn wake(self: Arc<Self>) {
        if let Some(node) = self.node.upgrade() {
            cancel(&node, &Cause::DeadlineExceeded);
        }
    }
}

#[cfg(test)]
mod tests;
