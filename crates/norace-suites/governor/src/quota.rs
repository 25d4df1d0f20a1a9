//! What a limit allows: so many at once, and one more each time an interval is over.

use std::num::NonZeroU32;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Quota {
    burst: NonZeroU32,
    interval: Duration,
}

impl Quota {
    pub fn per_second(burst: NonZeroU32) -> Self {
        Self { burst, interval: Duration::from_secs(1) / burst.get() }
    }

    pub fn per_hour(burst: NonZeroU32) -> Self {
        Self { burst, interval: Duration::from_secs(3600) / burst.get() }
    }

    pub fn with_period(interval: Duration) -> Option<Self> {
        let burst = NonZeroU32::new(1)?;
        (interval > Duration::from_nanos(0)).then_some(Self { burst, interval })
    }

    pub fn allow_burst(self, burst: NonZeroU32) -> Self {
        Self { burst, ..self }
    }

    /// The kit's: one for each interval. Its own `per_second` rounds an interval up where governor rounds it down.
    pub(crate) fn of_the_kit(self) -> norace::limit::Quota {
        let interval = self.interval.max(Duration::from_nanos(1));
        let rate = norace::limit::Quota::gcra(1, interval).unwrap();
        rate.burst(u64::from(self.burst.get())).unwrap()
    }
}
