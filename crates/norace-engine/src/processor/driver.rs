//! Runs an asynchronous processor on the runtime: a task for each order that the core hands out.
//!
//! One task takes the orders, calls the processor for each in a task of its own, and has another one, a worker, wait
//! for that call and report to the core. How many there are at once is the core's to say, which knows when one has
//! reported. The call's own task keeps a panic away from everybody else; the worker's timer runs out even while that
//! task is stuck in one poll. What the report means for the order is the core's business.
//!
//! Stopping: 1. the channel of jobs is closed, so that no worker is started after those for what is in it; 2. those
//! still busy at the deadline are cancelled, and their calls with them. An order whose call was cancelled is not
//! reported: it stays in `processing` and is taken up at the next start.

use norace::chan::{Receiver, Sender};
use norace::context::Context;
use norace::rt::Handle;
use norace::sync::WaitGroup;
use norace::task::{self, JoinHandle, SpawnError, TaskError};
use norace::time::{sleep, timeout};
use norace_prim::sync::{self, Arc, Mutex};
use norace_prim::time::{Duration, Instant};

use super::{Decision, Job, Processor, ProcessorError, Report};
use crate::engine::Message;
use crate::model::{Order, Reason};

/// The pause before a task for which the runtime had no room is tried again.
const NO_TASK_PAUSE: Duration = Duration::from_millis(10);

/// The tasks of an engine's processor.
pub(crate) struct Driver {
    jobs: Receiver<Job>,
    /// Cancelling it ends them.
    context: Context,
    /// The tasks that have not ended.
    alive: WaitGroup,
}

#[derive(Clone)]
struct Worker {
    processor: Arc<dyn Processor>,
    inbox: Sender<Message>,
    context: Context,
    alive: WaitGroup,
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
        let (context, alive) = (Context::new(), WaitGroup::new());
        let worker = Worker {
            processor: Arc::clone(processor),
            inbox: inbox.clone(),
            context: context.clone(),
            alive: alive.clone(),
        };
        let (member, taken) = (alive.add(), jobs.clone());
        task::Builder::new().name("processor").on(runtime).spawn(async move {
            let _member = member;
            let context = worker.context.clone();
            // Cancelled or out of orders, it has ended.
            let _ = context.run(worker.begin_all(taken)).await;
        })?;
        Ok(Self { jobs, context, alive })
    }

    /// Takes no further orders, and waits until the calls under way have ended; those that have not by `deadline` are
    /// cancelled.
    pub(crate) fn stop(&self, deadline: Instant) {
        self.jobs.close();
        self.alive.wait_timeout(deadline.saturating_duration_since(Instant::now()));
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
    /// Begins a call for each order, until there are no more.
    async fn begin_all(self, jobs: Receiver<Job>) {
        while let Ok(Job { at, order, timeout }) = jobs.recv().await {
            match self.begin(&order).await {
                Some(call) => self.attend(Work { at, timeout, call }).await,
                None => return,
            }
        }
    }

    /// Begins a call; `None` when the runtime stops.
    async fn begin(&self, order: &Order) -> Option<Call> {
        loop {
            let (processor, order) = (Arc::clone(&self.processor), order.clone());
            let called = async move { processor.process(order).await };
            match task::Builder::new().name("process order").spawn(called) {
                Ok(task) => return Some(Call(task)),
                Err(SpawnError::Full) => sleep(NO_TASK_PAUSE).await,
                Err(_) => return None,
            }
        }
    }

    /// Has a worker attend to the call. Where the runtime has room for the call and no more this task does it, so that
    /// every call has its timer, and room comes back.
    async fn attend(&self, work: Work) {
        let work = Arc::new(Mutex::new(Some(work)));
        let taken = |work: &Mutex<Option<Work>>| sync::lock(work).take();
        let (worker, its, member) = (self.clone(), work.clone(), self.alive.add());
        let attending = async move {
            let _member = member;
            if let Some(work) = taken(&its) {
                // Cancelled, it has not reported.
                let _ = worker.context.run(worker.end(work)).await;
            }
        };
        match task::Builder::new().name("process").spawn(attending) {
            Ok(_) => {}
            Err(SpawnError::Full) => {
                if let Some(work) = taken(&work) {
                    self.end(work).await;
                }
            }
            // The runtime stops. The call is dropped and thereby cancelled.
            Err(_) => {}
        }
    }

    /// Waits for the end of a call and reports it, unless the engine or the runtime stops.
    async fn end(&self, Work { at, timeout: limit, mut call }: Work) {
        let result = match timeout(limit, &mut call.0).await {
            Ok(Ok(result)) => result,
            Ok(Err(error @ TaskError::Panicked { .. })) => {
                let message = error.panic_message().unwrap_or("no message");
                let reason = match error.panic_origin() {
                    Some(origin) => format!("panicked: {message} (at {origin})"),
                    None => format!("panicked: {message}"),
                };
                Err(ProcessorError(Reason::from_lossy(&reason)))
            }
            Ok(Err(TaskError::Cancelled { .. })) => return,
            Err(_elapsed) => Err(ProcessorError(Reason::from_lossy("timed out"))),
        };
        // An engine that stops takes no more; the order is taken up at the next start.
        let _ = self.inbox.send(Message::Processed(Report { at, result })).await;
    }
}

/// An order whose call has begun.
struct Work {
    at: u32,
    timeout: Duration,
    call: Call,
}

/// A call under way; dropping it cancels it.
struct Call(JoinHandle<Result<Decision, ProcessorError>>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
