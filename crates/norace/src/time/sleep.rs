//! A future that is ready at an instant.

use super::timer::Timer;
use super::{Duration, Instant};
use crate::budget;
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
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(super::after(duration))
}

/// Waits until `deadline`; ready at once when that has passed.
///
/// Cancel safe, as [`sleep`].
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { timer: Timer::new(deadline) }
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It may be polled again after it was ready, and is ready again.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    timer: Timer,
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
        ready!(self.timer.poll_elapsed(cx));
        budget::spend();
        Poll::Ready(())
    }
}
