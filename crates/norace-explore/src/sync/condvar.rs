//! A condition variable, as [`std::sync::Condvar`].

use std::panic::Location;
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

use crate::event::{Class, Op};
use crate::meta::Meta;
use crate::slot::{Slot, perform_on};
use crate::sync::MutexGuard;
use crate::thread::begin_timer;
use crate::time::Instant;

static META: Meta = Meta::plain(Class::Condvar, "condition variable");

/// [`std::sync::Condvar`], instrumented.
///
/// Whom `notify_one` wakes is explored; there are no spurious wake-ups.
#[derive(Debug)]
pub struct Condvar {
    slot: Slot,
    outside: std::sync::Condvar,
}

/// Whether a wait ended by its time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// As `std`'s.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

type Waited<'a, T> = LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>;

impl Condvar {
    /// As `std`'s.
    #[track_caller]
    pub const fn new() -> Self {
        Self { slot: Slot::new(), outside: std::sync::Condvar::new() }
    }

    fn step(&self, op: Op, location: &'static Location<'static>) -> Option<bool> {
        perform_on(&self.slot, &META, op, location).map(|reply| reply.ok)
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The guard all the same, when the lock is poisoned.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        match self.wait_inner(guard, None, Location::caller()) {
            Ok((guard, _)) => Ok(guard),
            Err(poison) => Err(PoisonError::new(poison.into_inner().0)),
        }
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The guard all the same, when the lock is poisoned.
    #[track_caller]
    pub fn wait_timeout<'a, T>(&self, guard: MutexGuard<'a, T>, time: Duration) -> Waited<'a, T> {
        self.wait_inner(guard, Some(time), Location::caller())
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The guard all the same, when the lock is poisoned.
    #[track_caller]
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        let here = Location::caller();
        while condition(&mut guard) {
            guard = match self.wait_inner(guard, None, here) {
                Ok((guard, _)) => guard,
                Err(poison) => return Err(PoisonError::new(poison.into_inner().0)),
            };
        }
        Ok(guard)
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The guard all the same, when the lock is poisoned.
    #[track_caller]
    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Waited<'a, T> {
        let here = Location::caller();
        let end = Instant::now() + time;
        while condition(&mut guard) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            guard = self.wait_inner(guard, Some(left), here)?.0;
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    fn wait_inner<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Option<Duration>,
        here: &'static Location<'static>,
    ) -> Waited<'a, T> {
        if let Some(outside) = guard.outside.take() {
            return self.wait_outside(guard, outside, time);
        }
        if let Some(time) = time {
            begin_timer(time, here);
        }
        // In the queue before the lock is free: nothing can come between.
        self.step(Op::Enqueue, here);
        guard.lock.step(Op::Unlock, here);
        let notified = self.step(Op::Wake { timer: time.is_some() }, here);
        guard.lock.step(Op::Lock, here);
        let result = WaitTimeoutResult(notified == Some(false));
        let poisoned = guard.lock.is_poisoned();
        if poisoned { Err(PoisonError::new((guard, result))) } else { Ok((guard, result)) }
    }

    fn wait_outside<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        outside: std::sync::MutexGuard<'a, ()>,
        time: Option<Duration>,
    ) -> Waited<'a, T> {
        let (outside, timed_out) = match time {
            None => {
                let outside = self.outside.wait(outside);
                (outside.unwrap_or_else(PoisonError::into_inner), false)
            }
            Some(time) => {
                let waited = self.outside.wait_timeout(outside, time);
                let (outside, result) = waited.unwrap_or_else(PoisonError::into_inner);
                (outside, result.timed_out())
            }
        };
        guard.outside = Some(outside);
        let result = WaitTimeoutResult(timed_out);
        let poisoned = guard.lock.is_poisoned();
        if poisoned { Err(PoisonError::new((guard, result))) } else { Ok((guard, result)) }
    }

    /// As `std`'s.
    #[track_caller]
    pub fn notify_one(&self) {
        if self.step(Op::NotifyOne, Location::caller()).is_none() {
            self.outside.notify_one();
        }
    }

    /// As `std`'s.
    #[track_caller]
    pub fn notify_all(&self) {
        if self.step(Op::NotifyAll, Location::caller()).is_none() {
            self.outside.notify_all();
        }
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}
