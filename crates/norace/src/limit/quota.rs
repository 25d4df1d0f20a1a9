//! What a limit allows.

use norace_prim::time::Duration;
use std::error::Error;
use std::fmt;

use super::decision::CostError;

/// Longest period, and longest time a burst may take to be made up for: a hundred years.
const LONGEST: u64 = 100 * 365 * 86_400 * 1_000_000_000;

/// Counts of a fixed window have half a word, those of a sliding one less than a third.
const FIXED_MAX: u64 = u32::MAX as u64;
const SLIDING_MAX: u64 = (1 << 20) - 1;

/// Shorter windows would run out of numbers within days.
const WINDOW_MIN: Duration = Duration::from_millis(1);

/// How much a limit allows: a rate with a burst, or a count per window.
///
/// | constructor | admits at most |
/// | --- | --- |
/// | [`gcra`](Self::gcra), [`per_second`](Self::per_second) | in any time `t`: burst + rate * `t`; use it as a rule |
/// | [`fixed_window`](Self::fixed_window) | the limit in each window, twice that across an edge |
/// | [`sliding_window`](Self::sliding_window) | about the limit in any such time, twice that at worst |
///
/// A rate is kept as a whole number of nanoseconds for one request, rounded up: it is never above what was asked for,
/// and far below it only where that is a large part of a thousand million a second.
///
/// ```
/// use norace::limit::Quota;
/// use std::time::Duration;
///
/// let api = Quota::per_second(50)?.burst(100)?;
/// let mails = Quota::fixed_window(500, Duration::from_secs(3600))?;
/// assert!(Quota::per_second(0).is_err());
/// # Ok::<(), norace::limit::QuotaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    kind: Kind,
    count: u64,
    period: u64,
    burst: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Gcra,
    Fixed,
    Sliding,
}

/// The two numbers that a decision is made of; times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Params {
    /// A bucket's time for one; a window's length.
    pub(crate) unit: u64,
    /// A bucket's time for its burst; a window's limit.
    pub(crate) all: u64,
}

impl Params {
    /// An error where a cost of `n` can never be admitted.
    #[inline]
    pub(crate) fn check_cost(self, kind: Kind, n: u64) -> Result<(), CostError> {
        // A product instead of a quotient: it costs a tenth.
        let each = if kind == Kind::Gcra { self.unit } else { 1 };
        let fits = n.checked_mul(each).is_some_and(|all| all <= self.all);
        if fits { Ok(()) } else { Err(CostError { cost: n, cost_max: self.all / each }) }
    }
}

impl Quota {
    /// `count` per `period`, evenly, and up to `count` at once; see [`burst`](Self::burst).
    ///
    /// It is the generic cell rate algorithm of ITU-T I.371: one instant for a key, at which its bucket will be full.
    ///
    /// # Errors
    ///
    /// When `count` or `period` is 0, when there is more than one per nanosecond, and when the period is above a
    /// hundred years.
    pub fn gcra(count: u64, period: Duration) -> Result<Self, QuotaError> {
        Self::new(Kind::Gcra, count, period)
    }

    /// [`gcra`](Self::gcra) with a period of one second.
    ///
    /// # Errors
    ///
    /// Those of [`gcra`](Self::gcra).
    pub fn per_second(count: u64) -> Result<Self, QuotaError> {
        Self::gcra(count, Duration::from_secs(1))
    }

    /// [`gcra`](Self::gcra) with a period of one minute.
    ///
    /// # Errors
    ///
    /// Those of [`gcra`](Self::gcra).
    pub fn per_minute(count: u64) -> Result<Self, QuotaError> {
        Self::gcra(count, Duration::from_secs(60))
    }

    /// `limit` in each window of `period`; windows begin with the clock.
    ///
    /// # Errors
    ///
    /// When `limit` is 0 or has more than 32 bits, and when the period is below a millisecond or above a hundred years.
    pub fn fixed_window(limit: u64, period: Duration) -> Result<Self, QuotaError> {
        Self::new(Kind::Fixed, limit, period)
    }

    /// `limit` in this window together with the part of the window before that is less than `period` ago, as if what
    /// was admitted in that had been spread evenly.
    ///
    /// # Errors
    ///
    /// When `limit` is 0 or has more than 20 bits, and when the period is below a millisecond or above a hundred years.
    pub fn sliding_window(limit: u64, period: Duration) -> Result<Self, QuotaError> {
        Self::new(Kind::Sliding, limit, period)
    }

    fn new(kind: Kind, count: u64, period: Duration) -> Result<Self, QuotaError> {
        let nanos = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        let (count_max, period_min) = match kind {
            Kind::Gcra => (nanos, Duration::from_nanos(1)),
            Kind::Fixed => (FIXED_MAX, WINDOW_MIN),
            Kind::Sliding => (SLIDING_MAX, WINDOW_MIN),
        };
        if count == 0 {
            return Err(QuotaError::Nothing);
        }
        if period < period_min || nanos > LONGEST {
            return Err(QuotaError::Period { period });
        }
        if count > count_max {
            return Err(QuotaError::TooMany { count, count_max });
        }
        Self { kind, count, period: nanos, burst: count }.checked()
    }

    /// The same rate with another burst: how much may be admitted at once by a key that was idle.
    ///
    /// # Errors
    ///
    /// When `burst` is 0 or takes more than a hundred years to be made up for, and when the quota is a window's.
    pub fn burst(self, burst: u64) -> Result<Self, QuotaError> {
        match self.kind {
            Kind::Gcra if burst == 0 => Err(QuotaError::Nothing),
            Kind::Gcra => Self { burst, ..self }.checked(),
            Kind::Fixed | Kind::Sliding => Err(QuotaError::NoBurst),
        }
    }

    fn checked(self) -> Result<Self, QuotaError> {
        let all = u128::from(self.unit()) * u128::from(self.burst);
        let long = self.kind == Kind::Gcra && all > u128::from(LONGEST);
        if long { Err(QuotaError::Burst { burst: self.burst }) } else { Ok(self) }
    }

    fn unit(self) -> u64 {
        self.period.div_ceil(self.count)
    }

    /// The most that can be admitted at once: the burst, or the window's limit.
    pub fn at_once(self) -> u64 {
        self.burst
    }

    /// How much is admitted in each [`period`](Self::period) in the long run.
    pub fn count(self) -> u64 {
        self.count
    }

    /// The time that [`count`](Self::count) is for.
    pub fn period(self) -> Duration {
        Duration::from_nanos(self.period)
    }

    /// How long a key takes that used all it has until that is whole again.
    pub(crate) fn whole_after(self) -> Duration {
        Duration::from_nanos(match self.kind {
            Kind::Gcra => self.unit() * self.burst,
            Kind::Fixed | Kind::Sliding => self.period,
        })
    }

    pub(crate) fn kind(self) -> Kind {
        self.kind
    }

    pub(crate) fn params(self) -> Params {
        match self.kind {
            Kind::Gcra => Params { unit: self.unit(), all: self.unit() * self.burst },
            Kind::Fixed | Kind::Sliding => Params { unit: self.period, all: self.count },
        }
    }

    /// Whether a limiter with this quota can go on with `other`.
    pub(crate) fn check_change(self, other: Self) -> Result<(), ChangeError> {
        let same =
            self.kind == other.kind && (self.kind == Kind::Gcra || self.period == other.period);
        if same { Ok(()) } else { Err(ChangeError(())) }
    }
}

/// A quota that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotaError {
    /// The count, the limit or the burst is 0.
    Nothing,
    /// The period is too short, or above a hundred years.
    Period {
        /// What was asked for.
        period: Duration,
    },
    /// The count does not fit into what the algorithm keeps.
    TooMany {
        /// What was asked for.
        count: u64,
        /// The most there can be.
        count_max: u64,
    },
    /// The burst takes too long to be made up for.
    Burst {
        /// What was asked for.
        burst: u64,
    },
    /// A window has no burst.
    NoBurst,
}

impl fmt::Display for QuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("a quota of nothing admits nothing"),
            Self::Period { period } => write!(f, "a quota cannot have a period of {period:?}"),
            Self::TooMany { count, count_max } => {
                write!(f, "a quota of {count} is above the {count_max} that can be counted")
            }
            Self::Burst { burst } => {
                write!(f, "a burst of {burst} takes more than a hundred years to be made up for")
            }
            Self::NoBurst => f.write_str("a window has no burst"),
        }
    }
}

impl Error for QuotaError {}

/// The quota of a limiter was to become one of another algorithm, or a window of another length, for which what was
/// counted so far says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeError(());

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was counted under one kind of quota cannot go on under another")
    }
}

impl Error for ChangeError {}
