//! A look at a task from outside.

use super::cell::Task;
use super::{TaskId, TaskState};
use crate::rt::asleep;
use crate::wait::Blocked;
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use std::fmt;
use std::panic::Location;

/// What a task is, and what it is doing: of a [shutdown](crate::rt::Runtime::shutdown) that it does not let end, or of
/// all [tasks](crate::rt::Handle::tasks).
///
/// Taken while the task goes on: each field is right, together they are of about one moment.
///
/// ```
/// use norace::{chan, rt::Runtime, task};
/// use std::time::Duration;
///
/// let runtime = Runtime::new().unwrap();
/// let (tx, rx) = chan::bounded::<u32>(1);
/// let (begun, has_begun) = chan::bounded(1);
/// let stuck = task::Builder::new().name("auditor").on(&runtime.handle());
/// let stuck = stuck.spawn_blocking(move || {
///     begun.send_blocking(()).unwrap();
///     rx.recv_blocking() // nobody sends, and `tx` is kept
/// });
/// has_begun.recv_blocking().unwrap();
/// # while runtime.handle().tasks()[0].blocked.is_none() { std::thread::yield_now(); }
/// let error = runtime.shutdown(Duration::from_millis(10)).unwrap_err();
/// // task 1 (auditor) spawned at src/main.rs:8:19 is running, and its thread waits to receive from the channel at …
/// let told = error.stuck()[0].to_string();
/// assert!(told.contains("(auditor)") && told.contains("to receive from the channel at"), "{told}");
/// # drop(tx);
/// # assert!(stuck.unwrap().join_blocking().unwrap().is_err());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskSnapshot {
    /// The task.
    pub id: TaskId,
    /// Its name, when it was given one.
    pub name: Option<Arc<str>>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// What it is doing.
    pub state: TaskState,
    /// What it waits for: a task that waits to be woken, or the thread of one that runs and blocks. None where that is
    /// not known, which is so of futures that are not this crate's.
    pub blocked: Option<Blocked>,
    /// How long it has held a worker, when it is in a poll that is told as a
    /// [stall](crate::rt::Handle::stalls).
    pub stalled: Option<Duration>,
}

impl TaskSnapshot {
    pub(crate) fn new(task: &Task) -> Self {
        let header = task.header();
        let state = header.snapshot();
        let blocked = match state {
            TaskState::Waiting => task.clone().blocked(),
            TaskState::Running => asleep::thread_of(header.id()),
            TaskState::Runnable | TaskState::Done => None,
        };
        let running = state == TaskState::Running;
        let stalled = running.then(|| header.scheduler().stalls.of(header.id())).flatten();
        Self {
            id: header.id(),
            name: header.name().cloned(),
            spawned_at: header.spawned_at(),
            state,
            blocked,
            stalled,
        }
    }
}

impl fmt::Display for TaskSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        write!(f, " spawned at {} is {}", self.spawned_at, self.state)?;
        if let Some(stalled) = self.stalled {
            write!(f, ", has held a worker for {stalled:?}")?;
        }
        match (&self.blocked, self.state) {
            (None, _) => Ok(()),
            (Some(blocked), TaskState::Running) => {
                write!(f, ", and its thread waits {blocked}")
            }
            (Some(blocked), _) => write!(f, " {blocked}"),
        }
    }
}
