//! Who can take a step: known at every step without asking every thread.
//!
//! Most operations can happen as soon as they are announced, whatever others do. Who waits for a mutex or for the end
//! of a thread is noted there, and goes on or not with what happens to it. The rest, a wait on a condition variable for
//! one, are asked again when something has happened that may have changed the answer.

use super::Engine;
use crate::driver::{members, set_of};
use crate::event::{Op, ThreadId};

/// Sets of threads that have announced an operation.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// Those whose operation can happen now.
    can: u64,
    /// Those for whom that depends on what others do.
    depends: u64,
    /// Those whom time alone makes ready.
    timers: u64,
    /// Those that repeat a load or a look which would return the same again, and therefore wait.
    held: u64,
    /// Whether something happened that `depends` depends on.
    stale: bool,
}

impl Ready {
    /// `thread` has announced what can happen now, whatever others do.
    #[inline]
    pub(super) fn add(&mut self, thread: ThreadId) {
        self.can |= 1 << thread.index();
    }

    /// Whether `thread` can take the step it announced, as far as is known.
    #[inline]
    pub(super) fn has(&self, thread: ThreadId) -> bool {
        self.can >> thread.index() & 1 == 1
    }

    #[inline]
    fn remove(&mut self, thread: ThreadId) {
        let member = 1 << thread.index();
        self.can &= !member;
        if self.depends & member != 0 {
            self.depends &= !member;
            self.timers &= !member;
            self.held &= !member;
        }
    }
}

fn set(set: &mut u64, thread: ThreadId, member: bool) {
    *set = *set & !(1 << thread.index()) | u64::from(member) << thread.index();
}

impl Engine {
    /// `thread` has announced an operation.
    pub(super) fn make_ready(&mut self, thread: ThreadId) {
        let member = 1 << thread.index();
        let state = &self.threads[thread];
        let pending = state.pending.as_ref().expect("it has announced");
        let can = match pending.op {
            Op::Lock => {
                let lock = self.objects.mutex_mut(pending.object);
                lock.waiting |= member;
                lock.owner.is_none()
            }
            Op::Join { target } => {
                let target = &mut self.threads[target];
                target.joining |= member;
                target.finished
            }
            Op::Read
            | Op::Write
            | Op::Wake { .. }
            | Op::Park { .. }
            | Op::TimerFire
            | Op::AlarmFire => {
                self.ready.depends |= member;
                return self.look_again(thread);
            }
            // What polls is held from the start or never.
            op if op.polls() && !state.spins.is_empty() => {
                self.ready.depends |= member;
                return self.look_again(thread);
            }
            _ => true,
        };
        set(&mut self.ready.can, thread, can);
    }

    /// Those who wait for something can have it, or cannot any more.
    #[inline]
    pub(super) fn let_go_on(&mut self, waiting: u64, can: bool) {
        self.ready.can = if can { self.ready.can | waiting } else { self.ready.can & !waiting };
    }

    /// `thread` takes the step it announced, or never will.
    #[inline]
    pub(super) fn make_unready(&mut self, thread: ThreadId) {
        self.ready.remove(thread);
    }

    /// Something happened that may let others go on, or keep them from it.
    #[inline]
    pub(super) fn unsettle(&mut self) {
        self.ready.stale = true;
    }

    /// There is something new to read or see.
    #[inline]
    pub(super) fn unsettle_held(&mut self) {
        self.ready.stale |= self.ready.held != 0;
    }

    fn look_again(&mut self, thread: ThreadId) {
        let state = &self.threads[thread];
        let pending = state.pending.as_ref().expect("it has announced");
        let (mut timer, mut held) = (false, false);
        let can = match pending.op {
            Op::Read => self.objects.rwlock(pending.object).admits_readers(),
            Op::Write => self.objects.rwlock(pending.object).is_free(),
            Op::Wake { timer: limit } => {
                timer = limit && state.notified.is_none();
                timer || state.notified.is_some()
            }
            Op::Park { timer: limit } => {
                timer = limit && !state.token;
                timer || state.token
            }
            Op::TimerFire | Op::AlarmFire => {
                timer = true;
                true
            }
            op => {
                held = op.polls() && self.is_held(thread, pending.at());
                !held
            }
        };
        set(&mut self.ready.can, thread, can);
        set(&mut self.ready.timers, thread, timer);
        set(&mut self.ready.held, thread, held);
    }

    /// The threads that can take a step.
    #[inline]
    pub(super) fn enabled(&mut self) -> u64 {
        if self.ready.stale {
            self.ready.stale = false;
            members(self.ready.depends).for_each(|thread| self.look_again(thread));
        }
        self.spins_held |= self.ready.held != 0;
        self.ready.can
    }

    /// The threads that wait only because their loads and looks repeat.
    pub(super) fn held(&self) -> u64 {
        self.ready.held
    }

    /// Whether `thread` waits only because its loads or looks repeat.
    pub(crate) fn is_waiting_for_news(&self, thread: ThreadId) -> bool {
        self.ready.held >> thread.index() & 1 == 1
    }

    /// `enabled` without those that only time would wake; if that leaves nobody, those whose time comes first.
    #[inline]
    pub(crate) fn without_timers(&self, enabled: u64) -> u64 {
        let ready = enabled & !self.ready.timers;
        if ready == 0 { self.first_due(enabled) } else { ready }
    }

    #[cold]
    fn first_due(&self, timers: u64) -> u64 {
        let deadline = |thread: ThreadId| self.threads[thread].deadline;
        let first = members(timers).map(deadline).min();
        set_of(members(timers).filter(|&thread| Some(deadline(thread)) == first))
    }

    /// Whether time alone can go on.
    #[inline]
    pub(crate) fn has_only_timers(&self, enabled: u64) -> bool {
        enabled & !self.ready.timers == 0
    }

    /// Whether time is among what can go on.
    #[inline]
    pub(crate) fn has_timers(&self, enabled: u64) -> bool {
        enabled & self.ready.timers != 0
    }

    /// Whether time alone lets `thread` take its step, and others can go on.
    #[inline]
    pub(super) fn fires_early(&self, thread: ThreadId, enabled: u64) -> bool {
        self.ready.timers >> thread.index() & 1 != 0 && !self.has_only_timers(enabled)
    }

    /// Who can go on of those who are not waiting for time alone, when time has passed early often enough.
    #[cold]
    pub(super) fn limit_timers(&mut self, enabled: u64) -> u64 {
        if self.early_fires < self.config.early_fires_max || !self.has_timers(enabled) {
            return enabled;
        }
        self.spins_held = true;
        enabled & !self.ready.timers
    }
}
