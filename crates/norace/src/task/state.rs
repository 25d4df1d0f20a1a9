//! What a task is doing.

use std::fmt;

/// What a task is doing, as reports see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// Waits to be woken.
    Waiting,
    /// Is in a queue and waits for a worker.
    Runnable,
    /// Is inside its code.
    Running,
    /// Has ended.
    Done,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Runnable => "runnable",
            Self::Running => "running",
            Self::Done => "done",
        })
    }
}
