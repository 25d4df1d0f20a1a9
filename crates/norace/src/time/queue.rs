//! The queue of timers: deadlines in order, each with the waker to call.
//!
//! A `BTreeMap` keyed by (deadline, id) behind one lock: inserting, cancelling and taking the earliest are logarithmic,
//! and equal deadlines fire in the order in which they were set. The queue is bounded by who owns the timers: each one
//! belongs to a live future, context or channel, and dropping that takes it out.
//!
//! Somebody *serves* a queue: a runtime's netpoller, or the timer thread (`time/thread.rs`). The server sleeps
//! until the earliest deadline, so an earlier one that arrives meanwhile has to wake it. Both sides meet under the
//! lock:
//!
//! 1. the server calls [`TimerQueue::begin_wait`], which notes until when it is going to sleep;
//! 2. [`TimerQueue::insert`] compares its deadline with that note. Earlier: it moves the note forward and calls the
//!    *kick* after unlocking. Later, or nobody waits: it does nothing, the server will see the timer on its next round;
//! 3. the server calls [`TimerQueue::take_due`] when it wakes up, which clears the note.
//!
//! Because the note moves with each kick, a burst of ever earlier timers kicks once per step and a burst of equal ones
//! kicks once. Foreign code (cloning, waking and dropping wakers) never runs under the lock.

use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::time::Instant;
use std::collections::BTreeMap;
use std::fmt;
use std::task::Waker;

/// Wakes whoever serves a queue.
pub(crate) type Kick = Arc<dyn Fn() + Send + Sync>;

/// Names one timer in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    deadline: Instant,
    id: u64,
}

/// What the server of a queue is doing.
#[derive(Clone, Copy, Debug)]
enum Server {
    /// Awake, it will look at the queue before it sleeps.
    Awake,
    /// Asleep until then; without an instant until it is kicked.
    Asleep(Option<Instant>),
}

struct Inner {
    timers: BTreeMap<Key, Waker>,
    next_id: u64,
    server: Server,
    kick: Kick,
}

/// Timers in the order of their deadlines.
pub(crate) struct TimerQueue {
    inner: Mutex<Inner>,
}

impl TimerQueue {
    /// An empty queue whose server sleeps until `kick` is called for the first time.
    pub(crate) fn new(kick: Kick) -> Self {
        Self {
            inner: Mutex::new(Inner {
                timers: BTreeMap::new(),
                next_id: 0,
                server: Server::Asleep(None),
                kick,
            }),
        }
    }

    /// Adds a timer: `waker` is called once, at or after `deadline`.
    pub(crate) fn insert(&self, deadline: Instant, waker: Waker) -> Key {
        let mut inner = lock(&self.inner);
        let key = Key { deadline, id: inner.next_id };
        inner.next_id += 1;
        inner.timers.insert(key, waker);
        let kick = match inner.server {
            Server::Asleep(until) if until.is_none_or(|until| deadline < until) => {
                inner.server = Server::Asleep(Some(deadline));
                Some(inner.kick.clone())
            }
            _ => None,
        };
        drop(inner);
        if let Some(kick) = kick {
            kick();
        }
        key
    }

    /// Makes the timer wake `waker` from now on; false when it has fired or was removed.
    pub(crate) fn set_waker(&self, key: Key, waker: &Waker) -> bool {
        match lock(&self.inner).timers.get(&key) {
            None => return false,
            Some(present) if present.will_wake(waker) => return true,
            Some(_) => {}
        }
        let mut waker = waker.clone();
        match lock(&self.inner).timers.get_mut(&key) {
            None => return false,
            Some(present) => std::mem::swap(present, &mut waker),
        }
        // The former waker is dropped here, outside the lock.
        true
    }

    /// Takes the timer out; false when it has fired already.
    pub(crate) fn remove(&self, key: Key) -> bool {
        let waker = lock(&self.inner).timers.remove(&key);
        waker.is_some()
    }

    /// Moves the wakers of at most `max` timers due at `now` into `due`, earliest first; true when there are more.
    ///
    /// The server counts as awake afterwards.
    pub(crate) fn take_due(&self, now: Instant, due: &mut Vec<Waker>, max: usize) -> bool {
        let mut inner = lock(&self.inner);
        inner.server = Server::Awake;
        for _ in 0..max {
            match inner.timers.first_entry() {
                Some(first) if first.key().deadline <= now => due.push(first.remove()),
                _ => return false,
            }
        }
        inner.timers.first_key_value().is_some_and(|(key, _)| key.deadline <= now)
    }

    /// Notes that the server goes to sleep and says until when it may.
    pub(crate) fn begin_wait(&self) -> Option<Instant> {
        let mut inner = lock(&self.inner);
        let until = inner.timers.first_key_value().map(|(key, _)| key.deadline);
        inner.server = Server::Asleep(until);
        until
    }

    /// Hands the queue to another server, which is taken to be asleep, and wakes it if there is something to serve.
    #[cfg(feature = "rt")]
    pub(crate) fn change_server(&self, kick: Kick) {
        let mut inner = lock(&self.inner);
        let former = std::mem::replace(&mut inner.kick, kick.clone());
        let until = inner.timers.first_key_value().map(|(key, _)| key.deadline);
        inner.server = Server::Asleep(until);
        drop(inner);
        drop(former);
        if until.is_some() {
            kick();
        }
    }

    /// Whether no timer waits.
    #[cfg(feature = "rt")]
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inner).timers.is_empty()
    }

    /// How many timers wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.inner).timers.len()
    }
}

impl fmt::Debug for TimerQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerQueue").field("timers", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
