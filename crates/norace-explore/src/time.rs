//! Clocks, as in [`std::time`]; inside a model time is virtual and moves only when a timer fires.

use std::error::Error;
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::panic::Location;

pub use std::time::Duration;

use crate::event::{ObjectId, Op};
use crate::slot::perform;

/// [`std::time::Instant`], on virtual time inside a model.
///
/// # Panics
///
/// Comparing or subtracting an instant taken inside a model with one taken outside panics: the two clocks have nothing
/// to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instant(Clock);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Clock {
    Virtual(Duration),
    Real(std::time::Instant),
}

const MIXED: &str = "an instant of a model and one of the machine were mixed";

impl Instant {
    /// As `std`'s; in a model a step, because a timer may fire before or after it.
    #[track_caller]
    pub fn now() -> Self {
        let now = perform(|_| ObjectId::CLOCK, Op::Now, Location::caller());
        Self(match now {
            Some(reply) => Clock::Virtual(Duration::from_nanos(reply.value)),
            None => Clock::Real(std::time::Instant::now()),
        })
    }

    /// Nanoseconds of virtual time; none of an instant of the machine.
    pub(crate) fn virtual_ns(&self) -> Option<u64> {
        match self.0 {
            Clock::Virtual(at) => Some(u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)),
            Clock::Real(_) => None,
        }
    }

    /// As `std`'s: zero when `earlier` is later.
    pub fn duration_since(&self, earlier: Self) -> Duration {
        self.checked_duration_since(earlier).unwrap_or_default()
    }

    /// As `std`'s.
    pub fn checked_duration_since(&self, earlier: Self) -> Option<Duration> {
        match (self.0, earlier.0) {
            (Clock::Virtual(now), Clock::Virtual(then)) => now.checked_sub(then),
            (Clock::Real(now), Clock::Real(then)) => now.checked_duration_since(then),
            _ => panic!("{MIXED}"),
        }
    }

    /// As `std`'s.
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }

    /// As `std`'s.
    #[track_caller]
    pub fn elapsed(&self) -> Duration {
        Self::now().duration_since(*self)
    }

    /// As `std`'s.
    pub fn checked_add(&self, time: Duration) -> Option<Self> {
        Some(Self(match self.0 {
            Clock::Virtual(at) => Clock::Virtual(at.checked_add(time)?),
            Clock::Real(at) => Clock::Real(at.checked_add(time)?),
        }))
    }

    /// As `std`'s.
    pub fn checked_sub(&self, time: Duration) -> Option<Self> {
        Some(Self(match self.0 {
            Clock::Virtual(at) => Clock::Virtual(at.checked_sub(time)?),
            Clock::Real(at) => Clock::Real(at.checked_sub(time)?),
        }))
    }
}

impl PartialOrd for Instant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Instant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self.0, other.0) {
            (Clock::Virtual(one), Clock::Virtual(two)) => one.cmp(&two),
            (Clock::Real(one), Clock::Real(two)) => one.cmp(&two),
            _ => panic!("{MIXED}"),
        }
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        self.checked_add(time).expect("an instant that can be represented")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, time: Duration) {
        *self = *self + time;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        self.checked_sub(time).expect("an instant that can be represented")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, time: Duration) {
        *self = *self - time;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

/// [`std::time::SystemTime`]; inside a model virtual time since [`UNIX_EPOCH`], plus ten thousand days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(std::time::SystemTime);

/// The start of 1970.
pub const UNIX_EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

/// When a model begins: a time at which programs believe their clock is set.
const BEGIN: Duration = Duration::from_secs(10_000 * 24 * 60 * 60);

/// How far back the later of two times was.
#[derive(Clone, Debug)]
pub struct SystemTimeError(Duration);

impl SystemTimeError {
    /// As `std`'s.
    pub fn duration(&self) -> Duration {
        self.0
    }
}

impl fmt::Display for SystemTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("second time provided was later than self")
    }
}

impl Error for SystemTimeError {}

impl SystemTime {
    /// The start of 1970.
    pub const UNIX_EPOCH: Self = Self(std::time::UNIX_EPOCH);

    /// As `std`'s; in a model a step, as [`Instant::now`].
    #[track_caller]
    pub fn now() -> Self {
        let now = perform(|_| ObjectId::CLOCK, Op::Now, Location::caller());
        Self(match now {
            Some(reply) => std::time::UNIX_EPOCH + BEGIN + Duration::from_nanos(reply.value),
            None => std::time::SystemTime::now(),
        })
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// By how much `earlier` is later.
    pub fn duration_since(&self, earlier: Self) -> Result<Duration, SystemTimeError> {
        self.0.duration_since(earlier.0).map_err(|error| SystemTimeError(error.duration()))
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// By how much this time is in the future.
    #[track_caller]
    pub fn elapsed(&self) -> Result<Duration, SystemTimeError> {
        Self::now().duration_since(*self)
    }

    /// As `std`'s.
    pub fn checked_add(&self, time: Duration) -> Option<Self> {
        self.0.checked_add(time).map(Self)
    }

    /// As `std`'s.
    pub fn checked_sub(&self, time: Duration) -> Option<Self> {
        self.0.checked_sub(time).map(Self)
    }
}

impl From<std::time::SystemTime> for SystemTime {
    fn from(time: std::time::SystemTime) -> Self {
        Self(time)
    }
}

impl From<SystemTime> for std::time::SystemTime {
    fn from(time: SystemTime) -> Self {
        time.0
    }
}

impl Add<Duration> for SystemTime {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

impl Sub<Duration> for SystemTime {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        Self(self.0 - time)
    }
}
