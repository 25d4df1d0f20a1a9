//! What becomes of the kit's decisions.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::time::Duration;

use crate::NotUntil;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateSnapshot {
    pub(crate) remaining: u64,
    /// Nothing if it was admitted.
    pub(crate) retry_after: Duration,
}

impl StateSnapshot {
    pub fn remaining_burst_capacity(&self) -> u32 {
        self.remaining as u32
    }
}

pub trait RateLimitingMiddleware<P>: Debug {
    type PositiveOutcome;
    type NegativeOutcome;

    fn allow<K>(key: &K, state: impl Into<StateSnapshot>) -> Self::PositiveOutcome;

    /// `now` is where the snapshot's time counts from.
    fn disallow<K>(key: &K, state: impl Into<StateSnapshot>, now: P) -> Self::NegativeOutcome;
}

#[derive(Debug)]
pub struct NoOpMiddleware<P = Duration>(PhantomData<P>);

#[derive(Debug)]
pub struct StateInformationMiddleware;

impl RateLimitingMiddleware<Duration> for NoOpMiddleware {
    type PositiveOutcome = ();
    type NegativeOutcome = NotUntil<Duration>;

    fn allow<K>(_: &K, _: impl Into<StateSnapshot>) {}

    fn disallow<K>(_: &K, state: impl Into<StateSnapshot>, now: Duration) -> NotUntil<Duration> {
        NotUntil(now + state.into().retry_after)
    }
}

impl RateLimitingMiddleware<Duration> for StateInformationMiddleware {
    type PositiveOutcome = StateSnapshot;
    type NegativeOutcome = NotUntil<Duration>;

    fn allow<K>(_: &K, state: impl Into<StateSnapshot>) -> StateSnapshot {
        state.into()
    }

    fn disallow<K>(_: &K, state: impl Into<StateSnapshot>, now: Duration) -> NotUntil<Duration> {
        NotUntil(now + state.into().retry_after)
    }
}
