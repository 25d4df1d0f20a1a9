//! The life of a task in one word, and what belongs to whoever runs it.
//!
//! | bit | meaning |
//! | --- | --- |
//! | `SCHEDULED` | the task is in a queue, or has to go into one when who is inside it leaves |
//! | `RUNNING` | a worker is inside it: polling, cancelling or completing |
//! | `LOOKING` | a report is inside it, to see what it waits for |
//! | `DONE` | its future is gone and its outcome is decided; final |
//! | `CANCELLED` | somebody asked for its end; the next run drops the future instead of polling it |
//!
//! ```text
//!                 wake                 start                  Ready, panic, cancelled
//!   (idle) ----------------> SCHEDULED ------> RUNNING -------------------------------> DONE
//!      ^                         ^               |  |
//!      |       Pending           |               |  | Pending after a wake
//!      +-------------------------|---------------+  |
//!                                +------------------+
//! ```
//!
//! **Invariant:** a task is in at most one queue, and only its remover may run it: who changes the word from nothing of
//! `SCHEDULED`, `RUNNING` and `LOOKING` to `SCHEDULED` puts it there, exactly once. A wake while somebody is inside
//! only leaves the bit, and who leaves queues the task. Wakes of a task that is done do nothing.
//!
//! **Who may touch the value:** who made the word `RUNNING` from `SCHEDULED` alone, or `LOOKING` from nothing, until he
//! takes that bit back. Both are a compare-and-exchange that fails while either bit is set, so there is one at a time
//! and no lock; taking the bit back releases what the next one acquires.
//!
//! A waker always writes, even when the bit is set already: that write carries what the waker did before to the
//! poll that follows.

use crate::task::TaskState;
use crate::task::registry::Spot;
use crate::wait::BlockedOn;
use norace_prim::atomic::{AtomicU8, Ordering};
use norace_prim::cell::UnsafeCell;

const SCHEDULED: u8 = 1;
const RUNNING: u8 = 2;
const DONE: u8 = 4;
const CANCELLED: u8 = 8;
const LOOKING: u8 = 16;

/// Who wakes or cancels a task with one of these does not queue it.
const TAKEN: u8 = SCHEDULED | RUNNING | LOOKING | DONE;

/// What a task is to everybody: its word, and what of it does not change.
pub(crate) struct Head<R> {
    word: AtomicU8,
    /// The small part of the value, where the word leaves room for it: what the task waits for.
    on: UnsafeCell<Option<BlockedOn>>,
    /// Where the registry keeps it.
    pub(crate) spot: Spot,
    pub(crate) facts: R,
}

// SAFETY: `on` is touched by one thread at a time, as the table above says.
unsafe impl<R: Sync> Sync for Head<R> {}

impl<R> Head<R> {
    /// A wake; true when the caller has to queue the task.
    pub(crate) fn wake(&self) -> bool {
        // Release: pairs with the Acquire in start, so that the poll sees what the waker did before.
        let before = self.word.fetch_or(SCHEDULED, Ordering::Release);
        before & TAKEN == 0
    }

    /// Asks for the end of the task; true when the caller has to queue it.
    pub(crate) fn cancel(&self) -> bool {
        // Release: pairs with the Acquire in start, so that the run sees the cause stored before.
        let before = self.word.fetch_or(SCHEDULED | CANCELLED, Ordering::Release);
        before & TAKEN == 0
    }

    pub(crate) fn is_done(&self) -> bool {
        // Acquire: pairs with the Release in finish, so that who sees it done sees what the task did.
        self.word.load(Ordering::Acquire) & DONE != 0
    }

    pub(crate) fn snapshot(&self) -> TaskState {
        // Relaxed: a report; it is old the moment it is made.
        let now = self.word.load(Ordering::Relaxed);
        if now & DONE != 0 {
            TaskState::Done
        } else if now & RUNNING != 0 {
            TaskState::Running
        } else if now & SCHEDULED != 0 {
            TaskState::Runnable
        } else {
            TaskState::Waiting
        }
    }
}

/// A task's word with the value that it guards.
pub(crate) struct Turns<R, T> {
    head: Head<R>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is touched by one thread at a time, as the table above says, and goes from thread to thread, hence
// `T: Send`.
unsafe impl<R: Sync, T: Send> Sync for Turns<R, T> {}

impl<R, T> Turns<R, T> {
    /// Those of a task that its maker is about to put into a queue.
    pub(crate) fn new(facts: R, value: T) -> Self {
        let (word, on) = (AtomicU8::new(SCHEDULED), UnsafeCell::new(None));
        let head = Head { word, on, spot: Spot::nowhere(), facts };
        Self { head, value: UnsafeCell::new(value) }
    }

    pub(crate) fn head(&self) -> &Head<R> {
        &self.head
    }

    /// The turn of whoever took the task from a queue: scheduled becomes running.
    ///
    /// # Panics
    ///
    /// When it was in none.
    pub(crate) fn start(&self) -> Turn<'_, R, T> {
        let mut now = SCHEDULED;
        loop {
            let running = now ^ (SCHEDULED | RUNNING);
            // Acquire: pairs with the Release in wake and cancel, and with those in pause and look, so that what was
            // done before is seen. Relaxed: who fails tries again.
            match self.head.word.compare_exchange(
                now,
                running,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Turn { turns: self, cancelled: now & CANCELLED != 0 },
                Err(other) => now = other,
            }
            assert_eq!(now & TAKEN, SCHEDULED, "a task that is run was queued");
        }
    }

    /// Looks at a task that waits to be woken, and gives what `see` saw, and whether the caller has to queue the task;
    /// none when it does not wait, or somebody else looks.
    pub(crate) fn look<V>(
        &self,
        see: impl FnOnce(&T, Option<BlockedOn>) -> V,
    ) -> Option<(V, bool)> {
        let word = &self.head.word;
        // Acquire: pairs with the Release in pause, so that what the last run left is seen. Relaxed: who fails does not
        // look.
        word.compare_exchange(0, LOOKING, Ordering::Acquire, Ordering::Relaxed).ok()?;
        let seen = self.with(|value, on| see(value, *on));
        // Release: pairs with the Acquire in start, so that the next run comes after the look.
        let before = word.fetch_and(!LOOKING, Ordering::Release);
        Some((seen, before & SCHEDULED != 0))
    }

    /// Calls `act` with what the word guards, for who has set the bit that says so.
    fn with<V>(&self, act: impl FnOnce(&mut T, &mut Option<BlockedOn>) -> V) -> V {
        self.value.with_mut(|value| {
            self.head.on.with_mut(|on| {
                // SAFETY: by the bit it set, the caller is the only one to touch the value.
                let value = unsafe { &mut *value };
                // SAFETY: and this, which is a part of it.
                let on = unsafe { &mut *on };
                act(value, on)
            })
        })
    }
}

/// The right to run a task, until it is given up.
pub(crate) struct Turn<'a, R, T> {
    turns: &'a Turns<R, T>,
    cancelled: bool,
}

impl<R, T> Turn<'_, R, T> {
    /// Whether it is there to end the task.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Calls `act` with the value and what the task waits for.
    pub(crate) fn with<V>(&mut self, act: impl FnOnce(&mut T, &mut Option<BlockedOn>) -> V) -> V {
        self.turns.with(act)
    }

    /// The poll was pending; true when the task was woken meanwhile and the caller has to queue it.
    pub(crate) fn pause(self) -> bool {
        // Release: pairs with the Acquire in start and look, so that the next one sees what this one did. A wake in
        // between is a read-modify-write and carries it on.
        let before = self.turns.head.word.fetch_and(!RUNNING, Ordering::Release);
        before & SCHEDULED != 0
    }

    /// The task has ended.
    pub(crate) fn finish(self) {
        // Release: pairs with the Acquire in is_done, so that who sees it done sees what the task did.
        self.turns.head.word.store(DONE, Ordering::Release);
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
