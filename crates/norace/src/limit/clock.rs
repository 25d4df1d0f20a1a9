//! Where a limiter's time comes from.

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::Arc;
use norace_prim::time::{Duration, Instant};

/// The clock of a limiter. It never goes backward.
pub trait Clock: Send + Sync {
    /// Nanoseconds since a moment that stays the same.
    fn nanos(&self) -> u64;
}

/// The machine's monotonic clock, from when this value was made.
#[derive(Clone, Copy, Debug)]
pub struct Monotonic(Instant);

impl Monotonic {
    /// A clock that begins now.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    fn nanos(&self) -> u64 {
        let passed = self.0.elapsed();
        // A process does not run for the five hundred years that this would take to overflow.
        passed.as_secs() * 1_000_000_000 + u64::from(passed.subsec_nanos())
    }
}

/// A clock that stands still until it is moved; for tests. Clones are the same clock.
///
/// ```
/// use norace::limit::{Limiter, ManualClock, Quota};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let limiter = Limiter::with_clock(Quota::per_second(1)?, clock.clone());
/// assert!(limiter.check().is_allowed());
/// assert!(!limiter.check().is_allowed());
/// clock.advance(Duration::from_secs(1));
/// assert!(limiter.check().is_allowed());
/// # Ok::<(), norace::limit::QuotaError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves it.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: a time orders nothing.
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn nanos(&self) -> u64 {
        // Relaxed: a time orders nothing.
        self.0.load(Ordering::Relaxed)
    }
}
