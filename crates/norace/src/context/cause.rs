//! Why something was cancelled.

use norace_prim::sync::Arc;
use std::fmt;

/// Why a context or a task was cancelled.
///
/// Cloning is cheap: a cause travels to everything below the place where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Somebody asked for it, without a further reason.
    Cancelled,
    /// The deadline passed.
    DeadlineExceeded,
    /// Something failed, in words.
    Failed(Arc<str>),
    /// The runtime or the service is shutting down.
    Shutdown,
    /// The owner was dropped: a group, a handle, a context whose work nobody waits for any more.
    Dropped,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::DeadlineExceeded => f.write_str("deadline exceeded"),
            Self::Failed(reason) => f.write_str(reason),
            Self::Shutdown => f.write_str("shutting down"),
            Self::Dropped => f.write_str("owner dropped"),
        }
    }
}

impl std::error::Error for Cause {}
