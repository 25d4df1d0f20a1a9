//! Spawning with options, and the one path by which every task is admitted.

use super::alone;
use super::cell::{Body, Home, Spec, Task, TaskCell, enqueue};
use super::future::{BlockingBody, FutureBody};
use super::pinned::PinnedBody;
use super::{JoinHandle, SpawnError};
use crate::rt::Handle;
use crate::rt::scheduler::Scheduler;
use norace_prim::probe::{self, Level};
use norace_prim::sync::Arc;
use std::future::Future;
use std::panic::Location;

/// Spawns a task with a name, and says at once when it is not admitted.
///
/// ```
/// # norace::rt::Runtime::new().unwrap().block_on(async {
/// let task = norace::task::Builder::new().name("answer").spawn(async { 42 }).unwrap();
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    name: Option<Arc<str>>,
    handle: Option<Handle>,
    spawned_at: Option<&'static Location<'static>>,
}

impl Builder {
    /// No name, on the current runtime.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the task is called in errors and reports.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The runtime to spawn on, instead of the current one.
    #[must_use]
    pub fn on(mut self, handle: &Handle) -> Self {
        self.handle = Some(handle.clone());
        self
    }

    /// The place to name as where the task was spawned, instead of where the call stands.
    pub(crate) fn spawned_at(mut self, place: &'static Location<'static>) -> Self {
        self.spawned_at = Some(place);
        self
    }

    /// Starts a task; see [`spawn`](super::spawn).
    ///
    /// # Errors
    ///
    /// When the task is not admitted; the future is dropped.
    ///
    /// # Panics
    ///
    /// Without a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Result<JoinHandle<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        admitted(admit(self.spec(), FutureBody::new(future), Kind::Task))
    }

    /// Starts a task on one thread; see [`spawn_pinned`](super::spawn_pinned).
    ///
    /// # Errors
    ///
    /// When the task is not admitted; the closure is dropped.
    ///
    /// # Panics
    ///
    /// Without a runtime.
    #[track_caller]
    pub fn spawn_pinned<M, F>(self, make: M) -> Result<JoinHandle<F::Output>, SpawnError>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        admitted(admit(self.spec(), PinnedBody::Make(Some(make)), Kind::Pinned))
    }

    /// Runs a job that may block; see [`spawn_blocking`](super::spawn_blocking).
    ///
    /// # Errors
    ///
    /// When the job is not admitted; it is dropped.
    ///
    /// # Panics
    ///
    /// Without a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, job: F) -> Result<JoinHandle<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        admitted(admit(self.spec(), BlockingBody::new(job), Kind::Blocking))
    }

    #[track_caller]
    pub(crate) fn spawn_or_refuse<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        admit(self.spec(), FutureBody::new(future), Kind::Task).0
    }

    #[track_caller]
    pub(crate) fn spawn_pinned_or_refuse<M, F>(self, make: M) -> JoinHandle<F::Output>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        admit(self.spec(), PinnedBody::Make(Some(make)), Kind::Pinned).0
    }

    #[track_caller]
    pub(crate) fn spawn_blocking_or_refuse<F, T>(self, job: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        admit(self.spec(), BlockingBody::new(job), Kind::Blocking).0
    }

    #[track_caller]
    fn spec(self) -> Spec {
        let handle = self.handle.unwrap_or_else(Handle::current);
        Spec {
            name: self.name,
            spawned_at: match self.spawned_at {
                Some(place) => place,
                None => Location::caller(),
            },
            scheduler: handle.scheduler().clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Task,
    Pinned,
    Blocking,
}

fn admitted<T>(
    (handle, refused): (JoinHandle<T>, Option<SpawnError>),
) -> Result<JoinHandle<T>, SpawnError> {
    match refused {
        None => Ok(handle),
        Some(error) => Err(error),
    }
}

/// Makes the task, enters it in the registry, and queues it; a task that is refused on the way has ended as cancelled.
#[cfg_attr(norace, track_caller)]
fn admit<B: Body>(spec: Spec, body: B, kind: Kind) -> (JoinHandle<B::Output>, Option<SpawnError>) {
    if probe::level() == Some(Level::App) {
        return (alone::start(spec, body, kind == Kind::Blocking), None);
    }
    let home = match reserve(&spec.scheduler, kind) {
        Ok(home) => home,
        Err(error) => {
            spec.scheduler.counters().refused();
            let cell = TaskCell::refused(spec, body, error.into_cause());
            return (JoinHandle::new(cell), Some(error));
        }
    };
    let cell = TaskCell::new(spec, home, body);
    let handle = JoinHandle::new(cell.clone());
    let Err((task, error)) = enter_and_queue(cell, kind) else { return (handle, None) };
    task.header().scheduler().counters().refused();
    // Nobody else has the task: cancelled and run here, it ends here.
    task.clone().cancel(error.into_cause());
    task.run();
    (handle, Some(error))
}

fn enter_and_queue(task: Task, kind: Kind) -> Result<(), (Task, SpawnError)> {
    if let Err(error) = task.header().scheduler().registry().insert(task.clone()) {
        return Err((task, error));
    }
    if kind == Kind::Blocking {
        let scheduler = task.header().scheduler().clone();
        return scheduler.blocking.submit(&scheduler, task);
    }
    enqueue(task);
    Ok(())
}

/// Reserves a place in the budget and, for a pinned task, on a thread.
fn reserve(scheduler: &Scheduler, kind: Kind) -> Result<Home, SpawnError> {
    scheduler.registry().admit()?;
    match kind {
        Kind::Task => Ok(Home::Workers),
        Kind::Blocking => Ok(Home::Blocking),
        Kind::Pinned => match scheduler.reserve_host() {
            Some(host) => Ok(Home::Pinned(host)),
            None => {
                scheduler.registry().forget_one();
                Err(SpawnError::Stopped)
            }
        },
    }
}
