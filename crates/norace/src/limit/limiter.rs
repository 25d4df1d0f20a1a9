//! A limit on everything that passes one place.

use std::fmt;

use norace_prim::atomic::{AtomicU64, Ordering};

use super::cell;
use super::clock::{Clock, Monotonic};
use super::decision::{CostError, Decision};
use super::live::Live;
use super::quota::{ChangeError, Kind, Quota};
use super::ready::until;

/// One limit in one process.
///
/// Use it for what passes one place: a client of somebody's API, a log. For one limit per user or address there is
/// [`Keyed`](super::Keyed). It does not order who waits: under constant pressure a large cost may wait for long while
/// small ones pass.
///
/// A decision is one compare-and-exchange of one word, without a lock and without an allocation; a refusal writes
/// nothing. Between the decisions of different threads nothing else is ordered.
///
/// ```
/// use norace::limit::{Decision, Limiter, Quota};
///
/// let limiter = Limiter::new(Quota::per_second(10)?);
/// let admitted = (0..20).filter(|_| limiter.check().is_allowed()).count();
/// assert!((10..20).contains(&admitted));
/// assert!(matches!(limiter.check_n(5)?, Decision::Denied { .. }));
/// assert!(limiter.check_n(11).is_err(), "more than the burst never passes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Limiter<C = Monotonic> {
    word: AtomicU64,
    kind: Kind,
    live: Live,
    clock: C,
}

impl Limiter {
    /// A limit by the machine's clock.
    pub fn new(quota: Quota) -> Self {
        Self::with_clock(quota, Monotonic::new())
    }
}

impl<C: Clock> Limiter<C> {
    /// A limit by `clock`.
    pub fn with_clock(quota: Quota, clock: C) -> Self {
        Self { word: AtomicU64::new(0), kind: quota.kind(), live: Live::new(quota), clock }
    }

    /// Decides on one request, and counts it when it is admitted.
    #[inline]
    pub fn check(&self) -> Decision {
        cell::check(&self.word, self.kind, || self.live.params(), &self.clock, 1)
    }

    /// Decides on a request of cost `n`, which is admitted and counted whole or not at all; 0 passes always.
    ///
    /// # Errors
    ///
    /// When `n` is above what can be admitted at once.
    #[inline]
    pub fn check_n(&self, n: u64) -> Result<Decision, CostError> {
        self.live.params().check_cost(self.kind, n)?;
        Ok(cell::check(&self.word, self.kind, || self.live.params(), &self.clock, n))
    }

    /// Waits until one request is admitted.
    ///
    /// Waits on the kit's timers, which work on any executor. Cancel safe: nothing is counted before it is ready. Who
    /// came first is not served first.
    pub async fn until_ready(&self) -> Decision {
        until(|| self.check()).await
    }

    /// Waits until a request of cost `n` is admitted; see [`until_ready`](Self::until_ready).
    ///
    /// # Errors
    ///
    /// When `n` is above what can be admitted at once.
    pub async fn until_n_ready(&self, n: u64) -> Result<Decision, CostError> {
        super::ready::try_until(|| self.check_n(n)).await
    }

    /// What it allows.
    pub fn quota(&self) -> Quota {
        self.live.quota()
    }

    /// Changes what it allows, for decisions from now on. What was admitted stays counted: a rate's debt in the time it
    /// was to take, a window's count as it is.
    ///
    /// # Errors
    ///
    /// When the new quota is one of another algorithm, or a window of another length.
    pub fn set_quota(&self, quota: Quota) -> Result<(), ChangeError> {
        self.live.change(quota)
    }
}

impl<C> fmt::Debug for Limiter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for people.
        let word = self.word.load(Ordering::Relaxed);
        f.debug_struct("Limiter").field("quota", &self.live.quota()).field("word", &word).finish()
    }
}
