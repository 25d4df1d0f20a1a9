//! What this thread is to a runtime: a worker, a thread of its blocking pool, or a guest that runs `block_on`.

use super::scheduler::Scheduler;
use super::worker::Worker;
use crate::time::TimerQueue;
use norace_prim::sync::Arc;
use norace_prim::thread_local;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

#[derive(Clone)]
struct Current {
    scheduler: Arc<Scheduler>,
    worker: Option<Rc<Worker>>,
}

thread_local! {
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
pub(crate) fn enter(scheduler: Arc<Scheduler>, worker: Option<Rc<Worker>>) -> Entered {
    let former = CURRENT.replace(Some(Current { scheduler, worker }));
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
    with(|current| current.worker.clone()).flatten()
}

/// Calls `act` with the worker this thread is for `scheduler`. `act` must not enter or leave a runtime.
pub(crate) fn with_worker_of<R>(
    scheduler: &Arc<Scheduler>,
    act: impl FnOnce(&Worker) -> R,
) -> Option<R> {
    with(|current| {
        let worker = current.worker.as_deref()?;
        Arc::ptr_eq(worker.scheduler(), scheduler).then(|| act(worker))
    })
    .flatten()
}

fn with<R>(act: impl FnOnce(&Current) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(act)).ok().flatten()
}

/// Panics when blocking this thread would take a worker from everybody else.
pub(crate) fn assert_may_block(what: &str) {
    let blocks_worker =
        with(|current| current.worker.as_ref().is_some_and(|worker| !worker.may_block()));
    assert!(
        blocks_worker != Some(true),
        "cannot {what} by blocking inside a worker of the runtime: every task queued on it would wait; \
         use `.await`, `task::block_in_place` or `task::spawn_blocking`"
    );
}
