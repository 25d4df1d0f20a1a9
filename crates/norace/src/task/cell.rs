//! The task: a body to run, its state, and a place for its outcome.
//!
//! Who may touch what:
//! - the word, with the body behind it: see `raw/turns.rs`. The body and what it waits for belong to who has the turn:
//!   a run, or a report that looks at a task which waits. The body is dropped by the run that ends the task, never by
//!   a waker, so a future's destructor runs where the future ran.
//! - `join`: the ending run, the joiner and who cancels, under its lock.
//!
//! Ending a task, in order: the body is dropped, the state becomes done, the registry forgets the task, the joiner
//! gets the outcome. A panic in poll, in a destructor or in a joiner's waker stays in here: it becomes the outcome
//! where there is a joiner to tell, is counted, and never reaches the worker.

use super::alone::OwnThread;
use super::join::{JoinCell, Joinable, Outcome};
use super::origin::Caught;
use super::pinned::PinnedHost;
use super::{PanicPayload, TaskError, TaskId};
use crate::context::Cause;
use crate::raw::turns::{Head, Turn, Turns};
use crate::rt::current;
use crate::rt::scheduler::Scheduler;
use crate::wait::{self, Blocked};
use norace_prim::sync::Arc;
use norace_prim::thread;
use std::borrow::Borrow;
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

/// What of a task never changes, whatever its type.
pub(crate) struct Facts {
    id: TaskId,
    spawned_at: &'static Location<'static>,
    scheduler: Arc<Scheduler>,
    special: Option<Box<Special>>,
}

/// What few tasks have; those that run on any worker without a name have none of it.
struct Special {
    home: Home,
    name: Option<Arc<str>>,
}

/// What every task has.
pub(crate) type Header = Head<Facts>;

impl Header {
    pub(crate) fn id(&self) -> TaskId {
        self.facts.id
    }

    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.facts.special.as_ref().and_then(|special| special.name.as_ref())
    }

    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.facts.spawned_at
    }

    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.facts.scheduler
    }

    fn home(&self) -> &Home {
        self.facts.special.as_ref().map_or(&Home::Workers, |special| &special.home)
    }

    pub(super) fn own_thread(&self) -> Option<&OwnThread> {
        match self.home() {
            Home::Alone(thread) => Some(thread),
            _ => None,
        }
    }

    pub(super) fn panicked(&self, caught: Caught) -> TaskError {
        TaskError::Panicked {
            payload: PanicPayload::new(caught.payload),
            task: self.id(),
            name: self.name().cloned(),
            spawned_at: self.spawned_at(),
            origin: caught.origin,
        }
    }
}

/// A task as queues, wakers and the registry see it.
pub(crate) trait Schedulable: Send + Sync {
    fn header(&self) -> &Header;
    /// Runs a task that was just taken from a queue.
    fn run(self: Arc<Self>);
    fn cancel(self: Arc<Self>, cause: Cause);
    /// What its last poll waits for; none while it runs, and while somebody else looks.
    fn blocked(self: Arc<Self>) -> Option<Blocked>;
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

/// What belongs to whoever runs a task. What the last poll waits for stands beside it, in the header.
struct Run<B> {
    body: Option<B>,
    /// Where the program waits for that.
    at: Option<&'static Location<'static>>,
}

pub(crate) struct TaskCell<B: Body> {
    turns: Turns<Facts, Run<B>>,
    join: JoinCell<B::Output>,
}

impl<B: Body> TaskCell<B> {
    /// A task that the caller is about to put into a queue.
    #[cfg_attr(norace, track_caller)]
    pub(crate) fn new(spec: Spec, home: Home, body: B) -> Arc<Self> {
        let Spec { name, spawned_at, scheduler } = spec;
        let special = (name.is_some() || !matches!(home, Home::Workers))
            .then(|| Box::new(Special { home, name }));
        let facts = Facts { id: TaskId::next(), spawned_at, scheduler, special };
        Arc::new(Self {
            turns: Turns::new(facts, Run { body: Some(body), at: None }),
            join: JoinCell::new(),
        })
    }

    /// A task that was not admitted: it has ended before it began.
    #[cfg_attr(norace, track_caller)]
    pub(crate) fn refused(spec: Spec, body: B, cause: Cause) -> Arc<Self> {
        let cell = Self::new(spec, Home::Workers, body);
        cell.finish(cell.turns.start(), Outcome::Cancelled(cause));
        cell
    }

    fn finish(&self, mut turn: Turn<'_, Facts, Run<B>>, mut outcome: Outcome<B::Output>) {
        let body = turn.with(|run, _| run.body.take());
        let header = self.turns.head();
        let counters = header.scheduler().counters();
        match &outcome {
            Outcome::Done(_) => {}
            Outcome::Panicked(_) => counters.panicked_in_poll(),
            Outcome::Cancelled(_) => counters.cancelled(),
        }
        let dropped = || catch_unwind(AssertUnwindSafe(|| drop(body)));
        if let Err(payload) = current::running(header.id(), dropped) {
            counters.panicked_in_drop();
            let panicked = Outcome::Panicked(Caught::new(payload));
            let former = std::mem::replace(&mut outcome, panicked);
            self.drop_quietly(former);
        }
        turn.finish();
        match header.home() {
            // It never was in the registry.
            Home::Alone(_) => {}
            Home::Pinned(host) => {
                header.scheduler().registry().remove(header);
                host.release();
            }
            _ => header.scheduler().registry().remove(header),
        }
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.join.complete(outcome))) {
            counters.panicked_in_drop();
            self.drop_quietly(payload);
        }
    }

    /// Drops something whose destructor is foreign; a panic in it is counted, and its payload given up.
    fn drop_quietly<V>(&self, value: V) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            self.turns.head().scheduler().counters().panicked_in_drop();
            // Its destructor may panic as well, and so on for ever.
            std::mem::forget(payload);
        }
    }
}

impl<B: Body> TaskCell<B> {
    /// Runs the task once; whether it goes on, and then whether it was woken meanwhile.
    ///
    /// The caller took it from a queue.
    pub(super) fn run_once<W: Borrow<Waker>>(&self, waker: impl FnOnce() -> W) -> Option<bool> {
        let mut turn = self.turns.start();
        let outcome = if turn.is_cancelled() {
            Outcome::Cancelled(self.join.cancel_cause())
        } else {
            match self.poll(&mut turn, waker().borrow()) {
                Ok(Poll::Pending) => return Some(turn.pause()),
                Ok(Poll::Ready(value)) => Outcome::Done(value),
                Err(payload) => Outcome::Panicked(Caught::new(payload)),
            }
        };
        self.finish(turn, outcome);
        None
    }

    /// Polls the body once; a panic in it is caught.
    fn poll(
        &self,
        turn: &mut Turn<'_, Facts, Run<B>>,
        waker: &Waker,
    ) -> thread::Result<Poll<B::Output>> {
        turn.with(|run, on| {
            let body = run.body.as_mut().expect("a task that is not done has a body");
            wait::take_note();
            let poll = || body.poll(&mut Context::from_waker(waker));
            let id = self.turns.head().id();
            let polled = current::running(id, || catch_unwind(AssertUnwindSafe(poll)));
            (*on, run.at) = wait::take_note().map_or((None, None), |note| (Some(note.on), note.at));
            polled
        })
    }
}

impl<B: Body> Schedulable for TaskCell<B> {
    fn header(&self) -> &Header {
        self.turns.head()
    }

    fn run(self: Arc<Self>) {
        if self.run_once(|| Waker::from(self.clone())) == Some(true) {
            requeue(self);
        }
    }

    fn cancel(self: Arc<Self>, cause: Cause) {
        self.join.request_cancel(cause);
        if self.turns.head().cancel() {
            enqueue(self);
        }
    }

    fn blocked(self: Arc<Self>) -> Option<Blocked> {
        let see = |run: &Run<B>, on: Option<_>| on.map(|on| Blocked { on, at: run.at });
        let (blocked, woken) = self.turns.look(see)?;
        if woken {
            enqueue(self);
        }
        blocked
    }
}

impl<B: Body> Joinable<B::Output> for TaskCell<B> {
    fn join_cell(&self) -> &JoinCell<B::Output> {
        &self.join
    }
}

impl<B: Body> Wake for TaskCell<B> {
    fn wake(self: Arc<Self>) {
        if self.turns.head().wake() {
            enqueue(self);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.turns.head().wake() {
            enqueue(self.clone());
        }
    }
}

/// Puts a task that was spawned or woken into the queue of its home.
pub(crate) fn enqueue(task: Task) {
    match task.header().home() {
        Home::Workers => Scheduler::woken(task),
        Home::Pinned(host) => host.clone().push(task),
        Home::Blocking => unreachable!("a blocking job is queued once, by its spawner"),
        Home::Alone(thread) => thread.unpark(),
    }
}

/// Puts a task that was woken during its own poll back into the queue of its home, behind all others.
fn requeue(task: Task) {
    match task.header().home() {
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
