//! The life of a task in one word.
//!
//! | bit | meaning |
//! | --- | --- |
//! | `SCHEDULED` | the task is in a queue, or has to go into one when the poll that runs now returns |
//! | `RUNNING` | a worker is inside it: polling, cancelling or completing |
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
//! **Invariant:** a task is in at most one queue, and only its remover may run it: who changes the word from neither
//! `SCHEDULED` nor `RUNNING` to `SCHEDULED` puts it there, exactly once. A wake during a poll only leaves the bit, and
//! the worker queues the task afterwards. Wakes of a task that is done do nothing.
//!
//! A waker always writes, even when the bit is set already: that write carries what the waker did before to the
//! poll that follows.

use norace_prim::atomic::{AtomicU8, Ordering};
use std::fmt;

const SCHEDULED: u8 = 1;
const RUNNING: u8 = 2;
const DONE: u8 = 4;
const CANCELLED: u8 = 8;

/// What a task is doing, as reports see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// Waits to be woken.
    Waiting,
    /// Is in a queue and waits for a worker.
    Runnable,
    /// Is inside its code.
    Running,
    /// Has ended.
    Done,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Runnable => "runnable",
            Self::Running => "running",
            Self::Done => "done",
        })
    }
}

/// What a worker has to do with a task it took from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Poll,
    Cancel,
}

/// The word.
#[derive(Debug)]
pub(crate) struct State(AtomicU8);

impl State {
    /// Of a task that is about to be put into a queue.
    pub(crate) const fn scheduled() -> Self {
        Self(AtomicU8::new(SCHEDULED))
    }

    /// Of a task that was refused: it is completed by its creator and never queued.
    pub(crate) const fn refused() -> Self {
        Self(AtomicU8::new(RUNNING))
    }

    /// Of a task that has a thread of its own and is in no queue, ever.
    pub(crate) const fn alone() -> Self {
        Self(AtomicU8::new(0))
    }

    /// Whether somebody has asked for its end.
    pub(crate) fn is_cancelled(&self) -> bool {
        // Acquire: pairs with the Release in cancel, so that who sees it sees the cause.
        self.0.load(Ordering::Acquire) & CANCELLED != 0
    }

    /// A wake; true when the caller has to queue the task.
    pub(crate) fn wake(&self) -> bool {
        // Release: pairs with the Acquire in start, so that the poll sees what the waker did before.
        let before = self.0.fetch_or(SCHEDULED, Ordering::Release);
        before & (SCHEDULED | RUNNING | DONE) == 0
    }

    /// Asks for the end of the task; true when the caller has to queue it.
    pub(crate) fn cancel(&self) -> bool {
        // Release: pairs with the Acquire in start, so that the run sees the cause stored before.
        let before = self.0.fetch_or(SCHEDULED | CANCELLED, Ordering::Release);
        before & (SCHEDULED | RUNNING | DONE) == 0
    }

    /// Taken from a queue: scheduled becomes running.
    pub(crate) fn start(&self) -> Start {
        // Acquire: pairs with the Release in wake and cancel, and with the one in pause of the run before.
        let before = self.0.fetch_xor(SCHEDULED | RUNNING, Ordering::Acquire);
        debug_assert_eq!(before & (SCHEDULED | RUNNING | DONE), SCHEDULED, "run a queued task");
        if before & CANCELLED == 0 { Start::Poll } else { Start::Cancel }
    }

    /// The poll was pending; true when the task was woken meanwhile and the caller has to queue it.
    pub(crate) fn pause(&self) -> bool {
        // Release: pairs with the Acquire in start, so that the next run sees what this one did. A wake in between is a
        // read-modify-write and carries it on.
        let before = self.0.fetch_and(!RUNNING, Ordering::Release);
        before & SCHEDULED != 0
    }

    /// The task has ended.
    pub(crate) fn finish(&self) {
        // Release: pairs with the Acquire in is_done, so that who sees it done sees what the task did.
        self.0.store(DONE, Ordering::Release);
    }

    pub(crate) fn is_done(&self) -> bool {
        // Acquire: pairs with the Release in finish.
        self.0.load(Ordering::Acquire) & DONE != 0
    }

    pub(crate) fn snapshot(&self) -> TaskState {
        // Relaxed: a report; it is old the moment it is made.
        let now = self.0.load(Ordering::Relaxed);
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

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
