//! What this thread is to a runtime: a worker, a thread of its blocking pool, or a guest that runs `block_on`.

use super::scheduler::Scheduler;
use super::worker::Worker;
use crate::task::TaskId;
use crate::task::cell::Task;
use crate::time::TimerQueue;
use norace_prim::sync::Arc;
use norace_prim::thread_local;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

/// What a thread is to the runtime that it works for.
#[derive(Clone)]
pub(crate) enum Role {
    Worker(Rc<Worker>),
    /// A thread of the blocking pool.
    Pool,
    /// A thread of the program, inside `block_on` or `enter`.
    Guest,
    /// The thread of a task that has one of its own.
    Task,
}

struct Current {
    scheduler: Arc<Scheduler>,
    role: Role,
}

impl Current {
    fn worker(&self) -> Option<&Rc<Worker>> {
        match &self.role {
            Role::Worker(worker) => Some(worker),
            Role::Pool | Role::Guest | Role::Task => None,
        }
    }

    /// Whether blocking would keep other tasks from running, or does in production.
    fn may_not_block(&self) -> bool {
        match &self.role {
            Role::Worker(worker) => !worker.may_block(),
            Role::Task => true,
            Role::Pool | Role::Guest => false,
        }
    }
}

thread_local! {
    static RUNNING: Cell<Option<TaskId>> = const { Cell::new(None) };
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Puts back what the thread was before.
pub(crate) struct Entered {
    former: Option<Current>,
    /// Guards nest like scopes, on one thread.
    _local: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        // While the thread ends there is nothing to put back.
        let _ = CURRENT.try_with(|current| current.replace(self.former.take()));
    }
}

/// Makes this thread work for `scheduler` until the guard is dropped.
pub(crate) fn enter(scheduler: Arc<Scheduler>, role: Role) -> Entered {
    let former = CURRENT.replace(Some(Current { scheduler, role }));
    Entered { former, _local: PhantomData }
}

/// The runtime this thread works for.
pub(crate) fn scheduler() -> Option<Arc<Scheduler>> {
    with(|current| current.scheduler.clone())
}

/// That runtime's timers.
pub(crate) fn timers() -> Option<Arc<TimerQueue>> {
    with(|current| current.scheduler.driver().timers().clone())
}

/// The worker this thread is, also while it has given up its place.
pub(crate) fn worker() -> Option<Rc<Worker>> {
    with(|current| current.worker().cloned()).flatten()
}

/// What this thread is; a guest where it is nothing.
pub(crate) fn role() -> Role {
    with(|current| current.role.clone()).unwrap_or(Role::Guest)
}

/// Whether this thread is one of `scheduler`'s own.
pub(crate) fn is_thread_of(scheduler: &Arc<Scheduler>) -> bool {
    let own = |current: &Current| match &current.role {
        Role::Worker(worker) => Arc::ptr_eq(worker.scheduler(), scheduler),
        Role::Pool | Role::Task => Arc::ptr_eq(&current.scheduler, scheduler),
        Role::Guest => false,
    };
    with(own) == Some(true)
}

/// Calls `act` with the worker this thread is; gives `task` back where it is none. `act` must not enter or leave a
/// runtime.
pub(crate) fn with_worker(
    task: Task,
    act: impl FnOnce(&Worker, Task) -> Result<(), Task>,
) -> Result<(), Task> {
    let mut task = Some(task);
    with(|current| {
        if let Some(worker) = current.worker() {
            task = task.take().and_then(|task| act(worker, task).err());
        }
    });
    task.map_or(Ok(()), Err)
}

fn with<R>(act: impl FnOnce(&Current) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(act)).ok().flatten()
}

/// Panics when blocking this thread would take a worker from everybody else.
pub(crate) fn assert_may_block(what: &str) {
    assert!(
        with(Current::may_not_block) != Some(true),
        "cannot {what} by blocking inside a worker of the runtime: every task queued on it would wait; \
         use `.await`, `task::block_in_place` or `task::spawn_blocking`"
    );
}

/// The task that this thread is inside.
pub(crate) fn task() -> Option<TaskId> {
    RUNNING.try_with(Cell::get).ok().flatten()
}

/// Calls `act` as the task `id`.
pub(crate) fn running<R>(id: TaskId, act: impl FnOnce() -> R) -> R {
    struct Restore(Option<TaskId>);
    impl Drop for Restore {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }
    let _restore = Restore(RUNNING.replace(Some(id)));
    act()
}
