//! Names for tasks.

use norace_prim::atomic::Tally;
use norace_prim::probe;
use std::fmt;

/// Names a task: unique in the process, later tasks have larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    pub(crate) fn next() -> Self {
        static NEXT: Tally = Tally::new();
        Self(probe::unique().unwrap_or_else(|| NEXT.add(1) + 1))
    }

    /// The task with that number; none for 0, which is no task's.
    pub(crate) fn known(number: u64) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    /// The number behind it, for logs and traces.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
