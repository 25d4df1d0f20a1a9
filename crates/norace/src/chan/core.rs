//! What all ends of a channel share: the state behind its lock, and who is woken when the lock is released.

use super::state::State;
use crate::time::Instant;
use crate::time::timer::Timer;
use crate::wait::Wakes;
use norace_prim::sync::{Mutex, lock};
use std::fmt;
use std::task::Waker;

/// The one allocation that all ends of a channel share.
pub(super) struct Core<T> {
    /// `None`: without bound.
    capacity: Option<usize>,
    state: Mutex<State<T>>,
    /// What feeds a channel of [`timed`](super::timed); dropped, and so stopped, with the core.
    timer: Mutex<Option<Timer>>,
}

impl<T> Core<T> {
    /// An open channel with one sender and one receiver.
    pub(super) fn new(capacity: Option<usize>) -> Self {
        Self { capacity, state: Mutex::new(State::new(capacity)), timer: Mutex::new(None) }
    }

    /// Sets the timer that feeds this channel; the former one has fired.
    ///
    /// The timer may fire while it is being set. What it calls sets the next one, and has to come after this.
    pub(super) fn arm_timer(&self, deadline: Instant, waker: Waker) {
        let mut timer = lock(&self.timer);
        let former = timer.replace(Timer::arm(deadline, waker));
        drop(timer);
        drop(former);
    }

    /// Runs `step` under the lock, then wakes whom it says.
    #[inline]
    pub(super) fn with<R>(&self, step: impl FnOnce(&mut State<T>, &mut Wakes) -> R) -> R {
        let mut wakes = Wakes::new();
        let mut state = lock(&self.state);
        let result = step(&mut state, &mut wakes);
        drop(state);
        wakes.wake_all();
        result
    }

    pub(super) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.state).len()
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).is_closed()
    }

    pub(super) fn close(&self) -> bool {
        self.with(State::close)
    }

    /// What `Debug` shows of an end.
    pub(super) fn fmt_end(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }

    pub(super) fn add_sender(&self) {
        lock(&self.state).add_sender();
    }

    pub(super) fn add_receiver(&self) {
        lock(&self.state).add_receiver();
    }

    pub(super) fn drop_sender(&self) {
        drop(self.with(State::drop_sender));
    }

    pub(super) fn drop_receiver(&self) {
        drop(self.with(State::drop_receiver));
    }
}
