//! What a shared limiter is told when it is made.

use std::error::Error;
use std::fmt;

use norace_prim::time::Duration;

use crate::limit::quota::{Kind, Quota};
use crate::limit::shared::{Mode as Order, Shape, Terms, narrow};

pub use crate::limit::shared::WhenDown;

/// Who counts first, the node or the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The node admits and tells the store afterwards: when it has admitted `batch`, and each `every`. A first
    /// request is admitted at once. While a message is under way the node admits nothing more of that key; that is
    /// what makes the error small.
    Delayed {
        /// The most a node admits before it hears from the store.
        batch: u64,
        /// How long the store may wait to be told.
        every: Duration,
    },
    /// The store grants the node some of the limit, which the node then admits. Nothing is ever admitted beyond the
    /// limit. A first request finds nothing granted and is denied, with
    /// [`Reason::Asking`](crate::limit::Reason::Asking); waiting for it works.
    Leased {
        /// The most a node holds.
        batch: u64,
        /// How often a node that was granted nothing asks again.
        every: Duration,
    },
}

/// The settings of a [`Shared`](super::Shared) limiter.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) url: String,
    pub(super) quota: Quota,
    pub(super) mode: Mode,
    pub(super) nodes: u64,
    pub(super) when_down: WhenDown,
    pub(super) node: String,
    pub(super) prefix: String,
    pub(super) keys_max: usize,
    pub(super) timeout: Duration,
    pub(super) trust_empty: bool,
}

impl Config {
    /// A limit of `quota` for each key, over the store at `url` (`redis://host:port/db`), shared by at most `nodes`
    /// processes at any time; one that is being replaced counts beside its successor.
    pub fn new(url: &str, quota: Quota, mode: Mode, nodes: u64, when_down: WhenDown) -> Self {
        Self {
            url: url.to_owned(),
            quota,
            mode,
            nodes,
            when_down,
            node: format!("{:016x}", norace_prim::rand::next_u64()),
            prefix: "norace".to_owned(),
            keys_max: 100_000,
            timeout: Duration::from_millis(250),
            trust_empty: false,
        }
    }

    /// A name for this node that it has after a restart, too; no other node's. The store keeps a few bytes per name and
    /// key. Default: a new one.
    pub fn node(mut self, name: &str) -> Self {
        name.clone_into(&mut self.node);
        self
    }

    /// What the names of all keys in Redis begin with. Limiters with the same prefix share their limits. Default
    /// `norace`.
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// The most keys this node holds at once. Default 100,000. As in [`Keyed`](crate::limit::Keyed) a key may find no
    /// place a little before.
    pub fn keys_max(mut self, keys: usize) -> Self {
        self.keys_max = keys;
        self
    }

    /// How long the store may take to answer before it counts as down. Default 250 ms.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether a store that holds nothing is taken for a new one, which admits at once, as long as no node says that it
    /// knew another. Default no: such a store has perhaps lost its memory, and admits nothing until the window is over
    /// or the bucket would be full. With yes, a store that comes back empty may admit a window's limit twice.
    pub fn trust_empty(mut self, trust: bool) -> Self {
        self.trust_empty = trust;
        self
    }

    pub(super) fn every(&self) -> Duration {
        match self.mode {
            Mode::Delayed { every, .. } | Mode::Leased { every, .. } => every,
        }
    }

    /// The terms of a key with `quota`.
    pub(super) fn terms(&self, quota: Quota) -> Result<Terms, ConfigError> {
        let (order, batch, every) = match self.mode {
            Mode::Delayed { batch, every } => (Order::Delayed, batch, every),
            Mode::Leased { batch, every } => (Order::Leased, batch, every),
        };
        // Up: a shorter period would be a higher rate.
        let period = narrow(quota.period().as_nanos().div_ceil(1000));
        let (count, burst) = (quota.count(), quota.at_once());
        let shape = match quota.kind() {
            Kind::Fixed => Shape::Window { limit: burst, period },
            Kind::Gcra => Shape::Bucket { count, period, burst },
            Kind::Sliding => return Err(ConfigError::Sliding),
        };
        let every = narrow(every.as_micros());
        let terms = Terms {
            shape,
            mode: order,
            nodes: self.nodes,
            batch: batch.min(burst),
            every,
            idle: (period / 8).max(every),
            down: self.when_down,
            slack: 1000,
            trust_empty: self.trust_empty,
        };
        check(&terms, quota)?;
        Ok(terms)
    }

    pub(super) fn check(&self) -> Result<Terms, ConfigError> {
        let printable = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        if !printable(&self.node) || !printable(&self.prefix) || self.prefix.contains(['{', '}']) {
            return Err(ConfigError::Name);
        }
        if self.timeout < Duration::from_millis(1) {
            return Err(ConfigError::Timeout);
        }
        self.terms(self.quota)
    }
}

/// Redis computes in floating point, which is exact up to here.
const EXACT_MAX: u128 = 1 << 53;

fn check(terms: &Terms, quota: Quota) -> Result<(), ConfigError> {
    if terms.nodes == 0 || terms.batch == 0 {
        return Err(ConfigError::Nothing);
    }
    if terms.every < 1000 {
        return Err(ConfigError::Every);
    }
    let held = terms.nodes.saturating_mul(terms.batch);
    let Shape::Bucket { period, burst, .. } = terms.shape else { return Ok(()) };
    if terms.mode == Order::Leased && burst <= held {
        return Err(ConfigError::Burst { burst, burst_min: held.saturating_add(1) });
    }
    let largest = u128::from(burst) + u128::from(held);
    let is_above_a_million = u128::from(quota.count()) * 1000 > quota.period().as_nanos();
    if is_above_a_million || largest * u128::from(period) >= EXACT_MAX {
        return Err(ConfigError::TooLarge);
    }
    Ok(())
}

/// Settings that cannot work.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL is none of Redis.
    Url(String),
    /// There are no nodes, or batches of nothing.
    Nothing,
    /// `every` is below a millisecond.
    Every,
    /// The time-out is below a millisecond.
    Timeout,
    /// The node's name or the prefix is empty, or not visible ASCII; or the prefix has braces.
    Name,
    /// A sliding window cannot be shared; a rate does what it is for.
    Sliding,
    /// What was counted under one kind of quota, or length of window, cannot go on under another.
    OtherKind,
    /// Leases of a rate take their part of the burst, and leave none.
    Burst {
        /// What was asked for.
        burst: u64,
        /// The least that works with so many nodes and such a batch.
        burst_min: u64,
    },
    /// The rate is above a million a second, or burst times period is more than Redis computes exactly.
    TooLarge,
    /// The thread that talks to the store could not be started.
    Thread(std::io::Error),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(f, "not a URL of Redis: {why}"),
            Self::Nothing => {
                f.write_str("a shared limit needs at least one node and a batch of one")
            }
            Self::Every => {
                f.write_str("a shared limit cannot be told more often than each millisecond")
            }
            Self::Timeout => f.write_str("a time-out below a millisecond cannot be kept"),
            Self::Name => {
                f.write_str("a node's name and a prefix are visible ASCII, without braces")
            }
            Self::Sliding => f.write_str("a sliding window cannot be shared: use a rate"),
            Self::OtherKind => {
                f.write_str("what was counted under one kind of quota cannot go on under another")
            }
            Self::Burst { burst, burst_min } => write!(
                f,
                "a burst of {burst} leaves nothing beside the leases: it has to be {burst_min} at least"
            ),
            Self::TooLarge => {
                f.write_str("the quota is too large for Redis to compute with exactly")
            }
            Self::Thread(error) => write!(f, "start the limiter's thread: {error}"),
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Thread(error) => Some(error),
            _ => None,
        }
    }
}
