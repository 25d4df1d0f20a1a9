//! What the handles of one hot value share.
//!
//! Two words say what is current: the cell, from which values are read, and the version, which tells cached readers
//! whether to look there. The version rises first: who has got a value from the cell sees its version, so a cached
//! reader with an older one goes to the cell. One that sees the version before the cell has changed finds the former
//! value there, and looks again the next time.
//!
//! No foreign code (a validator, a projection, a comparison, a drop, a waker) runs under the lock.

use super::changes::Offer;
use super::snapshot::Snapshot;
use crate::raw::lent::{Lender, Loan};
use crate::wait::for_each;
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::{Arc, Mutex, lock};
use std::collections::VecDeque;

/// Two cache lines, which processors fetch in pairs: readers look at the version all the time, and nothing else that
/// changes is beside it.
#[repr(align(128))]
struct Version(AtomicU64);

pub(crate) struct Shared<T> {
    version: Version,
    cell: Lender<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Former versions, the oldest first.
    history: VecDeque<Snapshot<T>>,
    history_max: usize,
    topics: Vec<Arc<dyn Offer<T>>>,
    closed: bool,
}

impl<T> Shared<T> {
    pub(crate) fn new(value: Arc<T>, history_max: usize) -> Self {
        Self {
            version: Version(AtomicU64::new(1)),
            cell: Lender::new(Snapshot::new(1, value)),
            state: Mutex::new(State {
                history: VecDeque::new(),
                history_max,
                topics: Vec::new(),
                closed: false,
            }),
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> Loan<'_, T> {
        self.cell.load()
    }

    /// Whether a value of `version` may no longer be in force. If not, nobody who synchronised with this thread has got
    /// a later one.
    #[inline]
    pub(crate) fn is_news(&self, version: u64) -> bool {
        // Relaxed: whoever got a later value from the cell sees that the version has risen, for the cell's exchange and
        // look pair, and so does everybody who synchronised with them.
        self.version.0.load(Ordering::Relaxed) != version
    }

    /// Makes `value` the version after `base` and tells who subscribed; nothing when `base` is no longer in force.
    pub(crate) fn commit(&self, base: u64, value: &Arc<T>) -> Option<u64> {
        let mut state = lock(&self.state);
        // Relaxed: it is changed under this lock alone.
        if self.version.0.load(Ordering::Relaxed) != base {
            return None;
        }
        let new = Snapshot::new(base + 1, value.clone());
        let former = (state.history_max > 0).then(|| self.cell.load().snapshot());
        // Relaxed: the cell's exchange, which comes after it, releases it.
        self.version.0.store(base + 1, Ordering::Relaxed);
        let unread = self.cell.publish(new.clone());
        let mut forgotten = None;
        if let Some(former) = former {
            if state.history.len() == state.history_max {
                forgotten = state.history.pop_front();
            }
            state.history.push_back(former);
        }
        let topics = state.topics.clone();
        drop(state);
        drop((unread, forgotten));
        for_each(topics, |topic| topic.offer(&new));
        Some(base + 1)
    }

    /// Former versions, the newest first.
    pub(crate) fn history(&self) -> Vec<Snapshot<T>> {
        lock(&self.state).history.iter().rev().cloned().collect()
    }

    /// Has `topic` told of each change from now on.
    pub(crate) fn join(&self, topic: Arc<dyn Offer<T>>) {
        let mut state = lock(&self.state);
        if state.closed {
            drop(state);
            topic.close();
        } else {
            state.topics.push(topic);
        }
    }

    pub(crate) fn leave(&self, topic: *const ()) {
        let mut state = lock(&self.state);
        let place = state.topics.iter().position(|one| Arc::as_ptr(one).cast() == topic);
        let left = place.map(|place| state.topics.swap_remove(place));
        drop(state);
        drop(left);
    }

    /// Tells who subscribed that nothing will change any more.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let topics = std::mem::take(&mut state.topics);
        drop(state);
        for_each(topics, |topic| topic.close());
    }
}
