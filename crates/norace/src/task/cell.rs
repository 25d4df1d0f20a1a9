//! The task: a body to run, its state, and a place for its outcome.
//!
//! Who may touch what:
//! - `state` (see `task/state.rs`): everybody. It decides who queues the task and who runs it.
//! - `run`, with the body: only who runs the task, between `start` and `pause` or `finish`; who reports tries its lock
//!   and reads what the task waits for. The lock is what lets this be safe code. The body is dropped by the run that
//!   ends the task, never by a waker, so a future's destructor runs where the future ran.
//! - `join`: the ending run, the joiner and who cancels, under its lock.
//!
//! Ending a task, in order: the body is dropped, the state becomes done, the registry forgets the task, the joiner
//! gets the outcome. A panic in poll, in a destructor or in a joiner's waker stays in here: it becomes the outcome
//! where there is a joiner to tell, is counted, and never reaches the worker.

use super::alone::OwnThread;
use super::join::{JoinCell, Joinable, Outcome};
use super::pinned::PinnedHost;
use super::registry::Spot;
use super::state::{Start, State};
use super::{PanicPayload, TaskError, TaskId, TaskState};
use crate::context::Cause;
use crate::rt::current;
use crate::rt::scheduler::Scheduler;
use crate::wait::{self, Blocked};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;
use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::task::{Context, Poll, Wake, Waker};

/// Where a task may run.
pub(crate) enum Home {
    /// On any worker.
    Workers,
    /// On one thread for good.
    Pinned(Arc<PinnedHost>),
    /// On the blocking pool, once.
    Blocking,
    /// On a thread of its own: in models of applications.
    Alone(Box<OwnThread>),
}

/// What every task has, whatever its type.
pub(crate) struct Header {
    state: State,
    id: TaskId,
    spot: Spot,
    home: Home,
    /// Few tasks have one, and every task has the place for it.
    name: Option<Box<Arc<str>>>,
    spawned_at: &'static Location<'static>,
    scheduler: Arc<Scheduler>,
}

impl Header {
    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    /// Where the registry keeps the task.
    pub(crate) fn spot(&self) -> &Spot {
        &self.spot
    }

    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.name.as_deref()
    }

    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    pub(crate) fn snapshot(&self) -> TaskState {
        self.state.snapshot()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state.is_done()
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn own_thread(&self) -> Option<&OwnThread> {
        match &self.home {
            Home::Alone(thread) => Some(thread),
            _ => None,
        }
    }

    pub(crate) fn panicked(&self, payload: Box<dyn Any + Send>) -> TaskError {
        TaskError::Panicked {
            payload: PanicPayload::new(payload),
            task: self.id,
            name: self.name().cloned(),
            spawned_at: self.spawned_at,
        }
    }
}

/// A task as queues, wakers and the registry see it.
pub(crate) trait Schedulable: Send + Sync {
    fn header(&self) -> &Header;
    /// Runs a task that was just taken from a queue.
    fn run(self: Arc<Self>);
    fn cancel(self: Arc<Self>, cause: Cause);
    /// What its last poll waits for; none while it runs.
    fn blocked(&self) -> Option<Blocked>;
}

/// A task in a queue.
pub(crate) type Task = Arc<dyn Schedulable>;

/// What a task runs.
pub(crate) trait Body: Send + 'static {
    type Output: Send + 'static;

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Self::Output>;
}

/// How and by whom a task is made.
pub(crate) struct Spec {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) scheduler: Arc<Scheduler>,
}

struct Run<B> {
    body: Option<B>,
    /// What the last poll waits for.
    blocked: Option<Blocked>,
}

pub(crate) struct TaskCell<B: Body> {
    header: Header,
    run: Mutex<Run<B>>,
    join: JoinCell<B::Output>,
}

impl<B: Body> TaskCell<B> {
    /// A task that the caller is about to put into a queue.
    #[cfg_attr(norace, track_caller)]
    pub(crate) fn new(spec: Spec, home: Home, body: B) -> Arc<Self> {
        let alone = matches!(home, Home::Alone(_));
        let state = if alone { State::alone() } else { State::scheduled() };
        Self::with_state(state, spec, home, body)
    }

    /// A task that was not admitted: it has ended before it began.
    #[cfg_attr(norace, track_caller)]
    pub(crate) fn refused(spec: Spec, body: B, cause: Cause) -> Arc<Self> {
        let cell = Self::with_state(State::refused(), spec, Home::Blocking, body);
        cell.finish(Outcome::Cancelled(cause));
        cell
    }

    #[cfg_attr(norace, track_caller)]
    fn with_state(state: State, spec: Spec, home: Home, body: B) -> Arc<Self> {
        let Spec { name, spawned_at, scheduler } = spec;
        let (id, spot) = (TaskId::next(), Spot::nowhere());
        let name = name.map(Box::new);
        let header = Header { state, id, spot, home, name, spawned_at, scheduler };
        Arc::new(Self {
            header,
            run: Mutex::new(Run { body: Some(body), blocked: None }),
            join: JoinCell::new(),
        })
    }

    pub(super) fn finish(&self, mut outcome: Outcome<B::Output>) {
        let body = lock(&self.run).body.take();
        let counters = self.header.scheduler.counters();
        match &outcome {
            Outcome::Done(_) => {}
            Outcome::Panicked(_) => counters.panicked_in_poll(),
            Outcome::Cancelled(_) => counters.cancelled(),
        }
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(body))) {
            counters.panicked_in_drop();
            let former = std::mem::replace(&mut outcome, Outcome::Panicked(payload));
            self.drop_quietly(former);
        }
        self.header.state.finish();
        match &self.header.home {
            // It never was in the registry.
            Home::Alone(_) => {}
            Home::Pinned(host) => {
                self.header.scheduler.registry().remove(&self.header);
                host.release();
            }
            _ => self.header.scheduler.registry().remove(&self.header),
        }
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.join.complete(outcome))) {
            counters.panicked_in_drop();
            self.drop_quietly(payload);
        }
    }

    /// Drops something whose destructor is foreign; a panic in it is counted, and its payload given up.
    fn drop_quietly<V>(&self, value: V) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            self.header.scheduler.counters().panicked_in_drop();
            // Its destructor may panic as well, and so on for ever.
            std::mem::forget(payload);
        }
    }
}

impl<B: Body> TaskCell<B> {
    /// Polls the body once; a panic in it is caught.
    pub(super) fn poll(&self, waker: &Waker) -> thread::Result<Poll<B::Output>> {
        let mut run = lock(&self.run);
        let Run { body, blocked } = &mut *run;
        let body = body.as_mut().expect("a task that is not done has a body");
        wait::take_note();
        let poll = || body.poll(&mut Context::from_waker(waker));
        let polled = current::running(self.header.id, || catch_unwind(AssertUnwindSafe(poll)));
        *blocked = wait::take_note();
        polled
    }

    /// Why it is to be cancelled.
    pub(super) fn cancel_cause(&self) -> Cause {
        self.join.cancel_cause()
    }
}

impl<B: Body> Schedulable for TaskCell<B> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn run(self: Arc<Self>) {
        if self.header.state.start() == Start::Cancel {
            let cause = self.join.cancel_cause();
            return self.finish(Outcome::Cancelled(cause));
        }
        let waker = Waker::from(self.clone());
        match self.poll(&waker) {
            Ok(Poll::Pending) => {
                if self.header.state.pause() {
                    requeue(self);
                }
            }
            Ok(Poll::Ready(value)) => self.finish(Outcome::Done(value)),
            Err(payload) => self.finish(Outcome::Panicked(payload)),
        }
    }

    fn cancel(self: Arc<Self>, cause: Cause) {
        self.join.request_cancel(cause);
        if self.header.state.cancel() {
            enqueue(self);
        }
    }

    fn blocked(&self) -> Option<Blocked> {
        self.run.try_lock().ok().and_then(|run| run.blocked)
    }
}

impl<B: Body> Joinable<B::Output> for TaskCell<B> {
    fn join_cell(&self) -> &JoinCell<B::Output> {
        &self.join
    }
}

impl<B: Body> Wake for TaskCell<B> {
    fn wake(self: Arc<Self>) {
        if self.header.state.wake() {
            enqueue(self);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.header.state.wake() {
            enqueue(self.clone());
        }
    }
}

/// Puts a task that was spawned or woken into the queue of its home.
pub(crate) fn enqueue(task: Task) {
    match &task.header().home {
        Home::Workers => Scheduler::woken(task),
        Home::Pinned(host) => host.clone().push(task),
        Home::Blocking => unreachable!("a blocking job is queued once, by its spawner"),
        Home::Alone(thread) => thread.unpark(),
    }
}

/// Puts a task that was woken during its own poll back into the queue of its home, behind all others.
fn requeue(task: Task) {
    match &task.header().home {
        Home::Workers => Scheduler::yielded(task),
        Home::Pinned(host) => host.clone().push(task),
        Home::Blocking => unreachable!("a blocking job is never pending"),
        Home::Alone(_) => unreachable!("a task with a thread of its own is in no queue"),
    }
}

#[cfg(all(test, norace))]
pub(in crate::task) mod models;
#[cfg(all(test, not(norace)))]
mod tests;
