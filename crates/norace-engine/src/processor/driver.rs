//! Runs an asynchronous processor on the runtime: as many worker tasks as there are slots, each with one order at a
//! time.
//!
//! A worker takes an order, calls the processor in a task of its own, and reports to the core. The task keeps a panic
//! away from everybody else; the worker's timer runs out even while that task is stuck in one poll. What the report
//! means for the order is the core's business.
//!
//! Stopping: 1. the channel of jobs is closed, so workers end after the call they are in; 2. those still busy at the
//! deadline are cancelled, and their calls with them. An order whose call was cancelled is not reported: it stays in
//! `processing` and is taken up at the next start.

use norace::chan::{Receiver, Sender};
use norace::context::Context;
use norace::group::Group;
use norace::rt::Handle;
use norace::task::{self, JoinHandle, SpawnError, TaskError};
use norace::time::{sleep, timeout};
use norace_prim::sync::{self, Arc, Condvar, Mutex};
use norace_prim::time::{Duration, Instant};

use super::{AsyncOptions, Decision, Job, Processor, ProcessorError, Report};
use crate::engine::Message;
use crate::model::{Order, Reason};

/// The pause before a call for which the runtime had no room is tried again.
const NO_TASK_PAUSE: Duration = Duration::from_millis(10);

/// The worker tasks of an engine.
pub(crate) struct Driver {
    jobs: Receiver<Job>,
    /// Dropping it cancels them, and so does its context.
    workers: Group<()>,
    alive: Arc<Alive>,
}

/// How many workers have not ended.
#[derive(Debug)]
struct Alive {
    count: Mutex<usize>,
    changed: Condvar,
}

/// Counts a worker as ended when it is dropped, however it ends.
struct AliveGuard(Arc<Alive>);

impl Drop for AliveGuard {
    fn drop(&mut self) {
        *sync::lock(&self.0.count) -= 1;
        self.0.changed.notify_all();
    }
}

#[derive(Clone)]
struct Worker {
    processor: Arc<dyn Processor>,
    jobs: Receiver<Job>,
    inbox: Sender<Message>,
    timeout: Duration,
}

impl Driver {
    /// Starts the workers on `runtime`.
    pub(crate) fn start(
        runtime: &Handle,
        processor: &Arc<dyn Processor>,
        options: &AsyncOptions,
        jobs: Receiver<Job>,
        inbox: &Sender<Message>,
    ) -> Self {
        let worker = Worker {
            processor: Arc::clone(processor),
            jobs: jobs.clone(),
            inbox: inbox.clone(),
            timeout: options.timeout,
        };
        let slots = options.concurrency;
        let workers = Group::isolate(&Context::new()).limit(slots).name("processor");
        let alive = Arc::new(Alive { count: Mutex::new(slots), changed: Condvar::new() });
        runtime.enter(|| {
            for _ in 0..slots {
                let (worker, guard) = (worker.clone(), AliveGuard(Arc::clone(&alive)));
                let started = workers.try_spawn(async move {
                    let _guard = guard;
                    worker.work().await;
                });
                assert!(started.is_ok(), "there is a slot for each worker");
            }
        });
        Self { jobs, workers, alive }
    }

    /// Takes no further orders, and waits until the calls under way have ended; those that have not by `deadline` are
    /// cancelled.
    pub(crate) fn stop(&self, deadline: Instant) {
        self.jobs.close();
        let mut count = sync::lock(&self.alive.count);
        while *count > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            count = sync::wait_timeout(&self.alive.changed, count, left).0;
        }
        drop(count);
        self.workers.context().cancel();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

impl Worker {
    async fn work(self) {
        while let Ok(Job { at, order }) = self.jobs.recv().await {
            let Some(result) = self.call(order).await else { return };
            if self.inbox.send(Message::Processed(Report { at, result })).await.is_err() {
                return;
            }
        }
    }

    /// One call; `None` when it was cancelled, because the engine or the runtime stops.
    async fn call(&self, order: Order) -> Option<Result<Decision, ProcessorError>> {
        let mut call = loop {
            let (processor, order) = (Arc::clone(&self.processor), order.clone());
            let called = async move { processor.process(order).await };
            match task::Builder::new().name("process order").spawn(called) {
                Ok(task) => break Call(task),
                Err(SpawnError::Full) => sleep(NO_TASK_PAUSE).await,
                Err(_) => return None,
            }
        };
        match timeout(self.timeout, &mut call.0).await {
            Ok(Ok(result)) => Some(result),
            Ok(Err(error @ TaskError::Panicked { .. })) => {
                let message = error.panic_message().unwrap_or("no message");
                Some(Err(ProcessorError(Reason::from_lossy(&format!("panicked: {message}")))))
            }
            Ok(Err(TaskError::Cancelled { .. })) => None,
            Err(_elapsed) => Some(Err(ProcessorError(Reason::from_lossy("timed out")))),
        }
    }
}

/// A call under way; dropping it cancels it.
struct Call(JoinHandle<Result<Decision, ProcessorError>>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
