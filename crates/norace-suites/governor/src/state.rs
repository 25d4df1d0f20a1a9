//! The limiter of everything that passes one place; that of keys is in a file of its own.

pub mod keyed;

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::time::Duration;

use norace::limit::{CostError, Decision, Limiter};

use crate::clock::{Any, Clock, DefaultClock, Shared};
use crate::middleware::{NoOpMiddleware, RateLimitingMiddleware, StateSnapshot};
use crate::{InsufficientCapacity, Quota};

#[derive(Debug)]
pub struct NotKeyed;

#[derive(Debug)]
pub struct Direct(Limiter<Any>);

/// What a middleware makes of a decision.
type Outcome<MW> = Result<
    <MW as RateLimitingMiddleware<Duration>>::PositiveOutcome,
    <MW as RateLimitingMiddleware<Duration>>::NegativeOutcome,
>;

#[derive(Debug)]
pub struct RateLimiter<K, S, C, MW = NoOpMiddleware> {
    state: S,
    clock: C,
    names: PhantomData<fn() -> (K, MW)>,
}

impl<K, S, C, MW> RateLimiter<K, S, C, MW> {
    pub fn with_middleware<Outer>(self) -> RateLimiter<K, S, C, Outer> {
        RateLimiter { state: self.state, clock: self.clock, names: PhantomData }
    }

    pub fn into_state_store(self) -> S {
        self.state
    }
}

impl<K, S, C: Shared, MW: RateLimitingMiddleware<Duration>> RateLimiter<K, S, C, MW> {
    fn outcome(&self, key: &K, decision: Decision) -> Outcome<MW> {
        match decision {
            Decision::Allowed { remaining, .. } => {
                let state = StateSnapshot { remaining, retry_after: Duration::default() };
                Ok(MW::allow(key, state))
            }
            Decision::Denied { retry_after, .. } => {
                let state = StateSnapshot { remaining: 0, retry_after };
                Err(MW::disallow(key, state, self.clock.now()))
            }
        }
    }

    fn outcome_n(
        &self,
        key: &K,
        decision: Result<Decision, CostError>,
    ) -> Result<Outcome<MW>, InsufficientCapacity> {
        match decision {
            Ok(decision) => Ok(self.outcome(key, decision)),
            Err(error) => Err(InsufficientCapacity(error.cost_max as u32)),
        }
    }
}

impl RateLimiter<NotKeyed, Direct, DefaultClock> {
    pub fn direct(quota: Quota) -> Self {
        Self::direct_with_clock(quota, DefaultClock::default())
    }
}

impl<C: Shared> RateLimiter<NotKeyed, Direct, C> {
    pub fn direct_with_clock(quota: Quota, clock: C) -> Self {
        let time = Any::of(clock.clone());
        let state = Direct(Limiter::with_clock(quota.of_the_kit(), time));
        Self { state, clock, names: PhantomData }
    }
}

impl<C: Shared, MW: RateLimitingMiddleware<Duration>> RateLimiter<NotKeyed, Direct, C, MW> {
    pub fn check(&self) -> Outcome<MW> {
        self.outcome(&NotKeyed, self.state.0.check())
    }

    pub fn check_n(&self, n: NonZeroU32) -> Result<Outcome<MW>, InsufficientCapacity> {
        self.outcome_n(&NotKeyed, self.state.0.check_n(u64::from(n.get())))
    }

    pub async fn until_ready(&self) -> Outcome<MW> {
        self.outcome(&NotKeyed, self.state.0.until_ready().await)
    }

    pub async fn until_n_ready(&self, n: NonZeroU32) -> Result<Outcome<MW>, InsufficientCapacity> {
        self.outcome_n(&NotKeyed, self.state.0.until_n_ready(u64::from(n.get())).await)
    }
}
