//! What tests and models of the runtime's parts share: schedulers without threads, and tasks.

use super::monitor::STALL_AFTER;
use super::scheduler::{Config, Scheduler};
use super::worker::Seat;
use crate::task::cell::{Home, Spec, Task, TaskCell};
use crate::task::future::FutureBody;
use norace_prim::sync::Arc;
use std::future::{Future, pending};
use std::panic::Location;

/// Small options, with so many workers.
pub(crate) fn config(workers: usize) -> Config {
    Config {
        workers,
        blocking_threads: 1,
        blocking_queue: 1,
        max_tasks: None,
        stall_after: STALL_AFTER,
        thread_name: String::new(),
    }
}

/// A scheduler whose places nobody fills yet, and the right to.
pub(crate) fn with_seats(config: &Config) -> (Arc<Scheduler>, Vec<Seat>) {
    Scheduler::new(config).expect("descriptors for a netpoller")
}

/// A scheduler whose places nobody fills.
pub(crate) fn scheduler(workers: usize) -> Arc<Scheduler> {
    with_seats(&config(workers)).0
}

/// A task in no queue, which is to be put into one.
pub(crate) fn task<F>(scheduler: &Arc<Scheduler>, future: F) -> Task
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let spec = Spec { name: None, spawned_at: Location::caller(), scheduler: scheduler.clone() };
    TaskCell::new(spec, Home::Workers, FutureBody::new(future))
}

/// A task that is never run: what is in question is where it is.
pub(crate) fn idle_task(scheduler: &Arc<Scheduler>) -> Task {
    task(scheduler, pending::<()>())
}

/// Tasks that are never run.
#[cfg(norace)]
pub(crate) fn tasks(scheduler: &Arc<Scheduler>, count: usize) -> Vec<Task> {
    (0..count).map(|_| idle_task(scheduler)).collect()
}

/// The numbers of tasks among `all`, which each must be one of.
#[track_caller]
pub(crate) fn numbers<'a>(all: &[Task], some: impl IntoIterator<Item = &'a Task>) -> Vec<usize> {
    let number = |task: &Task| all.iter().position(|other| Arc::ptr_eq(other, task));
    some.into_iter().map(|task| number(task).expect("one of all")).collect()
}
