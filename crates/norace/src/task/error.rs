//! How a task can fail, and how a spawn can.

use super::{PanicOrigin, TaskId};
use crate::context::Cause;
use norace_prim::sync::{Arc, Mutex, PoisonError};
use std::any::Any;
use std::fmt;
use std::panic::Location;

/// Why a task gave no value.
///
/// ```
/// # norace::rt::Runtime::new().unwrap().block_on(async {
/// let error = norace::task::spawn(async { panic!("no luck") }).await.map(|()| ()).unwrap_err();
/// assert_eq!(error.panic_message(), Some("no luck"));
/// # });
/// ```
#[derive(Debug)]
pub enum TaskError {
    /// The task panicked. Nobody else was harmed.
    #[non_exhaustive]
    Panicked {
        /// What was given to `panic!`.
        payload: PanicPayload,
        /// The task.
        task: TaskId,
        /// Its name, when it was given one.
        name: Option<Arc<str>>,
        /// Where it was spawned.
        spawned_at: &'static Location<'static>,
        /// Where the panic began, once [`record_panics`](super::record_panics) was called.
        origin: Option<Box<PanicOrigin>>,
    },
    /// The task was ended before it was done, or never began.
    Cancelled {
        /// Who or what ended it.
        cause: Cause,
    },
}

impl TaskError {
    /// The panic's message, when it panicked with one.
    pub fn panic_message(&self) -> Option<&str> {
        match self {
            Self::Panicked { payload, .. } => payload.message(),
            Self::Cancelled { .. } => None,
        }
    }

    /// Where the panic began, and its backtrace, once [`record_panics`](super::record_panics) was called.
    ///
    /// None for a panic that runs no hook: one that did not begin in the task, which only went on with it by
    /// [`resume_unwind`](std::panic::resume_unwind).
    pub fn panic_origin(&self) -> Option<&PanicOrigin> {
        match self {
            Self::Panicked { origin, .. } => origin.as_deref(),
            Self::Cancelled { .. } => None,
        }
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked { .. })
    }

    /// Whether the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }

    /// Goes on with the task's panic in the caller; an error that is none is given back.
    ///
    /// # Panics
    ///
    /// With the task's payload.
    pub fn resume_panic(self) -> Self {
        match self {
            Self::Panicked { payload, .. } => std::panic::resume_unwind(payload.into_inner()),
            Self::Cancelled { .. } => self,
        }
    }
}

/// What was given to `panic!`.
///
/// A lock makes it `Sync`, and with it every error that carries it.
pub struct PanicPayload {
    message: Option<Box<str>>,
    payload: Mutex<Box<dyn Any + Send>>,
}

impl PanicPayload {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = text_of(&*payload).map(Box::from);
        Self { message, payload: Mutex::new(payload) }
    }

    /// The text, when it was one: of `panic!`, of a failed assertion, of `unwrap` and the like.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The value itself, for downcasting or [`std::panic::resume_unwind`].
    pub fn into_inner(self) -> Box<dyn Any + Send> {
        self.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a panic says, when it says something.
pub(super) fn text_of(payload: &(dyn Any + Send)) -> Option<&str> {
    match payload.downcast_ref::<&'static str>() {
        Some(text) => Some(text),
        None => payload.downcast_ref::<String>().map(String::as_str),
    }
}

impl fmt::Debug for PanicPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicPayload").field("message", &self.message).finish_non_exhaustive()
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked { payload, task, name, spawned_at, origin } => {
                write!(f, "task {task}")?;
                if let Some(name) = name {
                    write!(f, " ({name})")?;
                }
                write!(f, " spawned at {spawned_at} panicked")?;
                if let Some(origin) = origin {
                    write!(f, " at {origin}")?;
                }
                match payload.message() {
                    Some(message) => write!(f, ": {message}"),
                    None => Ok(()),
                }
            }
            Self::Cancelled { cause } => write!(f, "task ended early: {cause}"),
        }
    }
}

impl std::error::Error for TaskError {}

/// Why a task was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// As many tasks as the runtime admits are alive, or the queue of blocking jobs is full.
    Full,
    /// The runtime is shutting down or gone.
    Stopped,
}

impl SpawnError {
    /// What a task that was spawned nevertheless is told.
    pub(crate) fn into_cause(self) -> Cause {
        match self {
            Self::Full => {
                Cause::Failed(Arc::from("not started: the runtime's budget of tasks is used up"))
            }
            Self::Stopped => Cause::Shutdown,
        }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "spawn a task: the runtime's budget of tasks is used up",
            Self::Stopped => "spawn a task: the runtime is shutting down",
        })
    }
}

impl std::error::Error for SpawnError {}
