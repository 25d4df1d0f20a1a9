//! A reference to a runtime.

use super::block_on;
use super::current::{self, Role};
use super::metrics::{self, RuntimeMetrics};
use super::scheduler::Scheduler;
use super::stalls::Stall;
use crate::task::{self, JoinHandle, TaskSnapshot};
use norace_prim::sync::Arc;
use std::fmt;
use std::future::Future;

/// A reference to a runtime, for spawning from anywhere.
///
/// It does not keep the runtime going: once that is shut down, spawned tasks end as cancelled.
#[derive(Clone)]
pub struct Handle {
    scheduler: Arc<Scheduler>,
}

/// This thread does not work for any runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRuntime(());

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("find the current runtime: this thread is neither a worker nor inside block_on")
    }
}

impl std::error::Error for NoRuntime {}

impl Handle {
    pub(crate) fn new(scheduler: Arc<Scheduler>) -> Self {
        Self { scheduler }
    }

    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    /// The runtime this thread works for.
    ///
    /// # Panics
    ///
    /// Outside a runtime; see [`try_current`](Self::try_current).
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// The runtime this thread works for: as a worker, as a thread of the blocking pool, or inside `block_on`.
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] elsewhere.
    pub fn try_current() -> Result<Self, NoRuntime> {
        current::scheduler().map(Self::new).ok_or(NoRuntime(()))
    }

    /// Starts a task on the runtime; as [`task::spawn`] inside it.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        task::Builder::new().on(self).spawn_or_refuse(future)
    }

    /// Runs a job that may block on a thread of the runtime's pool; as [`task::spawn_blocking`] inside it.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, job: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        task::Builder::new().on(self).spawn_blocking_or_refuse(job)
    }

    /// Runs a future on the calling thread, which belongs to the runtime meanwhile; see
    /// [`Runtime::block_on`](super::Runtime::block_on).
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        current::assert_may_block("run block_on");
        let _entered = current::enter(self.scheduler.clone(), Role::Guest);
        block_on::block_on("run block_on", future)
    }

    /// Calls `act` with this thread belonging to the runtime, so that it can spawn and use timers and sockets.
    pub fn enter<R>(&self, act: impl FnOnce() -> R) -> R {
        let _entered = current::enter(self.scheduler.clone(), current::role());
        act()
    }

    /// Every task and blocking job that has not ended, oldest first, with what it is doing and what it waits for.
    ///
    /// Takes a lock of each part of the table of tasks in turn: for people and reports, not for control.
    pub fn tasks(&self) -> Vec<TaskSnapshot> {
        self.scheduler.registry().tasks().iter().map(TaskSnapshot::new).collect()
    }

    /// The polls that hold a worker for ten milliseconds or more now, and the last 32 that did, oldest first.
    ///
    /// Told with the task, how long it runs without an await, and on which worker. A task that went through
    /// [`block_in_place`](task::block_in_place) or runs as a blocking job holds none.
    ///
    /// ```
    /// use norace::rt::Runtime;
    /// use std::time::Duration;
    ///
    /// let runtime = Runtime::new().unwrap();
    /// let (begun, has_begun) = std::sync::mpsc::channel();
    /// let hog = runtime.spawn(async move {
    ///     begun.send(()).unwrap();
    ///     std::thread::sleep(Duration::from_millis(60)); // no await
    /// });
    /// has_begun.recv().unwrap();
    /// # while runtime.handle().stalls().is_empty() { std::thread::yield_now(); }
    /// let stall = &runtime.handle().stalls()[0];
    /// assert_eq!(stall.task, hog.id());
    /// // task 1 spawned at src/main.rs:6:19 has held worker 0 for 10.3ms
    /// println!("{stall}");
    /// ```
    pub fn stalls(&self) -> Vec<Stall> {
        self.scheduler.stalls.all()
    }

    /// What the runtime has done so far.
    pub fn metrics(&self) -> RuntimeMetrics {
        metrics::collect(&self.scheduler)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("workers", &self.scheduler.places.len())
            .finish_non_exhaustive()
    }
}
