//! Names for tasks.

use norace_prim::atomic::{AtomicU64, Ordering};
use std::fmt;

/// Names a task: unique in the process, later tasks have larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: uniqueness is all that is asked of it.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
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
