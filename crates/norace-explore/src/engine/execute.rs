//! Operations: when they can happen, what they leave open, and what they do.

use std::sync::atomic::Ordering;

use super::fairness::PassedOver;
use super::objects::MutexState;
use super::{At, Engine, Keep, Label, Pending, Reply, Step, Thread};
use crate::clock::Row;
use crate::config::Mode;
use crate::driver::members;
use crate::event::{Class, EventId, Kind, ObjectId, Op, ThreadId, ordered};

/// Operations a thread may make in destructors after the end of an execution, before its stack is given up: a
/// destructor that waits for another thread would wait for ever.
const TEARDOWN_OPS_MAX: u32 = 10_000;

#[inline]
pub(super) fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

#[inline]
pub(super) fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

/// The answer of an operation that did what it was asked to, and has no value.
pub(super) fn hits() -> Reply {
    Reply { value: 0, ok: true }
}

impl Engine {
    /// The label of the next step of `thread`, if it is clear at once that there is one alone.
    #[inline(always)]
    pub(crate) fn only_label(&self, thread: ThreadId) -> Option<Label> {
        let pending = self.threads[thread].pending.as_ref()?;
        if pending.op.leaves_open() {
            None
        } else if self.mode == Mode::Rc11 && pending.op.is_access() {
            self.only_memory_label(thread, pending)
        } else {
            Some(Label::Plain)
        }
    }

    /// Lists in `labels` what the next step of `thread` may decide, the usual case first.
    pub(crate) fn list_labels(&mut self, thread: ThreadId) {
        self.labels.clear();
        let state = &self.threads[thread];
        let pending = state.pending.expect("only threads with an announced operation are asked");
        match pending.op {
            Op::Load { .. } | Op::Store { .. } | Op::Rmw { .. } | Op::CompareExchange { .. } => {
                self.list_memory_labels(thread, pending)
            }
            Op::NotifyOne => {
                let waiters = &self.objects.condvar(pending.object).waiters;
                self.labels.extend(waiters.iter().map(|&waiter| Label::Waiter(waiter)));
                if self.labels.is_empty() {
                    self.labels.push(Label::Plain);
                }
            }
            Op::Choose { bound } => self.labels.extend((0..bound).map(Label::Number)),
            Op::Wake { .. } if state.notified.is_none() => self.labels.push(Label::Timeout),
            Op::Park { .. } if !state.token => self.labels.push(Label::Timeout),
            _ => self.labels.push(Label::Plain),
        }
    }

    /// Executes what `me`, the running thread, announced, now that it was picked.
    pub(super) fn execute(&mut self, me: ThreadId) -> Reply {
        // Read part by part, each from where it was written as such: to copy the whole stalls.
        let pending = self.threads[me].pending.as_ref().expect("a picked thread has announced");
        let at = pending.at();
        match pending.op {
            Op::Load { order } => {
                self.unannounce(me);
                self.load(me, at, order)
            }
            Op::Store { value, order } => {
                self.unannounce(me);
                self.store(me, at, order, value)
            }
            Op::Rmw { apply, operand, order } => {
                self.unannounce(me);
                self.modify(me, at, order, apply, operand)
            }
            Op::CompareExchange { expected, new, success, failure, .. } => {
                self.unannounce(me);
                self.compare_exchange(me, at, [expected, new], [success, failure])
            }
            op => {
                self.unannounce(me);
                self.execute_other(me, op, at)
            }
        }
    }

    /// The operation of `me` is being executed.
    #[inline]
    fn unannounce(&mut self, me: ThreadId) {
        let state = &mut self.threads[me];
        state.passed_over = PassedOver::default();
        state.pending = None;
        self.make_unready(me);
    }

    fn execute_other(&mut self, me: ThreadId, op: Op, at: At) -> Reply {
        match op {
            Op::Fence { order } => return self.execute_fence(me, at, order),
            Op::Lock | Op::TryLock | Op::Unlock => return self.execute_mutex(me, op, at),
            _ => {}
        }
        self.unsettle();
        match op {
            Op::Read | Op::TryRead | Op::ReadUnlock => self.execute_read_lock(me, op, at),
            Op::WriteRegister | Op::Write | Op::TryWrite | Op::WriteUnlock => {
                self.execute_write_lock(me, op, at)
            }
            Op::Enqueue | Op::Wake { .. } | Op::NotifyOne | Op::NotifyAll => {
                self.execute_condvar(me, op, at)
            }
            Op::Park { .. } | Op::Unpark => self.execute_park(me, op, at),
            Op::Join { target } => self.execute_join(me, target, at),
            Op::IsFinished { target } => {
                self.act(me, Kind::IsFinished, at);
                self.threads[target].is_watched = true;
                Reply { value: 0, ok: self.threads[target].finished }
            }
            Op::Enter { what } => self.execute_enter(me, what, at, false),
            Op::Attempt { what } => self.execute_enter(me, what, at, true),
            Op::LetGo { what } => self.execute_let_go(me, what, at),
            Op::Choose { .. } => {
                // Relaxed: unused, a choice has no ordering.
                self.record(me, Kind::Choose, at, Ordering::Relaxed);
                let Label::Number(chosen) = self.label else {
                    unreachable!("a choice is a number")
                };
                Reply { value: u64::from(chosen), ok: true }
            }
            Op::Yield => {
                // Relaxed: unused, a hint has no ordering.
                self.record(me, Kind::Yield, at, Ordering::Relaxed);
                Reply::default()
            }
            op => self.execute_time(me, op, at),
        }
    }

    fn execute_time(&mut self, me: ThreadId, op: Op, at: At) -> Reply {
        match op {
            Op::TimerBegin { after_ns } => {
                self.act(me, Kind::TimerBegin, at);
                let deadline = self.now_ns.saturating_add(after_ns);
                self.threads[me].deadline = Some(deadline);
                Reply::default()
            }
            Op::AlarmLook => {
                self.act(me, Kind::AlarmLook, at);
                let alarm = self.thread_of(at.object);
                Reply { value: 0, ok: !alarm.is_some_and(|alarm| self.is_alarm_set(alarm)) }
            }
            Op::AlarmCancel => {
                self.act(me, Kind::AlarmCancel, at);
                if let Some(alarm) = self.thread_of(at.object) {
                    self.examine_cancelled(alarm);
                    self.remove_alarm(alarm);
                }
                Reply::default()
            }
            Op::AlarmFire => {
                self.act(me, Kind::AlarmFire, at);
                self.fire_timer(me, at);
                Reply::default()
            }
            Op::TimerFire => {
                self.fire_timer(me, at);
                Reply::default()
            }
            _ => {
                self.act(me, op.kind(), at);
                Reply { value: self.now_ns, ok: true }
            }
        }
    }

    fn execute_join(&mut self, me: ThreadId, target: ThreadId, at: At) -> Reply {
        self.act(me, Kind::Join, at);
        let target_state = &mut self.threads[target];
        target_state.joined = true;
        let Thread { causal, hb, descent, number, .. } = *target_state;
        if self.keep >= Keep::Clocks {
            if self.keep == Keep::Causes {
                self.clocks.join(self.threads[me].causal, causal);
            }
            self.learn(me, hb);
            self.clocks.set(self.threads[me].hb, target, number);
            let own = self.clocks.copy_with(self.threads[me].descent, target, number);
            self.clocks.join(own, descent);
            self.threads[me].descent = own;
        }
        Reply::default()
    }

    /// Records an event on an object other than a weak atomic, after all it depends on, and lets the search see it.
    #[inline]
    pub(super) fn act(&mut self, me: ThreadId, kind: Kind, at: At) -> EventId {
        // Relaxed: unused, only atomics and fences have one.
        let event = self.record(me, kind, at, Ordering::Relaxed);
        if kind.is_look() {
            self.note_look(me, at);
        } else if !matches!(kind, Kind::Now | Kind::TimerFire | Kind::TimerBegin) {
            self.progress(me);
            self.changed(at.object, event);
        }
        self.place(me, event, kind, at.object);
        event
    }

    /// `event` changed an object other than an atomic, which is news for who polls it.
    #[inline]
    pub(super) fn changed(&mut self, object: ObjectId, event: EventId) {
        self.objects.set_news(object, event);
        self.unsettle_held();
    }

    /// Puts an event on an object other than a weak atomic after all it depends on, and lets the search see it.
    #[inline]
    pub(super) fn place(&mut self, me: ThreadId, event: EventId, kind: Kind, object: ObjectId) {
        if self.keep == Keep::Causes {
            let causal = self.threads[me].causal;
            self.order_after_dependent(causal, me, object, kind);
            // A time-out goes on by a look at the clock, and is seen when its step is closed.
            if !kind.is_of_time_out() {
                self.examine(event);
            }
        }
    }

    /// The step of `me` has come to its end, or will not depend on anything more: what comes after one of its events
    /// comes after all of them, and what one of them comes after, all of them do.
    pub(super) fn close_step(&mut self, me: ThreadId) {
        if self.keep != Keep::Causes {
            return;
        }
        let events = &self.threads[me].events;
        let start = events.partition_point(|&event| self.events[event].frame < self.steps);
        let causal = self.threads[me].causal;
        for at in (start..events.len()).rev() {
            let event = self.threads[me].events[at];
            if self.events[event].kind.is_plain() {
                continue;
            }
            if at > start {
                // The row is that of an event of the step as well.
                self.events[event].before = self.clocks.copy(self.events[event].before);
            }
            self.clocks.join(self.events[event].causal, causal);
        }
        self.examine_step(me, start);
    }

    /// The thread did something that others can see: what it polled, it polls anew.
    #[inline]
    pub(super) fn progress(&mut self, me: ThreadId) {
        self.threads[me].spins.clear();
        self.spin_steps = 0;
    }

    /// Puts an event, whose past is `causal` so far, after the last dependent event of every other thread.
    pub(crate) fn order_after_dependent(
        &mut self,
        causal: Row,
        me: ThreadId,
        object: ObjectId,
        kind: Kind,
    ) {
        let class = self.objects.class(object);
        let others = self.objects.users(object) & !(1 << me.index());
        // The latest first: it often comes after all the rest.
        let latest = members(others).max_by_key(|&thread| self.objects.head(object, thread));
        let Some(latest) = latest else { return };
        let is_dependent = |other: Kind| ordered(class, other, kind);
        self.order_after_events_of(latest, object, causal, is_dependent);
        for thread in members(others & !(1 << latest.index())) {
            self.order_after_events_of(thread, object, causal, is_dependent);
        }
    }

    /// Puts an event, whose past is `causal` so far, after the last of those of `thread` on `object` that it depends
    /// on.
    #[inline]
    fn order_after_events_of(
        &mut self,
        thread: ThreadId,
        object: ObjectId,
        causal: Row,
        is_dependent: impl Fn(Kind) -> bool,
    ) {
        let known = self.clocks.get(causal, thread);
        let mut cursor = self.objects.head(object, thread);
        while let Some(index) = cursor {
            let other = &self.events[index];
            if other.number <= known {
                return;
            }
            if is_dependent(other.kind) {
                return self.clocks.join(causal, other.causal);
            }
            cursor = other.previous;
        }
    }

    fn execute_fence(&mut self, me: ThreadId, at: At, order: Ordering) -> Reply {
        let event = self.record(me, Kind::Fence, at, order);
        if acquires(order) {
            self.learn(me, self.threads[me].acquire);
        }
        if releases(order) {
            self.threads[me].release = self.publish(me);
        }
        if order == Ordering::SeqCst && self.mode == Mode::Rc11 {
            self.sc_events.push(event);
            self.sc_fences.push(event);
        }
        Reply::default()
    }

    fn execute_mutex(&mut self, me: ThreadId, op: Op, at: At) -> Reply {
        let (kind, ok) = match op {
            Op::TryLock if self.objects.mutex(at.object).owner.is_some() => {
                (Kind::FailedTryLock, false)
            }
            op => (op.kind(), true),
        };
        self.act(me, kind, at);
        match kind {
            Kind::Unlock => {
                let release = self.publish(me);
                let lock = self.objects.mutex_mut(at.object);
                lock.owner = None;
                lock.release = release;
                let waiting = lock.waiting;
                self.let_go_on(waiting, true);
                self.note_unlock(me, at.object);
            }
            Kind::Lock | Kind::TryLock => {
                let lock = self.objects.mutex_mut(at.object);
                lock.owner = Some(me);
                lock.waiting &= !(1 << me.index());
                let MutexState { waiting, release, .. } = *lock;
                self.let_go_on(waiting, false);
                self.learn(me, release);
                self.note_lock(me, kind, at);
            }
            _ => {}
        }
        Reply { value: 0, ok }
    }

    fn execute_read_lock(&mut self, me: ThreadId, op: Op, at: At) -> Reply {
        let object = at.object;
        let lock = self.objects.rwlock(object);
        let free = lock.admits_readers();
        let (kind, ok) = match op {
            Op::TryRead if !free => (Kind::FailedTryRead, false),
            op => (op.kind(), true),
        };
        self.act(me, kind, at);
        let lock = self.objects.rwlock_mut(object);
        match kind {
            Kind::ReadUnlock => {
                let at = lock.readers.iter().position(|&reader| reader == me);
                // A guard sent to another thread unlocks in that thread's name.
                lock.readers.swap_remove(at.unwrap_or(0));
                let own = self.publish(me);
                self.clocks.gather(&mut self.objects.rwlock_mut(object).read_release, own);
                self.note_unlock(me, object);
            }
            Kind::Read | Kind::TryRead => {
                lock.readers.push(me);
                let release = lock.write_release;
                self.learn(me, release);
                self.note_lock(me, kind, at);
            }
            _ => {}
        }
        Reply { value: 0, ok }
    }

    fn execute_write_lock(&mut self, me: ThreadId, op: Op, at: At) -> Reply {
        let object = at.object;
        let lock = self.objects.rwlock(object);
        let free = lock.is_free();
        let (kind, ok) = match op {
            Op::TryWrite if !free => (Kind::FailedTryWrite, false),
            op => (op.kind(), true),
        };
        self.act(me, kind, at);
        match kind {
            Kind::WriteRegister => self.objects.rwlock_mut(object).waiting_writers += 1,
            Kind::WriteUnlock => {
                let release = self.publish(me);
                let lock = self.objects.rwlock_mut(object);
                lock.writer = None;
                lock.write_release = release;
                self.note_unlock(me, object);
            }
            Kind::Write | Kind::TryWrite => {
                let lock = self.objects.rwlock_mut(object);
                lock.writer = Some(me);
                if kind == Kind::Write {
                    lock.waiting_writers -= 1;
                }
                let (write, read) = (lock.write_release, std::mem::take(&mut lock.read_release));
                self.learn(me, write);
                self.learn(me, read);
                self.note_lock(me, kind, at);
            }
            _ => {}
        }
        Reply { value: 0, ok }
    }

    fn execute_condvar(&mut self, me: ThreadId, op: Op, at: At) -> Reply {
        let object = at.object;
        if self.label == Label::Timeout {
            self.act(me, Kind::WaitTimeout, at);
            self.objects.condvar_mut(object).waiters.retain(|&waiter| waiter != me);
            self.fire_timer(me, at);
            return Reply { value: 0, ok: false };
        }
        let event = self.act(me, op.kind(), at);
        match op {
            Op::Enqueue => {
                let condvar = self.objects.condvar_mut(object);
                condvar.waiters.push(me);
                self.threads[me].missed = condvar.missed;
            }
            Op::NotifyOne => {
                let condvar = self.objects.condvar_mut(object);
                if let Label::Waiter(waiter) = self.label {
                    condvar.waiters.retain(|&other| other != waiter);
                    self.threads[waiter].notified = Some(event);
                } else {
                    condvar.missed = Some(at.location);
                }
            }
            Op::NotifyAll => {
                if self.objects.condvar(object).waiters.is_empty() {
                    self.objects.condvar_mut(object).missed = Some(at.location);
                }
                for waiter in self.objects.condvar_mut(object).waiters.drain(..) {
                    self.threads[waiter].notified = Some(event);
                }
            }
            _ => {
                let state = &mut self.threads[me];
                state.deadline = None;
                state.missed = None;
                let notify = state.notified.take().expect("only the notified wake");
                // It publishes nothing: the mutex does.
                if self.keep == Keep::Causes {
                    self.depend(me, notify);
                }
            }
        }
        Reply { value: 0, ok: true }
    }

    fn execute_park(&mut self, me: ThreadId, op: Op, at: At) -> Reply {
        if matches!(op, Op::Park { .. }) {
            self.threads[me].waits.clear();
        }
        if self.label == Label::Timeout {
            self.act(me, Kind::ParkTimeout, at);
            self.fire_timer(me, at);
            return Reply { value: 0, ok: false };
        }
        self.act(me, op.kind(), at);
        if matches!(op, Op::Unpark) {
            let own = self.publish(me);
            if let Some(target) = self.thread_of(at.object) {
                let state = &mut self.threads[target];
                state.token = true;
                self.clocks.gather(&mut state.token_hb, own);
            }
        } else {
            let state = &mut self.threads[me];
            state.token = false;
            state.deadline = None;
            let published = std::mem::take(&mut state.token_hb);
            self.learn(me, published);
        }
        Reply { value: 0, ok: true }
    }

    /// The thread whose park token `object` is; none when it has ended and its number is another's.
    fn thread_of(&self, object: ObjectId) -> Option<ThreadId> {
        debug_assert_eq!(self.objects.class(object), Class::Thread);
        let mut threads = (0..self.count).map(ThreadId::new);
        threads.find(|&thread| self.threads[thread].object == object)
    }

    /// Ends the wait of `me` for an instant.
    fn fire_timer(&mut self, me: ThreadId, at: At) {
        let clock = At { object: ObjectId::CLOCK, ..at };
        self.act(me, Kind::TimerFire, clock);
        self.close_step(me);
        let deadline = self.threads[me].deadline.take();
        self.now_ns = self.now_ns.max(deadline.unwrap_or(0));
    }

    /// The value that the `bits` of an atomic stand for.
    pub(crate) fn plain_value(&self, object: ObjectId, bits: u64) -> u128 {
        if self.objects.is_wide(object) { self.wide.value(bits) } else { u128::from(bits) }
    }

    /// What an operation answers once the execution is over: the last values, no waiting.
    pub(super) fn torn_down(&mut self, pending: Pending, unwinding: bool) -> Step {
        if self.teardown_ops > TEARDOWN_OPS_MAX {
            return Step::END;
        }
        self.teardown_ops += 1;
        if !unwinding {
            return Step::UNWIND;
        }
        let value = match self.objects.class(pending.object) {
            Class::Atomic => {
                let last = self.objects.last_message(pending.object);
                let before = self.objects.message(last).value;
                let after = match pending.op {
                    Op::Store { value, .. } => value,
                    Op::Rmw { apply, operand, .. } => apply(&mut self.wide, before, operand),
                    Op::CompareExchange { expected, new, .. } if expected == before => new,
                    _ => before,
                };
                self.objects.messages[last.index()].value = after;
                before
            }
            _ => self.now_ns,
        };
        let ok = match pending.op {
            Op::CompareExchange { expected, .. } => expected == value,
            _ => true,
        };
        self.reply = Reply { value, ok };
        Step::DONE
    }
}
