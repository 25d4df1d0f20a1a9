//! What a limiter says.

use norace_prim::time::Duration;
use std::error::Error;
use std::fmt;

/// A limiter's answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a decision that nobody looks at limits nothing"]
pub enum Decision {
    /// It was admitted, and counted.
    Allowed {
        /// What could be admitted at this moment beside it, for a cost of 1 each.
        remaining: u64,
        /// When the quota is whole again, if nothing else comes.
        reset_after: Duration,
    },
    /// It was not admitted, and not counted.
    Denied {
        /// When the same request can be admitted at the soonest. Never 0.
        retry_after: Duration,
        /// Why.
        reason: Reason,
    },
}

impl Decision {
    /// Whether it was admitted.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    pub(crate) fn denied(retry_after: Duration, reason: Reason) -> Self {
        Self::Denied { retry_after: retry_after.max(Duration::from_nanos(1)), reason }
    }
}

/// Why a request was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its quota is used up.
    Quota,
    /// The table has no place for this key: all those that its hash may go to are taken by keys in use.
    TableFull,
    /// A shared limit has to hear from its store first; it takes one round trip.
    Asking,
    /// The store of a shared limit lost its memory, and admits nothing until what it forgot is over.
    StoreForgot,
    /// The store of a shared limit cannot be reached, and this node's part is used up.
    StoreDown,
}

/// A request costs more than can ever be admitted at once. It is no decision: waiting does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostError {
    /// What was asked for.
    pub cost: u64,
    /// The most that can be admitted at once.
    pub cost_max: u64,
}

impl fmt::Display for CostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cost, cost_max } = self;
        write!(f, "a cost of {cost} can never be admitted: the quota allows {cost_max} at once")
    }
}

impl Error for CostError {}
