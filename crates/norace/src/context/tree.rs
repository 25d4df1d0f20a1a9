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
use crate::wait::{self, BlockedOn, Key, Slab, Wakes};
use norace_prim::probe::{Effect, Kind, Monitor, Site};
use norace_prim::sync::{Arc, Mutex, OnceLock, Weak, lock};
use std::task::{Wake, Waker};

/// What the checker's reports say that a waiter does, and what it waits to do.
const WAIT: &str = "wait for the end of";
const SEE: &str = "see the end of";

/// What is registered at a live node.
struct State {
    children: Slab<Weak<Node>>,
    waiters: Slab<Waker>,
    timer: Option<Timer>,
    /// This node's place among its parent's children; `None` for a root, and below a cancelled parent.
    place: Option<Key>,
}

/// What the checker calls a node.
struct NodeKind;

impl Kind for NodeKind {
    const WORD: &'static str = "context";
    type Holds = Cause;
}

pub(super) struct Node {
    monitor: Monitor<NodeKind>,
    /// Taken only when the node is freed.
    parent: Option<Arc<Node>>,
    deadline: Option<Instant>,
    /// Set under the lock, read without it.
    cause: OnceLock<Cause>,
    state: Mutex<State>,
}

impl Node {
    #[track_caller]
    fn new(parent: Option<Arc<Self>>, deadline: Option<Instant>) -> Arc<Self> {
        let state = State { children: Slab::new(), waiters: Slab::new(), timer: None, place: None };
        Arc::new(Self {
            monitor: Monitor::new(),
            parent,
            deadline,
            cause: OnceLock::new(),
            state: Mutex::new(state),
        })
    }

    /// Runs `step`, which does `what`, under the lock; not on a node that has been cancelled, where nothing is left to
    /// be done.
    fn if_live<R>(
        &self,
        what: &'static str,
        site: Site,
        step: impl FnOnce(&mut State) -> R,
    ) -> Option<R> {
        self.monitor.attempt(what, site, || {
            let mut state = lock(&self.state);
            match self.cause.get() {
                None => (Effect::Changed, Some(step(&mut state))),
                Some(_) => (Effect::Learned, None),
            }
        })
    }

    #[track_caller]
    pub(super) fn root() -> Arc<Self> {
        Self::new(None, None)
    }

    /// A child of `parent`, which is cancelled at `deadline` at the latest.
    #[track_caller]
    pub(super) fn below(parent: &Arc<Self>, deadline: Option<Instant>) -> Arc<Self> {
        // A deadline that is not earlier than the parent's is the parent's.
        let own = deadline.filter(|own| parent.deadline.is_none_or(|inherited| *own < inherited));
        let node = Self::new(Some(parent.clone()), own.or(parent.deadline));
        let site = Site::here();
        node.join(parent, site);
        if let Some(deadline) = own {
            node.arm(deadline, site);
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
        site: Site,
    ) -> Option<Cause> {
        let mut wakes = Wakes::new();
        let mut registers = || {
            self.if_live(WAIT, site, |state| match *waiter {
                Some(key) => wakes.update(state.waiters.get_mut(key), current),
                None => *waiter = Some(state.waiters.insert(current.clone())),
            })
        };
        if self.cause.get().is_none() && registers().is_some() {
            self.monitor.waits(SEE, site);
            wait::note(BlockedOn::Context, site);
            return None;
        }
        *waiter = None;
        self.cause.get().cloned()
    }

    /// Takes back a waiter that [`Self::poll_cancelled`] registered.
    pub(super) fn stop_waiting(&self, waiter: Key, site: Site) {
        let stop = |state: &mut State| state.waiters.remove(waiter);
        drop(self.if_live("stop waiting for the end of", site, stop));
    }

    /// Becomes a child of `parent`, or inherits the cause when that is cancelled.
    fn join(self: &Arc<Self>, parent: &Self, site: Site) {
        let put = |above: &mut State| above.children.insert(Arc::downgrade(self));
        match parent.if_live("put a child below", site, put) {
            Some(place) => self
                .monitor
                .enter("tell its place to", site, || lock(&self.state).place = Some(place)),
            None => {
                let cause = parent.cause.get().expect("only the cancelled take no child");
                // Nobody else has seen this node, so nothing is registered here and nobody else sets its cause.
                self.cause.get_or_init(|| cause.clone());
            }
        }
    }

    /// Makes the deadline cancel this node.
    fn arm(self: &Arc<Self>, deadline: Instant, site: Site) {
        if self.cause.get().is_some() {
            return;
        }
        if deadline <= Instant::now() {
            cancel(self, &Cause::DeadlineExceeded, site);
            return;
        }
        let expire = Expire { node: Arc::downgrade(self), site };
        let mut timer = Some(Timer::arm(deadline, Waker::from(Arc::new(expire))));
        self.if_live("set the timer of", site, |state| state.timer = timer.take());
    }

    /// Sets the cause and takes out what was registered; `None` when it was cancelled before.
    fn mark(&self, cause: &Cause, wakes: &mut Wakes, site: Site) -> Option<Slab<Weak<Self>>> {
        let (children, waiters, timer) = self.if_live("cancel", site, |state| {
            let set = self.cause.set(cause.clone());
            debug_assert!(set.is_ok(), "a live node has no cause");
            (state.children.take(), state.waiters.take(), state.timer.take())
        })?;
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
            let take = |above: &mut State| drop(above.children.remove(place));
            parent.if_live("take a child from", Site::here(), take);
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
pub(super) fn cancel(node: &Node, cause: &Cause, site: Site) -> bool {
    let mut wakes = Wakes::new();
    let Some(children) = node.mark(cause, &mut wakes, site) else { return false };
    let mut below: Vec<Weak<Node>> = children.into_iter().collect();
    while let Some(node) = below.pop() {
        if let Some(node) = node.upgrade() {
            below.extend(node.mark(cause, &mut wakes, site).into_iter().flatten());
        }
    }
    wakes.wake_all();
    true
}

/// What a timer calls at a context's deadline.
struct Expire {
    node: Weak<Node>,
    site: Site,
}

impl Wake for Expire {
    fn wake(self: Arc<Self>) {
        if let Some(node) = self.node.upgrade() {
            cancel(&node, &Cause::DeadlineExceeded, self.site);
        }
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
