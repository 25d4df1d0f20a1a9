//! Waiting for time to pass: [`sleep`], [`timeout`], [`interval`].
//!
//! Inside a runtime timers are served by its netpoller; on any other executor or thread one timer thread serves all
//! of them, started when it is first needed. Either way a timer never fires early, and late by about a millisecond
//! at most on an idle machine. An armed timer costs one entry in a sorted map; cancelling it (dropping the future)
//! takes it out.
//!
//! ```
//! use norace::time::{self, Duration};
//! # #[cfg(feature = "rt")]
//! norace::rt::Runtime::new().expect("start the runtime").block_on(async {
//!     let late = time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await;
//!     assert!(late.is_err());
//! });
//! ```

mod interval;
#[cfg(all(test, norace))]
pub(crate) mod models;
mod queue;
mod sleep;
pub(crate) mod thread;
mod timeout;
pub(crate) mod timer;

pub use interval::{Interval, interval};
pub use norace_prim::time::{Duration, Instant};
#[cfg(feature = "rt")]
pub(crate) use queue::TimerQueue;
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Elapsed, timeout, timeout_at};

/// Where "never" is when an instant would overflow: thirty years from now.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// `duration` from now, or far away where that has no instant.
pub(crate) fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or_else(|| now + FAR)
}
