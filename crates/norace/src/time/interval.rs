//! Something that happens again and again.

use super::timer::Timer;
use super::{Duration, Instant};
use crate::budget;
use crate::wait::{self, BlockedOn};
use norace_prim::probe::Site;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

/// Ticks every `period`, for the first time one period from now.
///
/// Ticks do not pile up: who comes late gets one tick at once, and the next one on the original grid.
///
/// # Panics
///
/// When `period` is zero.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval needs a period above zero");
    Interval { period, timer: Timer::new(super::after(period)), site: Site::here() }
}

/// The ticker of [`interval`].
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    timer: Timer,
    site: Site,
}

impl Interval {
    /// Waits for the next tick; the instant it was due at.
    ///
    /// Cancel safe: a tick is consumed only by a call that returns it.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// As [`tick`](Self::tick), for hand-written futures.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(budget::poll_left(cx));
        if self.timer.poll_elapsed(cx).is_pending() {
            wait::note(BlockedOn::Sleep, self.site);
            return Poll::Pending;
        }
        budget::spend();
        let due = self.timer.deadline();
        self.timer.reset(next_on_grid(due, self.period, Instant::now()));
        Poll::Ready(due)
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}

/// The first instant after `now` that is a whole number of periods after `due`.
fn next_on_grid(due: Instant, period: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(due).as_nanos();
    let into_period = late % period.as_nanos();
    let passed = Duration::from_nanos(u64::try_from(late - into_period).unwrap_or(0));
    due.checked_add(passed)
        .and_then(|last| last.checked_add(period))
        .unwrap_or_else(|| super::after(period))
}

#[cfg(test)]
mod tests;
