//! The log of order events that readers pull from.

use std::fmt;

use crate::model::OrderEvent;

/// Durable order events in the journal's order, the newest up to a bound; clones share it.
#[derive(Clone, Debug, Default)]
pub struct EventLog;

impl EventLog {
    /// The first events after the journal position `after`, at most `max`; empty when there are none yet.
    ///
    /// # Errors
    ///
    /// When events after that position are no longer kept.
    pub fn read_after(&self, after: u64, max: usize) -> Result<Vec<OrderEvent>, HistoryGone> {
        let _ = (after, max);
        Ok(Vec::new())
    }

    /// Waits until there is an event after the journal position `after`; false when the engine has ended and there
    /// will be none. Dropping it ends the waiting.
    pub async fn changed_after(&self, after: u64) -> bool {
        let _ = after;
        false
    }

    /// The last journal position known to be durable.
    pub fn durable_sequence(&self) -> u64 {
        0
    }
}

/// Events after the position asked for are no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryGone {
    /// The smallest position from which reading is possible without a gap.
    pub oldest: u64,
}

impl fmt::Display for HistoryGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order events are kept only after position {}", self.oldest)
    }
}

impl std::error::Error for HistoryGone {}
