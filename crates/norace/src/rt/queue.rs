//! The queues of runnable tasks: one per worker, one for all.
//!
//! [`LocalQueue`] is Go's per-P queue: a ring of 256 tasks (`raw/ring.rs`), first in first out, and beside it
//! `runnext` (`raw/slot.rs`), the task that was woken last, which runs before the ring, so that a hand-off between two
//! tasks stays on one worker with its cache warm. A task pushed out of `runnext` goes to the back of the ring; a full
//! ring sends its back half to the [`Injector`]. At most [`NEXT_STREAK`] tasks in a row come from `runnext` while the
//! ring has any, so a pair of tasks that wake each other cannot starve the ring.
//!
//! The queue belongs to whoever fills the worker's place; everybody else has its [`Stealer`]. The injector
//! (`raw/inbox.rs`) is everybody's. All of it is without locks: no thread waits for one that was stopped in the middle.
//! Tasks may: those in the injector wait while whoever takes from it is stopped, and a ring that a thief was stopped at
//! is its owner's alone. Bounded by the number of live tasks: each is in at most one queue.

use crate::raw::inbox::Inbox;
use crate::raw::{ring, slot};
use crate::task::cell::Task;
use std::cell::Cell;

/// Tasks in one ring.
pub(crate) const RING: usize = norace_prim::model_or!(256, 4);

/// Tasks taken from `runnext` in a row while the ring waits.
const NEXT_STREAK: u32 = norace_prim::model_or!(8, 2);

/// Tasks taken from the injector at once.
const INJECTED: usize = RING / 2;

/// What follows from a push.
#[must_use]
pub(crate) enum Pushed {
    /// The owner runs the task next; nobody else need know.
    Quietly,
    /// More work is visible than the owner is about to run.
    Visibly,
    /// There was no room: these have to go to the injector.
    Overflow(Vec<Task>),
}

/// A worker's queue, as its owner has it.
pub(crate) struct LocalQueue {
    ring: ring::Owner<Task, RING>,
    next: slot::Owner<Task>,
    next_streak: Cell<u32>,
}

/// A worker's queue, as all others have it.
pub(crate) struct Stealer {
    ring: ring::Thief<Task, RING>,
    next: slot::Thief<Task>,
}

/// A new queue, empty.
pub(crate) fn local() -> (LocalQueue, Stealer) {
    let (ring, ring_thief) = ring::new();
    let (next, next_thief) = slot::new();
    let queue = LocalQueue { ring, next, next_streak: Cell::new(0) };
    (queue, Stealer { ring: ring_thief, next: next_thief })
}

impl LocalQueue {
    /// Puts `task` before all others; the one that was there goes to the back of the ring.
    pub(crate) fn push_next(&self, task: Task) -> Pushed {
        match self.next.replace(task) {
            None => Pushed::Quietly,
            Some(former) => self.push_ring(former),
        }
    }

    /// Puts `task` behind all others.
    pub(crate) fn push_back(&self, task: Task) -> Pushed {
        let alone = self.ring.is_empty() && !self.next.is_full();
        match self.push_ring(task) {
            Pushed::Visibly if alone => Pushed::Quietly,
            pushed => pushed,
        }
    }

    fn push_ring(&self, task: Task) -> Pushed {
        match self.ring.push(task) {
            Ok(()) => Pushed::Visibly,
            Err(overflow) => Pushed::Overflow(overflow),
        }
    }

    /// The task to run now.
    pub(crate) fn pop(&self) -> Option<Task> {
        let streak = self.next_streak.get();
        let next_first = streak < NEXT_STREAK;
        if next_first && let Some(task) = self.next.take() {
            self.next_streak.set(streak + 1);
            return Some(task);
        }
        if let Some(task) = self.ring.pop() {
            self.next_streak.set(0);
            return Some(task);
        }
        // Not before the ring: between a look at its length and the pop a thief may have emptied it.
        if next_first { None } else { self.next.take() }
    }
}

impl Stealer {
    /// How many tasks the ring holds.
    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(crate) fn has_next(&self) -> bool {
        self.next.is_full()
    }

    /// Moves the front half of the ring, rounded up, into `stolen`; none where another thief is at work.
    pub(crate) fn steal_half(&self, stolen: &mut Vec<Task>) {
        self.ring.steal_half(stolen);
    }

    /// Takes the task that was to run next.
    pub(crate) fn steal_next(&self) -> Option<Task> {
        self.next.steal()
    }
}

/// The queue for tasks that no worker pushed: spawned and woken from other threads, and what overflows.
pub(crate) struct Injector {
    tasks: Inbox<Task>,
}

impl Injector {
    pub(crate) fn new() -> Self {
        Self { tasks: Inbox::new() }
    }

    /// How many tasks it holds, for statistics.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are tasks to take and nobody is taking.
    pub(crate) fn has_work(&self) -> bool {
        self.tasks.has_work()
    }

    /// Adds `tasks`; gives them back when no worker is left to run them.
    pub(crate) fn push(&self, tasks: impl Iterator<Item = Task>) -> Result<(), Vec<Task>> {
        self.tasks.put(tasks)
    }

    /// Moves the oldest task into `taken`, unless somebody else is taking. Whoever takes has to look at
    /// [`has_work`](Self::has_work) next, and to wake a worker if there is.
    pub(crate) fn take_one(&self, taken: &mut Vec<Task>) {
        self.tasks.take(|_| 1, taken);
    }

    /// As [`take_one`](Self::take_one), one worker's share.
    pub(crate) fn take_share(&self, workers: usize, taken: &mut Vec<Task>) {
        self.tasks.take(|len| len.min(len / workers + 1).min(INJECTED), taken);
    }

    /// Refuses further tasks and gives those that are left. Nobody may be taking, or take later.
    pub(crate) fn close(&self) -> Vec<Task> {
        self.tasks.close()
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
