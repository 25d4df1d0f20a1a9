//! Which stores a load may read and where a store may go: coherence, atomicity, and the filter for SeqCst.

use std::sync::atomic::Ordering;

use super::execute::acquires;
use super::threads::Spin;
use super::{At, Engine, Label, Pending};
use crate::config::Mode;
use crate::driver::members;
use crate::event::{EventId, Kind, MessageId, ObjectId, Op, ThreadId};

impl Engine {
    /// The position of the store that `thread` may not go behind: the last one that happens before its next event or
    /// was read by an event that does.
    fn floor(&self, thread: ThreadId, object: ObjectId) -> u32 {
        let hb = self.threads[thread].hb;
        let mut floor = 0;
        for other in members(self.objects.users(object)) {
            let seen = if other == thread { u32::MAX } else { self.clocks.get(hb, other) };
            let mut cursor = self.objects.head(object, other);
            while let Some(index) = cursor {
                let event = &self.events[index];
                if event.number <= seen {
                    let message = event.message.or(event.rf).expect("an access of an atomic");
                    floor = floor.max(self.objects.message(message).position);
                    break;
                }
                cursor = event.previous;
            }
        }
        floor
    }

    pub(super) fn list_memory_labels(&mut self, thread: ThreadId, pending: Pending) {
        let mut labels = std::mem::take(&mut self.labels);
        let last = self.objects.last_message(pending.object);
        if self.mode == Mode::Sc {
            labels.push(Label::Plain);
            self.offer_failure(thread, pending, last, &mut labels);
        } else if self.is_last_alone(thread, &pending, last) {
            self.offer(thread, pending, last, &mut labels);
        } else {
            let floor = self.floor(thread, pending.object) as usize;
            let spin_floor = self.spin_floor(thread, pending);
            let reads = pending.op.reads();
            let spin_floor =
                spin_floor.max(if reads { self.seen_by_all(pending.object) } else { 0 });
            self.spins_held |= spin_floor > floor;
            let floor = floor.max(spin_floor);
            let order = &self.objects.atomic(pending.object).order;
            for &message in order[floor..].iter().rev() {
                self.offer(thread, pending, message, &mut labels);
            }
            if self.sc_concerns(thread, pending) {
                labels.retain(|&label| self.sc_allows(thread, pending, label, last));
            }
        }
        self.labels = labels;
    }

    /// The label of an access in weak memory that can be at the last store alone.
    #[inline]
    pub(super) fn only_memory_label(&self, thread: ThreadId, pending: &Pending) -> Option<Label> {
        let last = self.objects.last_message(pending.object);
        let store = matches!(pending.op, Op::Store { .. });
        let label = if store { Label::After(last) } else { Label::Message(last) };
        self.is_last_alone(thread, pending, last).then_some(label)
    }

    /// Whether an access can be at the `last` store alone: its thread has seen that one, so that nothing older can be
    /// read, or written behind; or it is a read-modify-write, and others have read all older ones.
    #[inline]
    fn is_last_alone(&self, thread: ThreadId, pending: &Pending, last: MessageId) -> bool {
        let modifies = matches!(pending.op, Op::Rmw { .. });
        modifies && self.are_taken(thread, pending) || self.has_seen(thread, last)
    }

    /// Whether a read-modify-write has read each store but the last, none of which may be left out for another reason.
    #[inline]
    fn are_taken(&self, thread: ThreadId, pending: &Pending) -> bool {
        let atomic = self.objects.atomic(pending.object);
        let fair = self.threads[thread].spins.is_empty() && !self.has_old_stores();
        fair && atomic.taken + 1 == atomic.order.len()
    }

    /// Whether `message` happens before what `thread` does next.
    fn has_seen(&self, thread: ThreadId, message: MessageId) -> bool {
        let event = self.objects.message(message).event;
        event.is_none_or(|event| self.seen_by(&self.events[event], thread))
    }

    /// Adds the labels that name `message`, if atomicity allows any.
    fn offer(
        &self,
        thread: ThreadId,
        pending: Pending,
        message: MessageId,
        labels: &mut Vec<Label>,
    ) {
        let state = self.objects.message(message);
        match pending.op {
            Op::Load { .. } => labels.push(Label::Message(message)),
            Op::Store { .. } if !state.taken => labels.push(Label::After(message)),
            Op::Rmw { .. } if !state.taken => labels.push(Label::Message(message)),
            Op::CompareExchange { expected, .. } => {
                if state.value != expected || !state.taken {
                    labels.push(Label::Message(message));
                }
                self.offer_failure(thread, pending, message, labels);
            }
            _ => {}
        }
    }

    /// Adds that a weak compare-exchange fails although `message` has its value.
    fn offer_failure(
        &self,
        thread: ThreadId,
        pending: Pending,
        message: MessageId,
        labels: &mut Vec<Label>,
    ) {
        if let Op::CompareExchange { expected, weak: true, .. } = pending.op
            && self.objects.message(message).value == expected
            && !self.threads[thread].failed_spuriously
        {
            labels.push(Label::Spurious(message));
        }
    }

    fn sc_concerns(&self, thread: ThreadId, pending: Pending) -> bool {
        let order = match pending.op {
            Op::Load { order } | Op::Store { order, .. } | Op::Rmw { order, .. } => order,
            Op::CompareExchange { success, failure, .. } => {
                if failure == Ordering::SeqCst {
                    failure
                } else {
                    success
                }
            }
            _ => return false,
        };
        let after_fence = |&fence: &EventId| self.seen_by(&self.events[fence], thread);
        let sc = order == Ordering::SeqCst && !self.sc_events.is_empty();
        // An acquire load may learn of a fence through what it reads.
        sc || !self.sc_fences.is_empty()
            && (acquires(order) || self.sc_fences.iter().any(after_fence))
    }

    /// Tries `label` and looks for a cycle of SeqCst events through it.
    fn sc_allows(&mut self, me: ThreadId, pending: Pending, label: Label, last: MessageId) -> bool {
        let (Label::Message(at) | Label::After(at) | Label::Spurious(at)) = label else {
            return true;
        };
        if at == last {
            return true;
        }
        let matches = |expected| self.objects.message(at).value == expected;
        let (kind, order) = match pending.op {
            Op::Store { order, .. } => (Kind::Store, order),
            Op::Rmw { order, .. } => (Kind::Rmw, order),
            Op::CompareExchange { expected, success, .. }
                if matches(expected) && !matches!(label, Label::Spurious(_)) =>
            {
                (Kind::Rmw, success)
            }
            Op::CompareExchange { failure, .. } => (Kind::FailedCompareExchange, failure),
            Op::Load { order } => (Kind::Load, order),
            op => unreachable!("{op:?} has no memory label"),
        };
        let fingerprint = self.fingerprint;
        let saved = &self.threads[me];
        let (causal, hb, acquire) = (saved.causal, saved.hb, saved.acquire);
        let event = self.record(me, kind, pending.at(), order);
        if kind.reads() && acquires(order) {
            self.read(me, event, at, order);
        } else if kind.reads() {
            self.events[event].rf = Some(at);
        }
        if kind.writes() {
            let release = self.published(me, order);
            self.write(event, pending.object, at, 0, release);
        }
        let sc = order == Ordering::SeqCst;
        if sc {
            self.sc_events.push(event);
        }
        let allowed = !self.closes_sc_cycle(event);
        if sc {
            self.sc_events.pop();
        }
        if kind.writes() {
            self.objects.remove_last(pending.object);
        }
        let tried = self.events.pop().expect("it was just recorded");
        self.happened -= 1;
        self.fingerprint = fingerprint;
        self.objects.restore_head(pending.object, me, tried.previous);
        let state = &mut self.threads[me];
        state.events.pop();
        state.number -= 1;
        state.causal = causal;
        state.hb = hb;
        state.acquire = acquire;
        allowed
    }

    // ---- spinning ----

    /// Notes what a load read. The looks of a thread are kept in the order in which they were last taken: what stands
    /// behind one was looked at since, so that is what a loop around it polls.
    pub(super) fn note_spin(&mut self, me: ThreadId, at: At, message: MessageId) {
        let At { object, location } = at;
        let store = self.objects.message(message).event;
        let known = self.position_of_spin(me, at);
        let spins = &mut self.threads[me].spins;
        let mut repeats = 0;
        if let Some(known) = known {
            let former = spins.remove(known);
            if former.store == store {
                repeats = former.repeats + 1;
            }
        }
        spins.push(Spin { location, object, message: Some(message), store, repeats });
        if repeats == 0 {
            self.spin_steps = 0;
        }
    }

    /// Notes that `me` looked at an object other than an atomic, or tried to change it in vain.
    pub(super) fn note_look(&mut self, me: ThreadId, at: At) {
        let At { object, location } = at;
        let store = self.objects.news(object);
        let known = self.position_of_spin(me, at);
        let spins = &mut self.threads[me].spins;
        let former = known.map(|known| spins.remove(known));
        let repeats = former.filter(|spin| spin.store == store).map_or(0, |spin| spin.repeats + 1);
        spins.push(Spin { location, object, message: None, store, repeats });
        if repeats == 0 {
            self.spin_steps = 0;
        }
    }

    #[inline]
    fn position_of_spin(&self, thread: ThreadId, at: At) -> Option<usize> {
        self.threads[thread].spins.iter().position(|spin| spin.is_at(at))
    }

    /// A read-modify-write left the value as it was, like a failed attempt to take a spin lock by `swap`.
    pub(super) fn note_idle_rmw(&mut self, me: ThreadId, at: At, read: MessageId, own: MessageId) {
        let At { object, location } = at;
        let known = self.position_of_spin(me, at);
        // The attempts of other spinning threads in between change nothing either.
        let repeats = known.is_some_and(|at| {
            let spin = &self.threads[me].spins[at];
            let upto = self.objects.message(read).position as usize + 1;
            !self.has_news_before(spin, upto)
        });
        if !repeats {
            self.spin_steps = 0;
        }
        let store = self.objects.message(own).event;
        let spins = &mut self.threads[me].spins;
        let before = known.map_or(0, |at| spins.remove(at).repeats);
        let repeats = if repeats { before + 1 } else { 0 };
        spins.push(Spin { location, object, message: Some(own), store, repeats });
    }

    /// Whether the object was changed since, or a store exists that the spinning thread could still come to read and
    /// that says anything new.
    fn has_news(&self, spin: &Spin) -> bool {
        self.has_news_before(spin, usize::MAX)
    }

    /// Whether there is such a store before `upto` in the modification order; if that is the order of execution, `upto`
    /// is its end.
    fn has_news_before(&self, spin: &Spin, upto: usize) -> bool {
        let Some(message) = spin.message else {
            return self.objects.news(spin.object) > spin.store;
        };
        if self.mode == Mode::Sc {
            return self.objects.message(self.objects.last_message(spin.object)).news > spin.store;
        }
        let atomic = self.objects.atomic(spin.object);
        let after = self.objects.message(message).position as usize + 1;
        let later = atomic.order.get(after..upto.min(atomic.order.len())).unwrap_or_default();
        later.iter().any(|&message| !self.objects.message(message).idle)
    }

    /// Whether the load that `thread` announced repeats and would return the same again.
    #[inline]
    pub(super) fn is_held(&self, thread: ThreadId, at: At) -> bool {
        let Some(known) = self.position_of_spin(thread, at) else { return false };
        let polled = &self.threads[thread].spins[known..];
        polled[0].repeats >= self.config.spin_repeats
            && !polled.iter().any(|spin| self.has_news(spin))
    }

    /// From which position on a repeating load may read: something else, if there is something else.
    fn spin_floor(&self, thread: ThreadId, pending: Pending) -> usize {
        let known = self.position_of_spin(thread, pending.at());
        let spin = known.map(|known| &self.threads[thread].spins[known]);
        let outdated =
            spin.filter(|spin| spin.repeats >= self.config.spin_repeats && self.has_news(spin));
        let message = outdated.and_then(|spin| spin.message);
        message.map_or(0, |message| self.objects.message(message).position as usize + 1)
    }
}
