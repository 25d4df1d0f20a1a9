//! A future that is ready at an instant.

use super::timer::Timer;
use super::{Duration, Instant};
use crate::budget;
use crate::wait::{self, BlockedOn};
use norace_prim::probe::Site;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Waits until `duration` has passed from this call on.
///
/// Cancel safe: dropping the future takes the timer out of its queue.
///
/// ```
/// use norace::time::{self, Duration};
/// let nap = time::sleep(Duration::from_secs(1));
/// assert!(nap.deadline() > time::Instant::now());
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(super::after(duration))
}

/// Waits until `deadline`; ready at once when that has passed.
///
/// Cancel safe, as [`sleep`].
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { timer: Timer::new(deadline), site: Site::here() }
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It may be polled again after it was ready, and is ready again.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    timer: Timer,
    site: Site,
}

impl Sleep {
    /// When it is ready.
    pub fn deadline(&self) -> Instant {
        self.timer.deadline()
    }

    /// Makes it wait until `deadline` instead, whether or not it has been ready.
    pub fn reset(&mut self, deadline: Instant) {
        self.timer.reset(deadline);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(budget::poll_left(cx));
        if self.timer.poll_elapsed(cx).is_pending() {
            wait::note(BlockedOn::Sleep, self.site);
            return Poll::Pending;
        }
        budget::spend();
        Poll::Ready(())
    }
}
