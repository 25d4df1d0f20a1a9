//! Where a task's outcome waits for whoever joins it.
//!
//! One lock per task holds its *stage*: it goes on and somebody may wait, it is to be cancelled, its outcome is there,
//! or nobody will ask any more. The task stores its outcome and takes the waker in one step, the joiner looks for the
//! outcome and leaves its waker in one step, so they cannot miss each other. Wakers and values are woken and dropped
//! after unlocking: they are foreign code.

use super::cell::Schedulable;
use super::origin::Caught;
use super::{PanicPayload, TaskError};
use crate::budget;
use crate::context::Cause;
use crate::rt::block_on;
use crate::task::TaskId;
use crate::wait::{self, BlockedOn, Wakes};
use norace_prim::probe::{self, Effect, Kind, Monitor, Site};
use norace_prim::sync::{Arc, Mutex, lock};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// How a task ended.
pub(crate) enum Outcome<T> {
    Done(T),
    /// Few tasks do, so that it is apart.
    Panicked(Box<Caught>),
    Cancelled(Cause),
}

/// How far a task is, for who joins it.
enum Stage<T> {
    /// It goes on; with the waker of who waits for it.
    Live(Option<Waker>),
    /// It goes on, and is to be cancelled. Few tasks get here, so that it is apart.
    Doomed(Box<Doomed>),
    /// It has ended.
    Ended(Outcome<T>),
    /// It goes on or has ended, and nobody will ask: the handle is gone, or has the outcome.
    Unasked,
}

struct Doomed {
    /// Why; the first request stands.
    cause: Cause,
    waker: Option<Waker>,
    unasked: bool,
}

impl<T> Stage<T> {
    /// Takes the waker of who waits.
    fn take_waker(&mut self) -> Option<Waker> {
        match self {
            Self::Live(waker) => waker.take(),
            Self::Doomed(doomed) => doomed.waker.take(),
            Self::Ended(_) | Self::Unasked => None,
        }
    }

    fn is_unasked(&self) -> bool {
        match self {
            Self::Live(_) | Self::Ended(_) => false,
            Self::Doomed(doomed) => doomed.unasked,
            Self::Unasked => true,
        }
    }

    /// Takes the outcome, if it is there.
    fn take_outcome(&mut self) -> Option<Outcome<T>> {
        if !matches!(self, Self::Ended(_)) {
            return None;
        }
        match std::mem::replace(self, Self::Unasked) {
            Self::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }
}

/// What the checker calls it.
struct TaskOf<T>(PhantomData<T>);

impl<T> Kind for TaskOf<T> {
    const WORD: &'static str = "task";
    type Holds = T;
}

/// What the checker's reports say that a joiner does.
const JOIN: &str = "join";

pub(crate) struct JoinCell<T> {
    monitor: Monitor<TaskOf<T>>,
    stage: Mutex<Stage<T>>,
    /// Where the task was spawned, for the checker; in production the task's header knows.
    #[cfg(norace)]
    site: Site,
}

impl<T> JoinCell<T> {
    #[cfg_attr(norace, track_caller)]
    pub(crate) fn new() -> Self {
        Self {
            monitor: Monitor::new(),
            stage: Mutex::new(Stage::Live(None)),
            #[cfg(norace)]
            site: Site::here(),
        }
    }

    #[cfg(norace)]
    fn site(&self) -> Site {
        self.site
    }

    #[cfg(not(norace))]
    #[expect(clippy::unused_self, reason = "only the checker asks for it")]
    fn site(&self) -> Site {
        Site::here()
    }

    /// Runs `step`, which does `what`, under the lock.
    fn with<R>(&self, what: &'static str, step: impl FnOnce(&mut Stage<T>) -> R) -> R {
        self.monitor.enter(what, self.site(), || step(&mut lock(&self.stage)))
    }

    /// As [`with`](Self::with), for a step that may come to nothing, and says so.
    fn attempt<R>(&self, what: &'static str, step: impl FnOnce(&mut Stage<T>) -> (Effect, R)) -> R {
        self.monitor.attempt(what, self.site(), || step(&mut lock(&self.stage)))
    }

    pub(crate) fn request_cancel(&self, cause: Cause) {
        self.attempt("cancel", |stage| {
            let (waker, unasked) = match stage {
                Stage::Live(waker) => (waker.take(), false),
                Stage::Unasked => (None, true),
                Stage::Doomed(_) | Stage::Ended(_) => return (Effect::Nothing, ()),
            };
            *stage = Stage::Doomed(Box::new(Doomed { cause, waker, unasked }));
            (Effect::Changed, ())
        });
    }

    /// Why the task is to be cancelled.
    pub(crate) fn cancel_cause(&self) -> Cause {
        self.with("see the end of", |stage| match stage {
            Stage::Doomed(doomed) => doomed.cause.clone(),
            _ => Cause::Cancelled,
        })
    }

    /// Hands the outcome over; it is dropped here when nobody is left to take it.
    pub(crate) fn complete(&self, outcome: Outcome<T>) {
        let (waker, unwanted) = self.with("end", |stage| {
            let waker = stage.take_waker();
            if stage.is_unasked() {
                *stage = Stage::Unasked;
                return (waker, Some(outcome));
            }
            *stage = Stage::Ended(outcome);
            (waker, None)
        });
        unseen(unwanted);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let mut wakes = Wakes::new();
        let outcome = self.attempt(JOIN, |stage| {
            let waker = match stage {
                Stage::Live(waker) => waker,
                Stage::Doomed(doomed) => &mut doomed.waker,
                Stage::Ended(_) | Stage::Unasked => return (Effect::Changed, stage.take_outcome()),
            };
            match waker {
                Some(waker) if waker.will_wake(cx.waker()) => return (Effect::Nothing, None),
                Some(waker) => wakes.update(waker, cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            (Effect::Changed, None)
        });
        if outcome.is_none() {
            self.monitor.waits(JOIN, self.site());
        }
        outcome.map_or(Poll::Pending, Poll::Ready)
    }

    fn detach(&self) {
        let (outcome, waker) = self.with("detach", |stage| {
            let (outcome, waker) = (stage.take_outcome(), stage.take_waker());
            match stage {
                Stage::Doomed(doomed) => doomed.unasked = true,
                stage => *stage = Stage::Unasked,
            }
            (outcome, waker)
        });
        unseen(outcome);
        drop(waker);
    }
}

/// Drops an outcome that nobody asked for; a panic among them is something the checker tells.
fn unseen<T>(outcome: Option<Outcome<T>>) {
    match outcome {
        Some(Outcome::Panicked(caught)) if probe::in_model() => {
            let payload = PanicPayload::new(caught.payload);
            let text = payload.message().unwrap_or("a payload that is no text").to_owned();
            probe::panicked_unseen(text, probe::last_panic());
        }
        outcome => drop(outcome),
    }
}

/// A task whose outcome is a `T`.
pub(crate) trait Joinable<T>: Schedulable {
    fn join_cell(&self) -> &JoinCell<T>;
}

/// Waits for a task's outcome.
///
/// Awaiting it gives what the task's future returned, or a [`TaskError`] that says how it ended instead. Dropping the
/// handle detaches the task: it goes on, and its outcome is dropped.
///
/// Cancel safe: dropping an await on `&mut handle` loses nothing. Everything the task did happens before the await
/// returns.
pub struct JoinHandle<T> {
    /// Gone once the outcome was taken.
    task: Option<Arc<dyn Joinable<T>>>,
    id: TaskId,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(task: Arc<dyn Joinable<T>>) -> Self {
        let id = task.header().id();
        Self { task: Some(task), id }
    }

    /// Ends the task at its next await: its future is dropped on a worker instead of being polled again.
    ///
    /// Does nothing to a task that is done, or to a blocking job that runs already. Await the handle to know that the
    /// task has ended.
    pub fn cancel(&self) {
        self.cancel_with(Cause::Cancelled);
    }

    /// [`cancel`](Self::cancel) for a given reason; the first reason stands.
    pub fn cancel_with(&self, cause: Cause) {
        if let Some(task) = &self.task {
            let task: Arc<dyn Schedulable> = task.clone();
            task.cancel(cause);
        }
    }

    /// Whether the task has ended. Its outcome can be had without waiting then, but for the moment between the two.
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(|task| task.header().is_done())
    }

    /// The task.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Waits for the outcome by blocking this thread.
    ///
    /// # Errors
    ///
    /// As awaiting the handle.
    ///
    /// # Panics
    ///
    /// Inside a worker, which would be lost to all other tasks: await the handle there, or use
    /// [`block_in_place`](crate::task::block_in_place).
    pub fn join_blocking(self) -> Result<T, TaskError> {
        block_on::block_on("join a task", self)
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, TaskError>;

    /// # Panics
    ///
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.task.as_ref().expect("a JoinHandle is not polled after it was ready");
        ready!(budget::poll_left(cx));
        let Poll::Ready(outcome) = task.join_cell().poll(cx) else {
            wait::note_at(BlockedOn::Join, Some(task.header().spawned_at()));
            return Poll::Pending;
        };
        budget::spend();
        let result = match outcome {
            Outcome::Done(value) => Ok(value),
            Outcome::Cancelled(cause) => Err(TaskError::Cancelled { cause }),
            Outcome::Panicked(caught) => Err(task.header().panicked(*caught)),
        };
        self.task = None;
        Poll::Ready(result)
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.join_cell().detach();
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("task", &self.id)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
