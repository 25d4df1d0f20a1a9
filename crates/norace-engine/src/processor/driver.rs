//! Runs an asynchronous processor on the runtime: a task for each order that the core hands out.
//!
//! One task takes the orders and starts a worker for each. How many there are at once is the core's to say, which knows
//! when one has reported. A worker calls the processor in a task of its own, and reports to the core. The task keeps a
//! panic away from everybody else; the worker's timer runs out even while that task is stuck in one poll. What the
//! report means for the order is the core's business.
//!
//! Stopping: 1. the channel of jobs is closed, so that no worker is started after those for what is in it; 2. those
//! still busy at the deadline are cancelled, and their calls with them. An order whose call was cancelled is not
//! reported: it stays in `processing` and is taken up at the next start.

use norace::chan::{Receiver, Sender};
use norace::context::Context;
use norace::rt::Handle;
use norace::task::{self, JoinHandle, SpawnError, TaskError};
use norace::time::{sleep, timeout};
use norace_prim::sync::{self, Arc, Condvar, Mutex};
use norace_prim::time::{Duration, Instant};

use super::{Decision, Job, Processor, ProcessorError, Report};
use crate::engine::Message;
use crate::model::Reason;

/// The pause before a task for which the runtime had no room is tried again.
const NO_TASK_PAUSE: Duration = Duration::from_millis(10);

/// The tasks of an engine's processor.
pub(crate) struct Driver {
    jobs: Receiver<Job>,
    /// Cancelling it ends them.
    context: Context,
    alive: Arc<Alive>,
}

/// How many of the tasks have not ended.
#[derive(Debug, Default)]
struct Alive {
    count: Mutex<usize>,
    changed: Condvar,
}

/// Counts a task as alive until it is dropped, however that comes.
struct AliveGuard(Arc<Alive>);

impl AliveGuard {
    fn new(alive: &Arc<Alive>) -> Self {
        *sync::lock(&alive.count) += 1;
        Self(Arc::clone(alive))
    }
}

impl Drop for AliveGuard {
    fn drop(&mut self) {
        *sync::lock(&self.0.count) -= 1;
        self.0.changed.notify_all();
    }
}

#[derive(Clone)]
struct Worker {
    processor: Arc<dyn Processor>,
    inbox: Sender<Message>,
    context: Context,
    alive: Arc<Alive>,
}

impl Driver {
    /// Starts to take orders, on `runtime`.
    ///
    /// # Errors
    ///
    /// When the runtime takes no task.
    pub(crate) fn start(
        runtime: &Handle,
        processor: &Arc<dyn Processor>,
        jobs: Receiver<Job>,
        inbox: &Sender<Message>,
    ) -> Result<Self, SpawnError> {
        let (context, alive) = (Context::new(), Arc::new(Alive::default()));
        let worker = Worker {
            processor: Arc::clone(processor),
            inbox: inbox.clone(),
            context: context.clone(),
            alive: Arc::clone(&alive),
        };
        let (guard, taken) = (AliveGuard::new(&alive), jobs.clone());
        task::Builder::new().name("processor").on(runtime).spawn(async move {
            let _guard = guard;
            let context = worker.context.clone();
            // Cancelled or out of orders, it has ended.
            let _ = context.run(worker.start_all(taken)).await;
        })?;
        Ok(Self { jobs, context, alive })
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
        self.context.cancel();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.jobs.close();
        self.context.cancel();
    }
}

impl Worker {
    /// Starts a worker for each order, until there are no more.
    async fn start_all(self, jobs: Receiver<Job>) {
        while let Ok(job) = jobs.recv().await {
            loop {
                let (worker, job, guard) =
                    (self.clone(), job.clone(), AliveGuard::new(&self.alive));
                let work = async move {
                    let _guard = guard;
                    let context = worker.context.clone();
                    // Cancelled, it has not reported.
                    let _ = context.run(worker.work(job)).await;
                };
                match task::Builder::new().name("process").spawn(work) {
                    Ok(_) => break,
                    Err(SpawnError::Full) => sleep(NO_TASK_PAUSE).await,
                    Err(_) => return,
                }
            }
        }
    }

    async fn work(self, job: Job) {
        let at = job.at;
        if let Some(result) = self.call(job).await {
            // An engine that stops takes no more; the order is taken up at the next start.
            let _ = self.inbox.send(Message::Processed(Report { at, result })).await;
        }
    }

    /// One call; `None` when it was cancelled, because the engine or the runtime stops.
    async fn call(&self, job: Job) -> Option<Result<Decision, ProcessorError>> {
        let mut call = loop {
            let (processor, order) = (Arc::clone(&self.processor), job.order.clone());
            let called = async move { processor.process(order).await };
            match task::Builder::new().name("process order").spawn(called) {
                Ok(task) => break Call(task),
                Err(SpawnError::Full) => sleep(NO_TASK_PAUSE).await,
                Err(_) => return None,
            }
        };
        match timeout(job.timeout, &mut call.0).await {
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
