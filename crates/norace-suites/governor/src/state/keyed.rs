//! The limiter of keys.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::time::Duration;

use norace::limit::Keyed;

use super::{Outcome, RateLimiter};
use crate::clock::{Any, DefaultClock, Shared};
use crate::middleware::RateLimitingMiddleware;
use crate::{InsufficientCapacity, Quota};

/// More than the tests use, in whatever way hashes spread them.
const KEYS_MAX: usize = 1 << 14;

#[derive(Debug)]
pub struct Keys<K, H = RandomState>(Keyed<K, Any, H>);

pub type DashMapStateStore<K, H = RandomState> = Keys<K, H>;
pub type HashMapStateStore<K, H = RandomState> = Keys<K, H>;

/// The kit does not tell which keys it holds.
impl<K, H> Keys<K, H> {
    pub fn contains_key(&self, _: &K) -> bool {
        panic!("which keys there are")
    }

    pub fn lock(&self) -> &std::collections::HashMap<K, ()> {
        panic!("which keys there are")
    }
}

impl<K: Hash + Eq> RateLimiter<K, Keys<K>, DefaultClock> {
    pub fn keyed(quota: Quota) -> Self {
        Self::hashmap(quota)
    }

    pub fn dashmap(quota: Quota) -> Self {
        Self::hashmap(quota)
    }

    pub fn hashmap(quota: Quota) -> Self {
        Self::hashmap_with_hasher(quota, RandomState::new())
    }
}

impl<K: Hash + Eq, C: Shared> RateLimiter<K, Keys<K>, C> {
    pub fn dashmap_with_clock(quota: Quota, clock: C) -> Self {
        Self::hashmap_with_clock(quota, clock)
    }

    pub fn hashmap_with_clock(quota: Quota, clock: C) -> Self {
        Self::hashmap_with_clock_and_hasher(quota, clock, RandomState::new())
    }
}

impl<K: Hash + Eq, H: BuildHasher> RateLimiter<K, Keys<K, H>, DefaultClock> {
    pub fn dashmap_with_hasher(quota: Quota, hasher: H) -> Self {
        Self::hashmap_with_hasher(quota, hasher)
    }

    pub fn hashmap_with_hasher(quota: Quota, hasher: H) -> Self {
        Self::hashmap_with_clock_and_hasher(quota, DefaultClock::default(), hasher)
    }
}

impl<K: Hash + Eq, C: Shared, H: BuildHasher> RateLimiter<K, Keys<K, H>, C> {
    pub fn dashmap_with_clock_and_hasher(quota: Quota, clock: C, hasher: H) -> Self {
        Self::hashmap_with_clock_and_hasher(quota, clock, hasher)
    }

    pub fn hashmap_with_clock_and_hasher(quota: Quota, clock: C, hasher: H) -> Self {
        let time = Any::of(clock.clone());
        let state = Keys(Keyed::with_hasher(quota.of_the_kit(), KEYS_MAX, time, hasher));
        Self { state, clock, names: PhantomData }
    }
}

impl<K, H, C, MW> RateLimiter<K, Keys<K, H>, C, MW>
where
    K: Hash + Eq + Clone,
    H: BuildHasher,
    C: Shared,
    MW: RateLimitingMiddleware<Duration>,
{
    pub fn check_key(&self, key: &K) -> Outcome<MW> {
        self.outcome(key, self.state.0.check(key))
    }

    pub fn check_key_n(&self, key: &K, n: NonZeroU32) -> Result<Outcome<MW>, InsufficientCapacity> {
        self.outcome_n(key, self.state.0.check_n(key, u64::from(n.get())))
    }

    pub async fn until_key_ready(&self, key: &K) -> Outcome<MW> {
        self.outcome(key, self.state.0.until_ready(key).await)
    }

    pub async fn until_key_n_ready(
        &self,
        key: &K,
        n: NonZeroU32,
    ) -> Result<Outcome<MW>, InsufficientCapacity> {
        self.outcome_n(key, self.state.0.until_n_ready(key, u64::from(n.get())).await)
    }

    pub fn len(&self) -> usize {
        self.state.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.state.0.is_empty()
    }

    pub fn retain_recent(&self) {
        self.state.0.shrink();
    }

    /// The kit does both at once.
    pub fn shrink_to_fit(&self) {}
}
