//! Where a limiter's time comes from.

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::Arc;
use norace_prim::time::{Duration, Instant, ticks, ticks_are_steady};

pub(super) mod counted;

use counted::Counted;

/// The clock of a limiter. Readings may be out of order by less than a millisecond, the shortest window there is: a
/// place goes by the latest reading that decided anything there, so its time never runs backward.
pub trait Clock: Send + Sync {
    /// Nanoseconds since a moment that stays the same.
    fn nanos(&self) -> u64;
}

/// The machine's monotonic clock, from when this value was made.
///
/// Where the processor has a counter that is steady (x86-64 with an invariant time stamp counter) it reads that, and
/// looks at [`Instant`] every half a millisecond or so. A reading is then at most 10 microseconds behind what `Instant`
/// would say, usually less than 2, and never ahead; so in any time at most what 10 microseconds bring is admitted
/// beyond the quota. (Where the system slows `Instant` down by more than one part in 512, to set the time right, a
/// reading may be some 10 microseconds ahead until the next look.) It costs a third of what `Instant` costs. On a
/// machine that sleeps it stands still or goes on as `Instant` does.
///
/// Elsewhere, and under `--cfg norace`, it is `Instant`.
#[derive(Debug)]
pub struct Monotonic {
    begun: Instant,
    /// By a counter, where there is a steady one.
    counted: Option<Counted>,
}

impl Monotonic {
    /// A clock that begins now.
    pub fn new() -> Self {
        Self::from(Instant::now())
    }

    fn from(begun: Instant) -> Self {
        Self { begun, counted: ticks_are_steady().then(Counted::new) }
    }
}

impl Clone for Monotonic {
    /// A clock that began when this one did.
    fn clone(&self) -> Self {
        Self::from(self.begun)
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    #[inline]
    fn nanos(&self) -> u64 {
        let exact = || {
            let passed = self.begun.elapsed();
            // A process does not run for the five hundred years that this would take to overflow.
            passed.as_secs() * 1_000_000_000 + u64::from(passed.subsec_nanos())
        };
        match &self.counted {
            Some(counted) => counted.nanos(ticks, exact),
            None => exact(),
        }
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
