//! Counters that order nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter of events for statistics: nobody may rely on its order with anything else, so the checker does not see it.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Tally(AtomicU64);

impl Tally {
    /// A counter at 0.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts `n` more; the count before.
    #[inline]
    pub fn add(&self, n: u64) -> u64 {
        // Relaxed: a statistic.
        self.0.fetch_add(n, Ordering::Relaxed)
    }

    /// As [`add`](Self::add), for a counter that one thread at a time writes: two plain accesses, and so cheaper.
    #[inline]
    pub fn add_alone(&self, n: u64) -> u64 {
        // Relaxed: a statistic.
        let now = self.0.load(Ordering::Relaxed);
        // Relaxed: as above; there is one writer.
        self.0.store(now.wrapping_add(n), Ordering::Relaxed);
        now
    }

    /// The count.
    #[inline]
    pub fn get(&self) -> u64 {
        // Relaxed: a statistic.
        self.0.load(Ordering::Relaxed)
    }
}
