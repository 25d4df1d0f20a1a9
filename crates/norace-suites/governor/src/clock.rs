//! The kit's clocks, whose instants are what has passed since they began.

use norace::limit::{Clock as _, ManualClock, Monotonic};
use std::sync::Arc;
use std::time::Duration;

pub trait Clock {
    type Instant;

    fn now(&self) -> Self::Instant;
}

/// A clock of which clones are the same clock.
pub trait Shared: Clock<Instant = Duration> + Clone + Send + Sync + 'static {}

#[derive(Clone, Debug, Default)]
pub struct DefaultClock(Monotonic);

#[derive(Clone, Debug, Default)]
pub struct FakeRelativeClock(ManualClock);

impl FakeRelativeClock {
    pub fn advance(&self, by: Duration) {
        self.0.advance(by);
    }
}

impl Clock for DefaultClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.nanos())
    }
}

impl Clock for FakeRelativeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.nanos())
    }
}

impl Shared for DefaultClock {}
impl Shared for FakeRelativeClock {}

/// Any of them, for a limiter.
#[derive(Clone)]
pub(crate) struct Any(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Any {
    pub(crate) fn of(clock: impl Shared) -> Self {
        Self(Arc::new(move || clock.now()))
    }
}

impl norace::limit::Clock for Any {
    fn nanos(&self) -> u64 {
        (self.0)().as_nanos() as u64
    }
}
