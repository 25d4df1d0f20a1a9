//! What the two sides agree on before they talk, and the messages. Times are whole microseconds.

use super::outage::WhenDown;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// `limit` in each window of `period`; windows are aligned to the store's clock.
    Window { limit: u64, period: u64 },
    /// A bucket of `burst` that is refilled by `count` per `period`; kept as the time at which it will be full.
    Bucket { count: u64, period: u64, burst: u64 },
}

impl Shape {
    /// The most that can be admitted at once.
    pub(crate) fn at_once(self) -> u64 {
        match self {
            Self::Window { limit, .. } => limit,
            Self::Bucket { burst, .. } => burst,
        }
    }

    pub(crate) fn period(self) -> u64 {
        match self {
            Self::Window { period, .. } | Self::Bucket { period, .. } => period,
        }
    }

    #[cfg(test)]
    pub(crate) fn is_bucket(self) -> bool {
        matches!(self, Self::Bucket { .. })
    }

    /// How long a bucket takes to make up for `n`, rounded up, so that rounding never admits more.
    pub(crate) fn refill_time(self, n: u64) -> u64 {
        match self {
            Self::Window { .. } => 0,
            Self::Bucket { count, period, .. } => {
                narrow((u128::from(n) * u128::from(period)).div_ceil(u128::from(count)))
            }
        }
    }

    /// How much a bucket is refilled by in `time`, rounded down.
    pub(crate) fn refill(self, time: u64) -> u64 {
        match self {
            Self::Window { .. } => 0,
            Self::Bucket { count, period, .. } => {
                narrow(u128::from(time) * u128::from(count) / u128::from(period))
            }
        }
    }
}

/// The type's greatest value stands for everything beyond it.
pub(crate) fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// Who counts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// The node admits, then has it charged.
    Delayed,
    /// The node has it granted, then admits.
    Leased,
}

/// One key's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    pub(crate) shape: Shape,
    pub(crate) mode: Mode,
    /// The most nodes there are at any time.
    pub(crate) nodes: u64,
    /// The most a node admits on its own; at most what can be admitted at once.
    pub(crate) batch: u64,
    /// How often a node looks whether there is something to send.
    pub(crate) every: u64,
    /// How long a lease lies unused before it goes back.
    pub(crate) idle: u64,
    pub(crate) down: WhenDown,
    /// What a window's end by a node's clock is moved by at least, and by a thousandth of what is left, so that clocks
    /// that run a little apart do no harm.
    pub(crate) slack: u64,
    /// Whether a store without memory is taken for a new one by nodes that never knew another.
    pub(crate) trust_empty: bool,
}

impl Terms {
    pub(crate) fn margin(&self, left: u64) -> u64 {
        left / 1024 + self.slack
    }

    /// By how much more than the limit may be admitted: in a window, or in any time beyond burst and rate.
    pub(crate) fn over_max(&self, crashes: u64) -> u64 {
        match self.mode {
            Mode::Delayed => (self.nodes - 1).saturating_add(crashes).saturating_mul(self.batch),
            Mode::Leased => 0,
        }
    }

    /// What the store grants from: a bucket is smaller by what nodes may hold.
    pub(crate) fn central_at_once(&self) -> u64 {
        match (self.mode, self.shape) {
            (Mode::Leased, Shape::Bucket { burst, .. }) => {
                burst.saturating_sub(self.nodes.saturating_mul(self.batch))
            }
            _ => self.shape.at_once(),
        }
    }

    /// How long a store that was empty at `born` grants nothing: until what was admitted before is forgotten.
    pub(crate) fn quarantine(&self, born: u64) -> u64 {
        match self.shape {
            Shape::Window { period, .. } => period - born % period,
            Shape::Bucket { burst, .. } => {
                let behind = match self.mode {
                    Mode::Delayed => self.nodes.saturating_mul(self.batch),
                    Mode::Leased => 0,
                };
                self.shape.refill_time(burst.saturating_add(behind))
            }
        }
    }
}

/// What a node says to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    /// Numbers the node's messages about this key; a repeated message has the same.
    pub(crate) seq: u64,
    /// To be charged, whether or not it fits.
    pub(crate) spent: u64,
    /// Granted earlier, and not used.
    pub(crate) back: u64,
    /// The window of `back`.
    pub(crate) back_window: u64,
    /// To be granted, as far as it fits.
    pub(crate) want: u64,
    /// The store's epoch as the node knows it; 0 for none.
    pub(crate) epoch: u64,
}

/// What the store says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    pub(crate) seq: u64,
    /// When the store began to remember.
    pub(crate) epoch: u64,
    /// The number of the current window.
    pub(crate) window: u64,
    /// A window's count; for a bucket, how long it will take to be full.
    pub(crate) level: u64,
    /// How long the window lasts from now.
    pub(crate) left: u64,
    pub(crate) granted: u64,
    /// How long it will take until something can be granted, where nothing was.
    pub(crate) wait: u64,
    /// How long nothing is admitted, since the store lost its memory.
    pub(crate) closed: u64,
    /// The node's life that the store takes for the current one, where that is a greater one; else 0.
    pub(crate) heard: u64,
}
