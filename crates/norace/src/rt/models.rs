//! What the models of the runtime's parts share: schedulers without threads, and tasks.

use super::scheduler::{Config, Scheduler};
use crate::task::cell::{Home, Spec, Task, TaskCell};
use crate::task::future::FutureBody;
use norace_prim::sync::Arc;
use std::future::{Future, pending};
use std::panic::Location;

/// The usual options of a model, with so many workers.
pub(crate) fn config(workers: usize) -> Config {
    Config {
        workers,
        blocking_threads: 1,
        blocking_queue: 1,
        max_tasks: None,
        thread_name: String::new(),
    }
}

/// A scheduler whose places nobody fills yet.
pub(crate) fn scheduler(workers: usize) -> Arc<Scheduler> {
    Scheduler::new(&config(workers)).expect("a model has a bell for a netpoller")
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

/// Tasks that are never run: what is in question is where they are.
pub(crate) fn tasks(scheduler: &Arc<Scheduler>, count: usize) -> Vec<Task> {
    (0..count).map(|_| task(scheduler, pending::<()>())).collect()
}

/// The numbers of tasks among `all`, which each must be one of.
#[track_caller]
pub(crate) fn numbers<'a>(all: &[Task], some: impl IntoIterator<Item = &'a Task>) -> Vec<usize> {
    let number = |task: &Task| all.iter().position(|other| Arc::ptr_eq(other, task));
    some.into_iter().map(|task| number(task).expect("one of all")).collect()
}
