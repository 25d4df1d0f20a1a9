//! What a runtime counts.

use norace_prim::atomic::Tally;

/// Rare events, counted per runtime.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) panics_in_poll: Tally,
    pub(crate) panics_in_drop: Tally,
    pub(crate) cancelled: Tally,
    pub(crate) refused: Tally,
    pub(crate) stalls: Tally,
}

impl Counters {
    pub(crate) fn panicked_in_poll(&self) {
        self.panics_in_poll.add(1);
    }

    pub(crate) fn panicked_in_drop(&self) {
        self.panics_in_drop.add(1);
    }

    pub(crate) fn cancelled(&self) {
        self.cancelled.add(1);
    }

    pub(crate) fn refused(&self) {
        self.refused.add(1);
    }

    pub(crate) fn stalled(&self) {
        self.stalls.add(1);
    }
}
