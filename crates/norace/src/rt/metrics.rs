//! A look at what a runtime has done.

use super::scheduler::Scheduler;

/// Counts of one runtime, taken while it goes on: each is right, together they are of about one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeMetrics {
    /// Worker threads.
    pub workers: usize,
    /// Tasks and blocking jobs that have not ended.
    pub tasks_live: usize,
    /// Tasks and blocking jobs admitted so far.
    pub tasks_spawned: u64,
    /// Tasks and blocking jobs that were not admitted: over the budget, or during a shutdown.
    pub tasks_refused: u64,
    /// Tasks that ended by being cancelled, refused ones included.
    pub tasks_cancelled: u64,
    /// Tasks that panicked while they ran.
    pub panics_in_poll: u64,
    /// Panics of destructors and wakers, caught while a task ended or was woken.
    pub panics_in_drop: u64,
    /// Polls of tasks by workers.
    pub polls: u64,
    /// Times a worker took tasks from another one.
    pub steals: u64,
    /// Tasks taken that way.
    pub tasks_stolen: u64,
    /// Times a worker went to sleep.
    pub parks: u64,
    /// Times a full worker queue sent tasks to the global one: its newer half and the new task, or that alone while
    /// another worker was stealing.
    pub overflows: u64,
    /// Polls that took longer than [`Builder::stall_after`](super::Builder::stall_after).
    ///
    /// [`Handle::stalls`](super::Handle::stalls) names those that take much longer.
    pub stalls: u64,
    /// Tasks waiting in the workers' queues.
    pub queued_local: usize,
    /// Tasks waiting in the global queue.
    pub queued_global: usize,
    /// Threads for blocking jobs.
    pub blocking_threads: usize,
    /// Blocking jobs that wait for a thread.
    pub blocking_queued: usize,
    /// Timers set.
    pub timers: usize,
}

pub(crate) fn collect(scheduler: &Scheduler) -> RuntimeMetrics {
    let counters = scheduler.counters();
    let (blocking_threads, blocking_queued) = scheduler.blocking.size();
    let places = &scheduler.places;
    RuntimeMetrics {
        workers: places.len(),
        tasks_live: scheduler.registry().len(),
        tasks_spawned: scheduler.registry().spawned(),
        tasks_refused: counters.refused.get(),
        tasks_cancelled: counters.cancelled.get(),
        panics_in_poll: counters.panics_in_poll.get(),
        panics_in_drop: counters.panics_in_drop.get(),
        polls: places.iter().map(|place| place.tick().div_ceil(2)).sum(),
        steals: places.iter().map(|place| place.steals.get()).sum(),
        tasks_stolen: places.iter().map(|place| place.stolen.get()).sum(),
        parks: places.iter().map(|place| place.parks.get()).sum(),
        overflows: places.iter().map(|place| place.overflows.get()).sum(),
        stalls: counters.stalls.get(),
        queued_local: places.iter().map(|place| place.queue.len()).sum(),
        queued_global: scheduler.injector.len(),
        blocking_threads,
        blocking_queued,
        timers: scheduler.driver().timers().len(),
    }
}
