//! The queues of runnable tasks: one per worker, one for all.
//!
//! [`LocalQueue`] is Go's per-P queue: a ring of 256 tasks, first in first out, and beside it `runnext`, the task
//! that was woken last, which runs before the ring, so that a hand-off between two tasks stays on one worker with
//! its cache warm. A task pushed out of `runnext` goes to the back of the ring; a full ring sends its back half to
//! the [`Injector`]. At most [`NEXT_STREAK`] tasks in a row come from `runnext` while the ring has any, so a pair
//! of tasks that wake each other cannot starve the ring.
//!
//! Both are behind a lock. A worker's own lock is contended only by a thief, and the lengths are kept beside it so that
//! looking for work takes no lock. Bounded by the number of live tasks: each is in at most one queue.

use crate::task::cell::Task;
use norace_prim::atomic::{AtomicBool, AtomicUsize, Ordering};
use norace_prim::sync::{Mutex, MutexGuard, lock};
use std::collections::VecDeque;

/// Tasks in one ring.
pub(crate) const RING: usize = norace_prim::model_or!(256, 4);

/// Tasks taken from `runnext` in a row while the ring waits.
const NEXT_STREAK: u32 = 8;

/// Tasks taken from the injector at once.
const INJECTED: usize = RING / 2;

struct Local {
    next: Option<Task>,
    next_streak: u32,
    ring: VecDeque<Task>,
}

/// What follows from a push.
#[must_use]
pub(crate) enum Pushed {
    /// The owner runs the task next; nobody else need know.
    Quietly,
    /// More work is visible than the owner is about to run.
    Visibly,
    /// The ring was full: these have to go to the injector.
    Overflow(VecDeque<Task>),
}

pub(crate) struct LocalQueue {
    local: Mutex<Local>,
    /// The ring's length.
    len: AtomicUsize,
    has_next: AtomicBool,
}

impl LocalQueue {
    pub(crate) fn new() -> Self {
        let local = Local { next: None, next_streak: 0, ring: VecDeque::with_capacity(RING) };
        Self {
            local: Mutex::new(local),
            len: AtomicUsize::new(0),
            has_next: AtomicBool::new(false),
        }
    }

    fn publish_len(&self, local: &MutexGuard<'_, Local>) {
        // SeqCst: P1 of the sleep protocol in rt/idle.rs.
        self.len.store(local.ring.len(), Ordering::SeqCst);
    }

    fn publish_next(&self, local: &MutexGuard<'_, Local>) {
        // Relaxed: a hint for thieves and the stall monitor, who look again under the lock.
        self.has_next.store(local.next.is_some(), Ordering::Relaxed);
    }

    /// How many tasks the ring holds.
    pub(crate) fn len(&self) -> usize {
        // SeqCst: S2 of the sleep protocol in rt/idle.rs.
        self.len.load(Ordering::SeqCst)
    }

    pub(crate) fn has_next(&self) -> bool {
        // Relaxed: as in publish_next.
        self.has_next.load(Ordering::Relaxed)
    }

    /// Puts `task` before all others; the one that was there goes to the back of the ring.
    pub(crate) fn push_next(&self, task: Task) -> Pushed {
        let mut local = lock(&self.local);
        match local.next.replace(task) {
            None => {
                self.publish_next(&local);
                Pushed::Quietly
            }
            Some(former) => self.push_ring(local, former),
        }
    }

    /// Puts `task` behind all others.
    pub(crate) fn push_back(&self, task: Task) -> Pushed {
        let local = lock(&self.local);
        let alone = local.ring.is_empty() && local.next.is_none();
        match self.push_ring(local, task) {
            Pushed::Visibly if alone => Pushed::Quietly,
            pushed => pushed,
        }
    }

    fn push_ring(&self, mut local: MutexGuard<'_, Local>, task: Task) -> Pushed {
        if local.ring.len() < RING {
            local.ring.push_back(task);
            self.publish_len(&local);
            return Pushed::Visibly;
        }
        // The front half stays: it may just have come from the injector and must not be sent back.
        let mut overflow = local.ring.split_off(RING / 2);
        overflow.push_back(task);
        self.publish_len(&local);
        Pushed::Overflow(overflow)
    }

    /// The task to run now.
    pub(crate) fn pop(&self) -> Option<Task> {
        // Relaxed: the caller is the owner, the only one who fills either place.
        if self.len.load(Ordering::Relaxed) == 0 && !self.has_next() {
            return None;
        }
        let mut local = lock(&self.local);
        let next_may_run = local.next_streak < NEXT_STREAK || local.ring.is_empty();
        if next_may_run && let Some(task) = local.next.take() {
            local.next_streak = local.next_streak.saturating_add(1);
            self.publish_next(&local);
            return Some(task);
        }
        local.next_streak = 0;
        let task = local.ring.pop_front();
        // Relaxed: a length that is read too large costs a look; only a push has to be seen in time.
        self.len.store(local.ring.len(), Ordering::Relaxed);
        task
    }

    /// Moves the front half of the ring, rounded up, into `stolen`.
    pub(crate) fn steal_half(&self, stolen: &mut Vec<Task>) {
        if self.len() == 0 {
            return;
        }
        let mut local = lock(&self.local);
        let half = local.ring.len().div_ceil(2);
        stolen.extend(local.ring.drain(..half));
        // Relaxed: as in pop.
        self.len.store(local.ring.len(), Ordering::Relaxed);
    }

    /// Takes the task that was to run next.
    pub(crate) fn steal_next(&self) -> Option<Task> {
        let mut local = lock(&self.local);
        let task = local.next.take();
        self.publish_next(&local);
        task
    }
}

/// The queue for tasks that no worker pushed: spawned and woken from other threads, and what overflows.
pub(crate) struct Injector {
    tasks: Mutex<Injected>,
    len: AtomicUsize,
}

#[derive(Default)]
struct Injected {
    tasks: VecDeque<Task>,
    /// No worker is left.
    closed: bool,
}

impl Injector {
    pub(crate) fn new() -> Self {
        Self { tasks: Mutex::default(), len: AtomicUsize::new(0) }
    }

    pub(crate) fn len(&self) -> usize {
        // SeqCst: S2 of the sleep protocol in rt/idle.rs.
        self.len.load(Ordering::SeqCst)
    }

    /// Adds `tasks`; gives them back when no worker is left to run them.
    pub(crate) fn push(&self, tasks: impl Iterator<Item = Task>) -> Result<(), Vec<Task>> {
        let mut injected = lock(&self.tasks);
        if injected.closed {
            return Err(tasks.collect());
        }
        injected.tasks.extend(tasks);
        // SeqCst: P1 of the sleep protocol in rt/idle.rs.
        self.len.store(injected.tasks.len(), Ordering::SeqCst);
        Ok(())
    }

    pub(crate) fn pop(&self) -> Option<Task> {
        if self.len() == 0 {
            return None;
        }
        let mut injected = lock(&self.tasks);
        let task = injected.tasks.pop_front();
        // Relaxed: as in LocalQueue::pop.
        self.len.store(injected.tasks.len(), Ordering::Relaxed);
        task
    }

    /// Moves one worker's share into `taken`.
    pub(crate) fn take_share(&self, workers: usize, taken: &mut Vec<Task>) {
        if self.len() == 0 {
            return;
        }
        let mut injected = lock(&self.tasks);
        let len = injected.tasks.len();
        let share = len.min(len / workers + 1).min(INJECTED);
        taken.extend(injected.tasks.drain(..share));
        // Relaxed: as in LocalQueue::pop.
        self.len.store(injected.tasks.len(), Ordering::Relaxed);
    }

    /// Refuses further tasks and gives those that are left.
    pub(crate) fn close(&self) -> VecDeque<Task> {
        let mut injected = lock(&self.tasks);
        injected.closed = true;
        // SeqCst: P1 of the sleep protocol in rt/idle.rs; nobody is left to look, but one rule is simpler than two.
        self.len.store(0, Ordering::SeqCst);
        std::mem::take(&mut injected.tasks)
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
