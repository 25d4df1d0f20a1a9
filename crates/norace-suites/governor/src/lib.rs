//! The kit's limiters under the names of governor, whose tables of keys differ in how they work alone.

pub mod clock;
pub mod middleware;
mod quota;
pub mod state;

pub use quota::Quota;
pub use state::RateLimiter;

use middleware::NoOpMiddleware;
use state::keyed::Keys;
use state::{Direct, NotKeyed};
use std::time::Duration;

pub type DefaultDirectRateLimiter<MW = NoOpMiddleware> =
    RateLimiter<NotKeyed, Direct, clock::DefaultClock, MW>;

pub type DefaultKeyedRateLimiter<K, MW = NoOpMiddleware> =
    RateLimiter<K, Keys<K>, clock::DefaultClock, MW>;

/// A cost above the burst, which is this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsufficientCapacity(pub u32);

/// When it can be admitted.
#[derive(Debug, PartialEq, Eq)]
pub struct NotUntil<P>(P);

impl NotUntil<Duration> {
    pub fn wait_time_from(&self, from: Duration) -> Duration {
        self.0.checked_sub(from).unwrap_or_default()
    }
}
