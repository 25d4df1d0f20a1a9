//! What a runtime counts.

use norace_prim::atomic::{AtomicU64, Ordering};

/// A count that one thread at a time writes and anybody reads.
#[derive(Debug, Default)]
pub(crate) struct OwnCounter(AtomicU64);

impl OwnCounter {
    /// Adds `n`; only the owner may call it.
    pub(crate) fn add(&self, n: u64) {
        // Relaxed: a statistic. Not a read-modify-write: there is one writer.
        let now = self.0.load(Ordering::Relaxed);
        // Relaxed: as above.
        self.0.store(now.wrapping_add(n), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: a statistic.
        self.0.load(Ordering::Relaxed)
    }
}

/// A count that anybody writes.
#[derive(Debug, Default)]
pub(crate) struct SharedCounter(AtomicU64);

impl SharedCounter {
    fn increment(&self) {
        // Relaxed: a statistic.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: a statistic.
        self.0.load(Ordering::Relaxed)
    }
}

/// Rare events, counted per runtime.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) panics_in_poll: SharedCounter,
    pub(crate) panics_in_drop: SharedCounter,
    pub(crate) cancelled: SharedCounter,
    pub(crate) refused: SharedCounter,
    pub(crate) stalls: SharedCounter,
}

impl Counters {
    pub(crate) fn panicked_in_poll(&self) {
        self.panics_in_poll.increment();
    }

    pub(crate) fn panicked_in_drop(&self) {
        self.panics_in_drop.increment();
    }

    pub(crate) fn cancelled(&self) {
        self.cancelled.increment();
    }

    pub(crate) fn refused(&self) {
        self.refused.increment();
    }

    pub(crate) fn stalled(&self) {
        self.stalls.increment();
    }
}
