//! The runtime as its owner sees it: start, `block_on`, shutdown.
//!
//! Shutdown, step by step ([`Runtime::shutdown`], and dropping the runtime):
//! 1. The registry closes: from here on a spawn is refused, and every task that was admitted is known.
//! 2. Every known task is cancelled. Those that wait are queued and dropped by a worker; those that run end at
//!    their next await; blocking jobs that have not begun are dropped in step 3.
//! 3. The blocking pool closes: waiting jobs end as cancelled, its threads end when their jobs do.
//! 4. Wait until the registry is empty, or the time is up. What is left then is *stuck*: inside code that does not
//!    await.
//! 5. The workers and the stall monitor are told to stop. A worker first ends what is in its queue: all of that is
//!    cancelled, so it takes no time. The last worker to leave closes the injector.
//! 6. Wait for the threads, or until the time is up; threads that hold stuck tasks go on by themselves and end when
//!    those do.
//! 7. The netpoller closes: sockets that outlive the runtime fail, timers that do go to the timer thread.
//! 8. The stuck tasks are named, with what they wait for.

use super::builder::Builder;
use super::handle::Handle;
use super::scheduler::{Config, Scheduler};
use super::threads::Threads;
use super::{current, monitor, worker};
use crate::context::Cause;
use crate::task::{JoinHandle, TaskSnapshot};
use crate::time;
use norace_prim::probe::{self, Level};
use norace_prim::time::Duration;
use std::fmt;
use std::future::Future;
use std::io;

/// How long a dropped runtime waits for its tasks.
const DROP_PATIENCE: Duration = Duration::from_secs(5);

/// Worker threads that run tasks, a netpoller, timers, and a pool for blocking jobs.
///
/// Dropping it shuts it down as [`shutdown`](Self::shutdown) with five seconds, without a report.
///
/// When not to use it: channels, contexts and timers work on any executor; a program that has one already needs no
/// second.
pub struct Runtime {
    handle: Handle,
    stopped: bool,
}

impl Runtime {
    /// A runtime with the usual options; see [`Builder`].
    ///
    /// # Errors
    ///
    /// When the operating system refuses a thread or the netpoller's descriptors.
    pub fn new() -> io::Result<Self> {
        Builder::new().build()
    }

    pub(super) fn start(config: &Config) -> io::Result<Self> {
        let (scheduler, seats) = Scheduler::new(config)?;
        if probe::level() == Some(Level::App) {
            // Every task has a thread of its own, which the checker schedules: there is nothing to start or to stop.
            return Ok(Self { handle: Handle::new(scheduler), stopped: true });
        }
        // From here on an error drops the runtime, which stops the threads that were started.
        let runtime = Self { handle: Handle::new(scheduler.clone()), stopped: false };
        for (index, seat) in seats.into_iter().enumerate() {
            let name = format!("{}-worker-{index}", config.thread_name);
            // Made here, so that a pinned task finds a host before the thread has begun.
            let host = seat.new_host(&scheduler);
            Threads::start(&scheduler, name, move |scheduler| {
                worker::run_in(scheduler, seat, host);
            })?;
        }
        let name = format!("{}-monitor", config.thread_name);
        let stall_after = config.stall_after;
        Threads::start(&scheduler, name, move |scheduler| monitor::run(scheduler, stall_after))?;
        Ok(runtime)
    }

    /// Runs `future` on the calling thread until it is ready, while the workers run everything else.
    ///
    /// The future need not be `Send`. It may spawn, and use timers and sockets.
    ///
    /// # Panics
    ///
    /// When `future` does, and when called inside a worker, whose other tasks would have to wait.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// A reference for spawning from anywhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Starts a task; as [`task::spawn`](crate::task::spawn) inside the runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// Cancels every task, waits for all of them to end, and stops the threads.
    ///
    /// Tasks end at their next await; blocking jobs that run are waited for. Called inside one of the runtime's own
    /// tasks, it does not wait: that task could not end meanwhile.
    ///
    /// # Errors
    ///
    /// When tasks have not ended within `timeout`: it names them, with what they wait for; see
    /// [`TaskSnapshot`]. Their threads end when they do.
    pub fn shutdown(mut self, timeout: Duration) -> Result<(), ShutdownError> {
        let stuck = if self.stopped { Vec::new() } else { self.stop(timeout) };
        if stuck.is_empty() { Ok(()) } else { Err(ShutdownError { stuck }) }
    }

    /// The steps at the head of this file.
    fn stop(&mut self, timeout: Duration) -> Vec<TaskSnapshot> {
        self.stopped = true;
        let scheduler = self.handle.scheduler();
        let inside = current::is_thread_of(scheduler);
        let deadline = time::after(if inside { Duration::ZERO } else { timeout });
        for task in scheduler.registry().close() {
            task.cancel(Cause::Shutdown);
        }
        scheduler.blocking.close();
        let stuck = scheduler.registry().wait_empty(deadline);
        let stuck = stuck.iter().map(TaskSnapshot::new).collect();
        scheduler.idle.stop();
        scheduler.threads.join(deadline);
        scheduler.driver().close();
        stuck
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if !self.stopped {
            self.stop(DROP_PATIENCE);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// Tasks did not end within the time given to [`Runtime::shutdown`].
#[derive(Clone, Debug)]
pub struct ShutdownError {
    stuck: Vec<TaskSnapshot>,
}

impl ShutdownError {
    /// The tasks, oldest first.
    pub fn stuck(&self) -> &[TaskSnapshot] {
        &self.stuck
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shut down the runtime: {} tasks did not end in time", self.stuck.len())?;
        for task in &self.stuck {
            write!(f, "; {task}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ShutdownError {}

#[cfg(all(test, norace))]
mod models;
