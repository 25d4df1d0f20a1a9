//! How a pool is set up.

use super::core::{Core, Keep, Options};
use super::{Pool, Reset};
use norace_prim::sync::Arc;
use norace_prim::sys;
use norace_prim::time::Duration;
use std::fmt;

/// How many idle objects a pool keeps unless told otherwise.
const MAX_IDLE: usize = 1_024;

/// The shards of a pool are no more than this, whatever the machine.
const MAX_SHARDS: usize = 256;

/// How often a pool ages unless told otherwise; in models not by itself.
const AGE_EVERY: Option<Duration> = norace_prim::model_or!(Some(Duration::from_secs(30)), None);

/// The bounds and habits of a [`Pool`]; [`Pool::builder`] and [`Pool::unbounded_builder`] begin it.
pub struct Builder<T> {
    max_live: usize,
    max_idle: usize,
    age_every: Option<Duration>,
    keep: Option<Keep<T>>,
    predictable: bool,
}

impl<T: Reset + Send + 'static> Builder<T> {
    pub(super) fn new(max_live: usize) -> Self {
        Self { max_live, max_idle: MAX_IDLE, age_every: AGE_EVERY, keep: None, predictable: false }
    }

    /// At most `max` objects lie idle; those that come back above it are dropped. 1,024 unless said.
    ///
    /// # Panics
    ///
    /// When it is 0: such a pool would keep nothing.
    pub fn max_idle(mut self, max: usize) -> Self {
        assert!(max > 0, "a pool that keeps no idle object is none");
        self.max_idle = max;
        self
    }

    /// Asks `keep` instead of [`Reset::keep`] whether an object is worth keeping.
    pub fn keep(mut self, keep: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.keep = Some(Box::new(keep));
        self
    }

    /// Ages the pool about every `period`, when it happens to be used; every 30 seconds unless said. `None`: only
    /// [`Pool::age`] does.
    ///
    /// There is no timer behind it: the clock is looked at when an object is made, and at every 64th use of one. A pool
    /// that nobody uses stays as it is. [`Pool::ageing`] is for those.
    pub fn age_every(mut self, period: impl Into<Option<Duration>>) -> Self {
        self.age_every = period.into();
        self
    }

    /// In a model: objects come and go as they would in production. Without it chance decides, and each of its choices
    /// is explored. Elsewhere it changes nothing.
    pub fn predictable(mut self) -> Self {
        self.predictable = true;
        self
    }

    /// The pool, whose objects `new` makes.
    #[cfg_attr(norace, track_caller)]
    pub fn build(self, new: impl Fn() -> T + Send + Sync + 'static) -> Pool<T> {
        let max_idle = self.max_idle.min(self.max_live);
        let shards = sys::cpu_count().next_power_of_two().min(MAX_SHARDS);
        let options = Options {
            max_live: self.max_live,
            max_idle,
            // Each has room for one object at least, and their number is a power of two.
            shards: if shards <= max_idle { shards } else { 1 << max_idle.ilog2() },
            age_every: self.age_every,
            keep: self.keep,
            predictable: self.predictable,
        };
        Pool { core: Arc::new(Core::new(options, Box::new(new))) }
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("max_live", &self.max_live)
            .field("max_idle", &self.max_idle)
            .field("age_every", &self.age_every)
            .finish_non_exhaustive()
    }
}
