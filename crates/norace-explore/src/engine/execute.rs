//! Operations: when they can happen, what they leave open, and what they do.

use std::sync::atomic::Ordering;

use super::{Engine, Label, Message, Pending, Reply, Step};
use crate::clock::Row;
use crate::config::Mode;
use crate::event::{Apply, Class, Event, Kind, MessageId, ObjectId, Op, ThreadId, ordered};

pub(super) fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

pub(super) fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

/// The answer of an operation that did what it was asked to, and has no value.
pub(super) fn hits() -> Reply {
    Reply { value: 0, ok: true }
}

impl Engine {
    /// Whether the announced operation of `thread` can happen now.
    pub(super) fn is_enabled(&self, thread: ThreadId) -> bool {
        let state = &self.threads[thread.index()];
        let Some(pending) = &state.pending else { return false };
        match pending.op {
            Op::Lock => self.objects.mutex(pending.object).owner.is_none(),
            Op::Read => {
                let lock = self.objects.rwlock(pending.object);
                lock.writer.is_none() && lock.waiting_writers == 0
            }
            Op::Write => {
                let lock = self.objects.rwlock(pending.object);
                lock.writer.is_none() && lock.readers.is_empty()
            }
            Op::Wake { timer } => state.notified.is_some() || timer,
            Op::Park { timer } => state.token || timer,
            Op::Join { target } => self.threads[target.index()].finished,
            Op::Load { .. } | Op::Rmw { .. } | Op::CompareExchange { .. } => {
                !self.is_held(thread, pending)
            }
            _ => true,
        }
    }

    /// Whether the step is one that time alone makes possible: taken last unless the search asks for it.
    pub(crate) fn is_timer(&self, thread: ThreadId) -> bool {
        let state = &self.threads[thread.index()];
        match state.pending.map(|pending| pending.op) {
            Some(Op::TimerFire | Op::AlarmFire) => true,
            Some(Op::Wake { timer }) => timer && state.notified.is_none(),
            Some(Op::Park { timer }) => timer && !state.token,
            _ => false,
        }
    }

    /// Lists in `labels` what the next step of `thread` may decide, the usual case first.
    pub(crate) fn list_labels(&mut self, thread: ThreadId) {
        self.labels.clear();
        let state = &self.threads[thread.index()];
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

    /// Executes what the running thread announced, now that it was picked.
    pub(crate) fn resumed(&mut self) -> Reply {
        let me = self.running;
        let state = &mut self.threads[me.index()];
        state.starved = 0;
        let pending = state.pending.take().expect("a picked thread has announced");
        let Pending { op, object, .. } = pending;
        match op {
            Op::Load { .. } | Op::Store { .. } | Op::Rmw { .. } | Op::CompareExchange { .. } => {
                self.execute_memory(me, pending)
            }
            Op::Fence { order } => self.execute_fence(me, pending, order),
            Op::Lock | Op::TryLock | Op::Unlock => self.execute_mutex(me, pending),
            Op::Read | Op::TryRead | Op::ReadUnlock => self.execute_read_lock(me, pending),
            Op::WriteRegister | Op::Write | Op::TryWrite | Op::WriteUnlock => {
                self.execute_write_lock(me, pending)
            }
            Op::Enqueue | Op::Wake { .. } | Op::NotifyOne | Op::NotifyAll => {
                self.execute_condvar(me, pending)
            }
            Op::Park { .. } | Op::Unpark => self.execute_park(me, pending),
            Op::Join { target } => self.execute_join(me, target, pending),
            Op::Enter { what } => self.execute_enter(what, pending),
            Op::Choose { .. } => {
                // Relaxed: unused, a choice has no ordering.
                self.record(me, Kind::Choose, object, pending.location, Ordering::Relaxed);
                let Label::Number(chosen) = self.label else {
                    unreachable!("a choice is a number")
                };
                Reply { value: u64::from(chosen), ok: true }
            }
            Op::Yield => {
                // Relaxed: unused, a hint has no ordering.
                self.record(me, op.kind(), object, pending.location, Ordering::Relaxed);
                Reply::default()
            }
            Op::TimerBegin { .. }
            | Op::TimerFire
            | Op::Now
            | Op::AlarmFire
            | Op::AlarmLook
            | Op::AlarmCancel => self.execute_time(me, pending),
        }
    }

    fn execute_time(&mut self, me: ThreadId, pending: Pending) -> Reply {
        match pending.op {
            Op::TimerBegin { after_ns } => {
                self.act(me, Kind::TimerBegin, pending);
                let deadline = self.now_ns.saturating_add(after_ns);
                self.threads[me.index()].deadline = Some(deadline);
                Reply::default()
            }
            Op::AlarmLook => {
                let alarm = self.thread_of(pending.object);
                self.act(me, Kind::AlarmLook, pending);
                Reply { value: 0, ok: !self.is_alarm_set(alarm) }
            }
            Op::AlarmCancel => {
                let alarm = self.thread_of(pending.object);
                self.act(me, Kind::AlarmCancel, pending);
                self.examine_cancelled(alarm);
                self.remove_alarm(alarm);
                Reply::default()
            }
            Op::AlarmFire => {
                self.act(me, Kind::AlarmFire, pending);
                self.fire_timer(me, pending);
                Reply::default()
            }
            Op::TimerFire => {
                self.fire_timer(me, pending);
                Reply::default()
            }
            _ => {
                self.act(me, pending.op.kind(), pending);
                Reply { value: self.now_ns, ok: true }
            }
        }
    }

    fn execute_join(&mut self, me: ThreadId, target: ThreadId, pending: Pending) -> Reply {
        let event = self.act(me, Kind::Join, pending);
        let target_state = &mut self.threads[target.index()];
        target_state.joined = true;
        let (causal, hb, descent) = (target_state.causal, target_state.hb, target_state.descent);
        let last = u32::try_from(target_state.events.len()).expect("events are few");
        self.clocks.join(self.events[event].causal, causal);
        self.clocks.join(self.events[event].hb, hb);
        let own = self.clocks.copy(self.threads[me.index()].descent);
        self.clocks.join(own, descent);
        self.clocks.set(own, target, last);
        self.threads[me.index()].descent = own;
        Reply::default()
    }

    /// Records an event on an object other than a weak atomic, after all it depends on, and lets the search see it.
    pub(super) fn act(&mut self, me: ThreadId, kind: Kind, pending: Pending) -> usize {
        // Relaxed: unused, only atomics and fences have one.
        let event = self.record(me, kind, pending.object, pending.location, Ordering::Relaxed);
        let causal = self.events[event].causal;
        self.order_after_dependent(causal, me, pending.object, kind);
        if !matches!(kind, Kind::Now | Kind::TimerFire | Kind::TimerBegin | Kind::AlarmLook) {
            self.progress(me);
        }
        self.examine(event);
        event
    }

    /// What comes after a part of this step, which was one of several events, comes after all of it.
    pub(super) fn close_step(&mut self, me: ThreadId) {
        let causal = self.threads[me.index()].causal;
        let step = self.steps;
        for event in self.events.iter().rev().take_while(|event| event.frame == step) {
            self.clocks.join(event.causal, causal);
        }
    }

    /// The thread did something that others can see: what it polled, it polls anew.
    pub(super) fn progress(&mut self, me: ThreadId) {
        self.threads[me.index()].spins.clear();
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
        for thread in (0..self.count).map(ThreadId::new).filter(|&thread| thread != me) {
            let mut cursor = self.objects.head(object, thread);
            while let Some(index) = cursor {
                let other = &self.events[index as usize];
                if self.clocks.get(causal, thread) >= other.number {
                    break;
                }
                if ordered(class, other.kind, kind) {
                    let past = other.causal;
                    self.clocks.join(causal, past);
                    break;
                }
                cursor = other.previous;
            }
        }
    }

    fn execute_fence(&mut self, me: ThreadId, pending: Pending, order: Ordering) -> Reply {
        let event = self.record(me, Kind::Fence, pending.object, pending.location, order);
        let hb = self.events[event].hb;
        let state = &mut self.threads[me.index()];
        if acquires(order) && state.acquire != Row::EMPTY {
            self.clocks.join(hb, state.acquire);
        }
        if releases(order) {
            state.release = hb;
        }
        if order == Ordering::SeqCst {
            let short = u32::try_from(event).expect("events are few");
            self.sc_events.push(short);
            self.sc_fences.push(short);
        }
        Reply::default()
    }

    fn execute_mutex(&mut self, me: ThreadId, pending: Pending) -> Reply {
        let object = pending.object;
        let free = self.objects.mutex(object).owner.is_none();
        let (kind, ok) = match pending.op {
            Op::TryLock if !free => (Kind::FailedTryLock, false),
            op => (op.kind(), true),
        };
        let event = self.act(me, kind, pending);
        let hb = self.events[event].hb;
        let lock = self.objects.mutex_mut(object);
        match kind {
            Kind::Unlock => {
                lock.owner = None;
                lock.release = Some(hb);
                self.note_unlock(me, object);
            }
            Kind::Lock | Kind::TryLock => {
                lock.owner = Some(me);
                if let Some(release) = lock.release {
                    self.clocks.join(hb, release);
                }
                self.note_lock(me, event, kind == Kind::Lock);
            }
            _ => {}
        }
        Reply { value: 0, ok }
    }

    fn execute_read_lock(&mut self, me: ThreadId, pending: Pending) -> Reply {
        let object = pending.object;
        let lock = self.objects.rwlock(object);
        let free = lock.writer.is_none() && lock.waiting_writers == 0;
        let (kind, ok) = match pending.op {
            Op::TryRead if !free => (Kind::FailedTryRead, false),
            op => (op.kind(), true),
        };
        let event = self.act(me, kind, pending);
        let hb = self.events[event].hb;
        let lock = self.objects.rwlock_mut(object);
        match kind {
            Kind::ReadUnlock => {
                let at = lock.readers.iter().position(|&reader| reader == me);
                // A guard sent to another thread unlocks in that thread's name.
                lock.readers.swap_remove(at.unwrap_or(0));
                let release = *lock.read_release.get_or_insert_with(|| self.clocks.zero());
                self.clocks.join(release, hb);
                self.note_unlock(me, object);
            }
            Kind::Read | Kind::TryRead => {
                lock.readers.push(me);
                if let Some(release) = lock.write_release {
                    self.clocks.join(hb, release);
                }
                self.note_lock(me, event, kind == Kind::Read);
            }
            _ => {}
        }
        Reply { value: 0, ok }
    }

    fn execute_write_lock(&mut self, me: ThreadId, pending: Pending) -> Reply {
        let object = pending.object;
        let lock = self.objects.rwlock(object);
        let free = lock.writer.is_none() && lock.readers.is_empty();
        let (kind, ok) = match pending.op {
            Op::TryWrite if !free => (Kind::FailedTryWrite, false),
            op => (op.kind(), true),
        };
        let event = self.act(me, kind, pending);
        let hb = self.events[event].hb;
        let lock = self.objects.rwlock_mut(object);
        match kind {
            Kind::WriteRegister => lock.waiting_writers += 1,
            Kind::WriteUnlock => {
                lock.writer = None;
                lock.write_release = Some(hb);
                self.note_unlock(me, object);
            }
            Kind::Write | Kind::TryWrite => {
                lock.writer = Some(me);
                if kind == Kind::Write {
                    lock.waiting_writers -= 1;
                }
                let releases = [lock.write_release, lock.read_release.take()];
                releases.into_iter().flatten().for_each(|row| self.clocks.join(hb, row));
                self.note_lock(me, event, kind == Kind::Write);
            }
            _ => {}
        }
        Reply { value: 0, ok }
    }

    fn execute_condvar(&mut self, me: ThreadId, pending: Pending) -> Reply {
        let object = pending.object;
        if self.label == Label::Timeout {
            self.act(me, Kind::WaitTimeout, pending);
            self.objects.condvar_mut(object).waiters.retain(|&waiter| waiter != me);
            self.fire_timer(me, pending);
            return Reply { value: 0, ok: false };
        }
        let event = self.act(me, pending.op.kind(), pending);
        let short = u32::try_from(event).expect("events are few");
        match pending.op {
            Op::Enqueue => {
                let condvar = self.objects.condvar_mut(object);
                condvar.waiters.push(me);
                self.threads[me.index()].missed = condvar.missed;
            }
            Op::NotifyOne => {
                let condvar = self.objects.condvar_mut(object);
                if let Label::Waiter(waiter) = self.label {
                    condvar.waiters.retain(|&other| other != waiter);
                    self.threads[waiter.index()].notified = Some(short);
                } else {
                    condvar.missed = Some(pending.location);
                }
            }
            Op::NotifyAll => {
                if self.objects.condvar(object).waiters.is_empty() {
                    self.objects.condvar_mut(object).missed = Some(pending.location);
                }
                for waiter in self.objects.condvar_mut(object).waiters.drain(..) {
                    self.threads[waiter.index()].notified = Some(short);
                }
            }
            _ => {
                let state = &mut self.threads[me.index()];
                state.deadline = None;
                state.missed = None;
                let notify = state.notified.take().expect("only the notified wake");
                // It publishes nothing: the mutex does.
                let causal = self.events[notify as usize].causal;
                self.clocks.join(self.events[event].causal, causal);
            }
        }
        Reply { value: 0, ok: true }
    }

    fn execute_park(&mut self, me: ThreadId, pending: Pending) -> Reply {
        if matches!(pending.op, Op::Park { .. }) {
            self.threads[me.index()].waits.clear();
        }
        if self.label == Label::Timeout {
            self.act(me, Kind::ParkTimeout, pending);
            self.fire_timer(me, pending);
            return Reply { value: 0, ok: false };
        }
        let event = self.act(me, pending.op.kind(), pending);
        let hb = self.events[event].hb;
        let target = match pending.op {
            Op::Unpark => self.thread_of(pending.object),
            _ => me,
        };
        let state = &mut self.threads[target.index()];
        if matches!(pending.op, Op::Unpark) {
            state.token = true;
            if state.token_hb == Row::EMPTY {
                state.token_hb = self.clocks.zero();
            }
            self.clocks.join(state.token_hb, hb);
        } else {
            state.token = false;
            state.deadline = None;
            if state.token_hb != Row::EMPTY {
                self.clocks.join(hb, std::mem::replace(&mut state.token_hb, Row::EMPTY));
            }
        }
        Reply { value: 0, ok: true }
    }

    /// The thread whose park token `object` is.
    fn thread_of(&self, object: ObjectId) -> ThreadId {
        debug_assert_eq!(self.objects.class(object), Class::Thread);
        let of = |&index: &usize| self.threads[index].object == object;
        ThreadId::new((0..self.count).find(of).expect("a token belongs to a thread"))
    }

    /// Ends the wait of `me` for an instant.
    fn fire_timer(&mut self, me: ThreadId, pending: Pending) {
        let clock = Pending { object: ObjectId::CLOCK, ..pending };
        self.act(me, Kind::TimerFire, clock);
        self.close_step(me);
        let deadline = self.threads[me.index()].deadline.take();
        self.now_ns = self.now_ns.max(deadline.unwrap_or(0));
    }

    fn execute_memory(&mut self, me: ThreadId, pending: Pending) -> Reply {
        let event = match (pending.op, self.label) {
            (Op::Load { order }, Label::Message(message)) => {
                self.record_load(me, Kind::Load, pending, order, message)
            }
            (Op::Store { value, order }, Label::After(after)) => {
                self.record_store(me, pending, order, after, value)
            }
            (Op::Rmw { apply, operand, order }, Label::Message(message)) => {
                let value = self.apply(apply, self.objects.message(message).value, operand);
                self.record_rmw(me, pending, order, message, value)
            }
            (Op::CompareExchange { failure, .. }, Label::Spurious(message)) => {
                self.threads[me.index()].failed_spuriously = true;
                self.record_load(me, Kind::FailedCompareExchange, pending, failure, message)
            }
            (
                Op::CompareExchange { expected, new, success, failure, .. },
                Label::Message(message),
            ) => {
                if self.objects.message(message).value == expected {
                    self.threads[me.index()].failed_spuriously = false;
                    let event = self.record_rmw(me, pending, success, message, new);
                    if self.config.suspect_aba {
                        self.look_for_aba(event, message);
                    }
                    event
                } else {
                    self.record_load(me, Kind::FailedCompareExchange, pending, failure, message)
                }
            }
            (op, label) => unreachable!("{op:?} is never picked with {label:?}"),
        };
        if let Op::CompareExchange { expected, .. } = pending.op
            && self.events[event].message.is_none()
        {
            self.events[event].written = expected;
        }
        if self.is_weak(pending.object) {
            let rf = self.events[event].rf.and_then(|rf| self.objects.message(rf).event);
            if let Some(source) = rf {
                let causal = self.events[source as usize].causal;
                self.clocks.join(self.events[event].causal, causal);
            }
        } else {
            let Event { causal, kind, .. } = self.events[event];
            self.order_after_dependent(causal, me, pending.object, kind);
        }
        self.examine(event);
        let event = &self.events[event];
        Reply { value: event.read, ok: event.kind == Kind::Rmw }
    }

    pub(super) fn record_load(
        &mut self,
        me: ThreadId,
        kind: Kind,
        pending: Pending,
        order: Ordering,
        message: MessageId,
    ) -> usize {
        let event = self.record(me, kind, pending.object, pending.location, order);
        self.read(event, message, order);
        if !matches!(self.label, Label::Spurious(_)) {
            self.note_spin(me, pending, message);
        }
        self.note_sc(event, order);
        event
    }

    /// Fills in that `event` read `message`.
    pub(super) fn read(&mut self, event: usize, message: MessageId, order: Ordering) {
        let Message { value, release, .. } = *self.objects.message(message);
        let this = &mut self.events[event];
        this.rf = Some(message);
        this.read = value;
        if release == Row::EMPTY {
            return;
        }
        if acquires(order) {
            self.clocks.join(this.hb, release);
            return;
        }
        let state = &mut self.threads[this.thread.index()];
        if state.acquire == Row::EMPTY {
            state.acquire = self.clocks.zero();
        }
        self.clocks.join(state.acquire, release);
    }

    fn note_sc(&mut self, event: usize, order: Ordering) {
        if order == Ordering::SeqCst && self.mode == Mode::Rc11 {
            self.sc_events.push(u32::try_from(event).expect("events are few"));
        }
    }

    fn record_store(
        &mut self,
        me: ThreadId,
        pending: Pending,
        order: Ordering,
        after: MessageId,
        value: u64,
    ) -> usize {
        let event = self.record(me, Kind::Store, pending.object, pending.location, order);
        self.write(event, after, value, order);
        self.progress(me);
        self.note_sc(event, order);
        event
    }

    fn record_rmw(
        &mut self,
        me: ThreadId,
        pending: Pending,
        order: Ordering,
        message: MessageId,
        value: u64,
    ) -> usize {
        let event = self.record(me, Kind::Rmw, pending.object, pending.location, order);
        self.read(event, message, order);
        self.write(event, message, value, order);
        self.objects.messages[message.index()].taken = true;
        let own = self.events[event].message.expect("it was just written");
        if self.objects.message(own).idle {
            self.note_idle_rmw(me, pending, message, own);
        } else {
            self.progress(me);
        }
        self.note_sc(event, order);
        event
    }

    /// Fills in that `event` stores `value` right after `after`.
    pub(super) fn write(&mut self, event: usize, after: MessageId, value: u64, order: Ordering) {
        let this = self.events[event];
        let own = if releases(order) { this.hb } else { self.threads[this.thread.index()].release };
        // A read-modify-write carries on the release sequence of what it read.
        let inherited = this.rf.map_or(Row::EMPTY, |rf| self.objects.message(rf).release);
        let release = match (own, inherited) {
            (own, Row::EMPTY) => own,
            (Row::EMPTY, inherited) => inherited,
            (own, inherited) => {
                let both = self.clocks.copy(own);
                self.clocks.join(both, inherited);
                both
            }
        };
        let message = Message {
            value,
            event: Some(u32::try_from(event).expect("events are few")),
            born: this.frame,
            position: 0,
            release,
            taken: false,
            idle: this.rf.is_some_and(|rf| self.objects.message(rf).value == value),
        };
        let id = self.objects.insert(this.object, after, message);
        let this = &mut self.events[event];
        this.message = Some(id);
        this.written = value;
    }

    /// The value after a read-modify-write.
    fn apply(&mut self, apply: Apply, old: u64, operand: u64) -> u64 {
        match apply {
            Apply::Word(change) => change(old, operand),
            Apply::Wide(change) => {
                let new = change(self.wide.value(old), self.wide.value(operand));
                self.wide.number(new)
            }
        }
    }

    /// The value that the `bits` of an atomic stand for.
    pub(crate) fn plain_value(&self, object: ObjectId, bits: u64) -> u128 {
        if self.objects.is_wide(object) { self.wide.value(bits) } else { u128::from(bits) }
    }

    /// What an operation answers once the execution is over: the last values, no waiting.
    pub(crate) fn torn_down(&mut self, pending: Pending, unwinding: bool) -> Step {
        self.teardown_ops += 1;
        if !unwinding {
            return Step::Unwind;
        }
        let value = match self.objects.class(pending.object) {
            Class::Atomic => {
                let last = self.objects.last_message(pending.object);
                let before = self.objects.message(last).value;
                let after = match pending.op {
                    Op::Store { value, .. } => value,
                    Op::Rmw { apply, operand, .. } => self.apply(apply, before, operand),
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
        Step::Done(Reply { value, ok })
    }
}
