//! Tasks in models of applications: each has a thread of its own.
//!
//! The checker explores every schedule of threads, so no more is needed to explore every schedule of tasks: a task that
//! waits parks its thread, a waker unparks it. What the real scheduler does to tasks (queues, stealing, shutdown) is
//! explored by models of the runtime itself, where this is not used.

use super::JoinHandle;
use super::cell::{Body, Home, Schedulable, Spec, TaskCell};
use crate::rt::current::{self, Role};
use crate::wait::thread_waker;
use norace_prim::probe;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread::{self, Thread};

/// The thread of a task, once it has begun.
#[derive(Default)]
pub(crate) struct OwnThread(Mutex<Option<Thread>>);

impl OwnThread {
    pub(super) fn unpark(&self) {
        if let Some(thread) = &*lock(&self.0) {
            thread.unpark();
        }
    }
}

/// Starts a task, or a job that may block.
#[cfg_attr(norace, track_caller)]
pub(super) fn start<B: Body>(spec: Spec, body: B, blocking: bool) -> JoinHandle<B::Output> {
    let cell = TaskCell::new(spec, Home::Alone(Box::default()), body);
    let handle = JoinHandle::new(cell.clone());
    thread::spawn(move || run(&cell, if blocking { Role::Pool } else { Role::Task }));
    handle
}

fn run<B: Body>(cell: &Arc<TaskCell<B>>, role: Role) {
    let header = cell.header();
    if let Some(name) = header.name() {
        probe::name_thread(name);
    }
    let own = header.own_thread().expect("it was started here");
    *lock(&own.0) = Some(thread::current());
    let _entered = current::enter(header.scheduler().clone(), role);
    let waker = thread_waker();
    while let Some(woken) = cell.run_once(|| &waker) {
        if !woken {
            thread::park();
            // As who wakes a task in a queue; somebody who cancels it may have come first.
            header.wake();
        }
    }
}
