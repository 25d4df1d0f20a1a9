//! Waiting for a change of a part of the value.
//!
//! Each subscription is a *topic* with the part as it was last. Publishers offer each new value to every topic; one
//! that finds the part changed stores it and wakes who waits. Offers may come late or in another order than the
//! versions, so a topic remembers the newest version it was offered and ignores older ones. The value in force is
//! offered once more after a topic has joined, so that none published meanwhile is missed.

use super::error::Closed;
use super::shared::Shared;
use super::snapshot::Snapshot;
use crate::budget;
use crate::wait::{Wakes, block_on};
use norace_prim::sync::{Arc, Mutex, lock};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What publishers know of a topic.
pub(crate) trait Offer<T>: Send + Sync {
    fn offer(&self, new: &Snapshot<T>);
    fn close(&self);
}

type Project<T, P> = dyn Fn(&T) -> P + Send + Sync;

struct Topic<T, P> {
    project: Box<Project<T, P>>,
    state: Mutex<State<P>>,
}

struct State<P> {
    /// The newest version that was offered.
    offered: u64,
    /// The part, with the version in which it last changed.
    part: Snapshot<P>,
    waiter: Option<Waker>,
    closed: bool,
}

impl<T, P: PartialEq + Send + Sync> Offer<T> for Topic<T, P> {
    fn offer(&self, new: &Snapshot<T>) {
        let part = Snapshot::new(new.version(), Arc::new((self.project)(new)));
        loop {
            let known = {
                let state = lock(&self.state);
                if state.offered >= new.version() {
                    return;
                }
                state.part.clone()
            };
            // Foreign code: outside of the lock.
            let same = *known == *part;
            let mut wakes = Wakes::new();
            let mut state = lock(&self.state);
            if state.offered >= new.version() {
                return;
            }
            if state.part.version() != known.version() {
                continue;
            }
            state.offered = new.version();
            if !same {
                state.part = part;
                state.waiter.take().into_iter().for_each(|waker| wakes.push(waker));
            }
            drop(state);
            wakes.wake_all();
            return;
        }
    }

    fn close(&self) {
        let mut wakes = Wakes::new();
        let mut state = lock(&self.state);
        state.closed = true;
        state.waiter.take().into_iter().for_each(|waker| wakes.push(waker));
        drop(state);
        wakes.wake_all();
    }
}

/// Tells when a part of a [`Hot`](super::Hot) value changes; made by [`Hot::subscribe`](super::Hot::subscribe).
///
/// Several changes since the last look are one. A change back to what was seen last counts as one, too, unless both
/// publications run at the same time: then there may be nothing to tell. Who waits is woken by a publication that
/// changes the part, and by the end of the last [`Hot`](super::Hot), and by nothing else.
pub struct Changes<T, P> {
    shared: Arc<Shared<T>>,
    topic: Arc<Topic<T, P>>,
    /// The version of the part that was seen last.
    seen: u64,
}

impl<T, P> Changes<T, P>
where
    T: 'static,
    P: PartialEq + Send + Sync + 'static,
{
    pub(crate) fn new(shared: Arc<Shared<T>>, project: Box<Project<T, P>>) -> Self {
        let first = shared.load();
        let seen = first.version();
        let part = Snapshot::new(seen, Arc::new(project(&first)));
        drop(first);
        let state = Mutex::new(State { offered: seen, part, waiter: None, closed: false });
        let topic = Arc::new(Topic { project, state });
        let changes = Self { shared, topic, seen };
        changes.shared.join(changes.topic.clone());
        let now = changes.shared.load().snapshot();
        changes.topic.offer(&now);
        changes
    }
}

impl<T, P> Changes<T, P> {
    /// The part as it is now, with the version in which it last changed; counts as seen.
    pub fn current(&mut self) -> Snapshot<P> {
        let part = lock(&self.topic.state).part.clone();
        self.seen = part.version();
        part
    }

    /// The part, if it has changed since it was last seen.
    ///
    /// # Errors
    ///
    /// When it has not and never will: the last [`Hot`](super::Hot) is gone.
    pub fn try_changed(&mut self) -> Result<Option<Snapshot<P>>, Closed> {
        let state = lock(&self.topic.state);
        if state.part.version() == self.seen {
            return if state.closed { Err(Closed) } else { Ok(None) };
        }
        let part = state.part.clone();
        drop(state);
        self.seen = part.version();
        Ok(Some(part))
    }

    /// Waits until the part has changed since it was last seen, and gives it.
    ///
    /// **Cancel safe**: dropped before it is ready, it has seen nothing.
    ///
    /// # Errors
    ///
    /// When the last [`Hot`](super::Hot) is gone and no change is left to see.
    pub fn changed(&mut self) -> Changed<'_, T, P> {
        Changed { changes: self, waits: false }
    }

    /// As [`changed`](Self::changed), on a plain thread, which sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    pub fn changed_blocking(&mut self) -> Result<Snapshot<P>, Closed> {
        block_on(self.changed())
    }
}

impl<T, P> Drop for Changes<T, P> {
    fn drop(&mut self) {
        self.shared.leave(Arc::as_ptr(&self.topic).cast());
    }
}

impl<T, P: fmt::Debug> fmt::Debug for Changes<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = lock(&self.topic.state).part.clone();
        f.debug_struct("Changes").field("seen", &self.seen).field("part", &part).finish()
    }
}

/// The future of [`Changes::changed`].
pub struct Changed<'a, T, P> {
    changes: &'a mut Changes<T, P>,
    /// A waker may be in the topic.
    waits: bool,
}

impl<T, P> Future for Changed<'_, T, P> {
    type Output = Result<Snapshot<P>, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        std::task::ready!(budget::poll_left(cx));
        let mut wakes = Wakes::new();
        let this = &mut *self;
        let mut state = lock(&this.changes.topic.state);
        if state.part.version() != this.changes.seen {
            let part = state.part.clone();
            drop(state);
            this.changes.seen = part.version();
            budget::spend();
            return Poll::Ready(Ok(part));
        }
        if state.closed {
            return Poll::Ready(Err(Closed));
        }
        match &mut state.waiter {
            Some(waiter) => wakes.update(waiter, cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        this.waits = true;
        drop(state);
        wakes.wake_all();
        Poll::Pending
    }
}

impl<T, P> Drop for Changed<'_, T, P> {
    fn drop(&mut self) {
        if self.waits {
            let waiter = lock(&self.changes.topic.state).waiter.take();
            drop(waiter);
        }
    }
}

impl<T, P> fmt::Debug for Changed<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").field("waits", &self.waits).finish_non_exhaustive()
    }
}
