//! A limit on how long a future may take.

use super::timer::Timer;
use super::{Duration, Instant};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// The time ran out before the future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")
    }
}

impl std::error::Error for Elapsed {}

/// Waits for `future`, but no longer than `duration` from this call on.
///
/// The future is polled before the clock is looked at: one that is ready in time is never lost to a late poll. When
/// the time runs out, what `future` was doing ends by dropping it with the future returned here. As cancel safe as
/// `future`.
///
/// # Errors
///
/// [`Elapsed`] when the time ran out.
pub fn timeout<F: Future>(
    duration: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    timeout_at(super::after(duration), future)
}

/// Waits for `future`, but not beyond `deadline`; see [`timeout`].
///
/// # Errors
///
/// [`Elapsed`] when the deadline passed.
pub async fn timeout_at<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut timer = Timer::new(deadline);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        // No budget is asked for: a future that has used it all up must not outlive its deadline.
        timer.poll_elapsed(cx).map(|()| Err(Elapsed(())))
    })
    .await
}
