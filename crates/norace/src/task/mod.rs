//! Tasks: futures that run by themselves, and jobs that block.
//!
//! | call | runs | for |
//! | --- | --- | --- |
//! | [`spawn`] | on any worker, may move between awaits | everything else |
//! | [`spawn_pinned`] | on one worker for good | futures that are not `Send` |
//! | [`spawn_blocking`] | on a thread of its own | files, other people's blocking calls, long computations |
//! | [`block_in_place`] | where it is, while another thread takes over the worker | the same, with borrowed data |
//! | [`yield_now`] | | long computations inside a task: lets others run |
//!
//! A task ends with a value, a panic or a cancellation, and its [`JoinHandle`] tells which. A panic never reaches
//! another task; where it began is told with it once [`record_panics`] was called. Dropping the handle leaves the task
//! alone, as in Go.

mod alone;
mod builder;
pub(crate) mod cell;
mod error;
pub(crate) mod future;
mod id;
mod join;
mod origin;
pub(crate) mod pinned;
pub(crate) mod registry;
mod snapshot;
mod state;
mod yield_now;

pub use crate::wait::{Blocked, BlockedOn};
pub use builder::Builder;
pub(crate) use cell::Header;
pub use error::{PanicPayload, SpawnError, TaskError};
pub use id::TaskId;
pub use join::JoinHandle;
pub use origin::{PanicOrigin, record_panics};
pub use snapshot::TaskSnapshot;
pub use state::TaskState;
pub use yield_now::{YieldNow, yield_now};

use crate::rt::current;
use std::future::Future;

/// Starts a task on the current runtime.
///
/// The task begins at once, whether or not the handle is awaited. When it is not admitted (the runtime has a budget of
/// tasks, or is shutting down), the handle resolves to [`TaskError::Cancelled`] with a cause that says so; use
/// [`Builder::spawn`] to be told at once.
///
/// # Panics
///
/// Outside a runtime.
///
/// ```
/// # norace::rt::Runtime::new().unwrap().block_on(async {
/// let task = norace::task::spawn(async { 6 * 7 });
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Builder::new().spawn_or_refuse(future)
}

/// Starts a task that stays on one worker thread, so that its future need not be `Send`.
///
/// `make` is sent to the thread and makes the future there. The task shares the thread with others, and it waits while
/// one of them computes: nobody can take it over. Refused as with [`spawn`].
///
/// # Panics
///
/// Outside a runtime.
///
/// ```
/// # norace::rt::Runtime::new().unwrap().block_on(async {
/// let task = norace::task::spawn_pinned(|| async {
///     let shared = std::rc::Rc::new(20);
///     norace::task::yield_now().await;
///     *shared + 1
/// });
/// assert_eq!(task.await.unwrap(), 21);
/// # });
/// ```
#[track_caller]
pub fn spawn_pinned<M, F>(make: M) -> JoinHandle<F::Output>
where
    M: FnOnce() -> F + Send + 'static,
    F: Future + 'static,
    F::Output: Send + 'static,
{
    Builder::new().spawn_pinned_or_refuse(make)
}

/// Runs a job that may block on a thread of the runtime's pool.
///
/// The pool has a bounded number of threads and a bounded queue; a job beyond both is refused, as with [`spawn`].
/// Cancelling it works until it has begun.
///
/// # Panics
///
/// Outside a runtime.
///
/// ```
/// # norace::rt::Runtime::new().unwrap().block_on(async {
/// let text = norace::task::spawn_blocking(|| std::fs::read_to_string("Cargo.toml")).await.unwrap();
/// assert!(text.unwrap().contains("norace"));
/// # });
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(job: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new().spawn_blocking_or_refuse(job)
}

/// Runs `act`, which may block, on this thread, while another thread takes over its worker with all that is queued.
///
/// Other futures of the same task (in a `select!`, say) wait meanwhile, and so do tasks pinned to this thread. `act`
/// simply runs where as many threads block in place as the pool allows, where a worker calls a waker for a socket or a
/// timer, and outside a worker.
///
/// ```
/// # norace::rt::Runtime::new().unwrap().block_on(async {
/// let mut lines = Vec::new();
/// norace::task::block_in_place(|| lines.push("from a slow disk"));
/// assert_eq!(lines.len(), 1);
/// # });
/// ```
pub fn block_in_place<R>(act: impl FnOnce() -> R) -> R {
    match current::worker() {
        Some(worker) => worker.block_in_place(act),
        None => act(),
    }
}
