//! Which stores a load may read and where a store may go: coherence, atomicity, and the filter for SeqCst.

use std::sync::atomic::Ordering;

use super::execute::acquires;
use super::threads::Spin;
use super::{Engine, Label, Pending};
use crate::config::Mode;
use crate::event::{Kind, MessageId, ObjectId, Op, ThreadId};

impl Engine {
    /// The position of the store that `thread` may not go behind: the last one that happens before its next event or
    /// was read by an event that does.
    fn floor(&self, thread: ThreadId, object: ObjectId) -> u32 {
        let hb = self.threads[thread.index()].hb;
        let mut floor = 0;
        for other in (0..self.count).map(ThreadId::new) {
            let seen = if other == thread { u32::MAX } else { self.clocks.get(hb, other) };
            let mut cursor = self.objects.head(object, other);
            while let Some(index) = cursor {
                let event = &self.events[index as usize];
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
        let mut held = false;
        let order = &self.objects.atomic(pending.object).order;
        if self.mode == Mode::Sc {
            self.offer(thread, pending, *order.last().expect("never empty"), &mut labels);
        } else {
            let floor = self.floor(thread, pending.object) as usize;
            let spin_floor = self.spin_floor(thread, pending);
            held = spin_floor > floor;
            let floor = floor.max(spin_floor);
            for &message in order[floor..].iter().rev() {
                self.offer(thread, pending, message, &mut labels);
            }
            if self.sc_concerns(thread, pending) {
                let last = self.objects.last_message(pending.object);
                labels.retain(|&label| self.sc_allows(thread, pending, label, last));
            }
        }
        self.labels = labels;
        self.spins_held |= held;
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
            Op::CompareExchange { expected, weak, .. } => {
                if state.value != expected || !state.taken {
                    labels.push(Label::Message(message));
                }
                let may_fail = weak && !self.threads[thread.index()].failed_spuriously;
                if state.value == expected && may_fail {
                    labels.push(Label::Spurious(message));
                }
            }
            _ => {}
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
        let after_fence = |&fence: &u32| self.seen_by(&self.events[fence as usize], thread);
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
        let saved = &self.threads[me.index()];
        let (causal, hb, acquire) = (saved.causal, saved.hb, saved.acquire);
        let event = self.record(me, kind, pending.object, pending.location, order);
        if kind.reads() && acquires(order) {
            self.read(event, at, order);
        } else if kind.reads() {
            self.events[event].rf = Some(at);
        }
        if kind.writes() {
            self.write(event, at, 0, order);
        }
        let sc = order == Ordering::SeqCst;
        if sc {
            self.sc_events.push(u32::try_from(event).expect("events are few"));
        }
        let allowed = !self.closes_sc_cycle(event);
        if sc {
            self.sc_events.pop();
        }
        if kind.writes() {
            self.objects.remove_last(pending.object);
        }
        let tried = self.events.pop().expect("it was just recorded");
        self.objects.restore_head(pending.object, me, tried.previous);
        let state = &mut self.threads[me.index()];
        state.events.pop();
        state.causal = causal;
        state.hb = hb;
        state.acquire = acquire;
        allowed
    }

    // ---- spinning ----

    /// Notes what a load read. The looks of a thread are kept in the order in which they were last taken: what stands
    /// behind one was looked at since, so that is what a loop around it polls.
    pub(super) fn note_spin(&mut self, me: ThreadId, pending: Pending, message: MessageId) {
        let Pending { object, location, .. } = pending;
        let known = self.position_of_spin(me, &pending);
        let spins = &mut self.threads[me.index()].spins;
        let mut spin = match known {
            Some(at) => spins.remove(at),
            None => Spin { location, object, message, repeats: 0 },
        };
        if known.is_some() && spin.message == message {
            spin.repeats += 1;
        } else {
            spin.message = message;
            spin.repeats = 0;
            self.spin_steps = 0;
        }
        spins.push(spin);
    }

    fn position_of_spin(&self, thread: ThreadId, pending: &Pending) -> Option<usize> {
        self.threads[thread.index()].spins.iter().position(|spin| {
            spin.object == pending.object && std::ptr::eq(spin.location, pending.location)
        })
    }

    /// A read-modify-write left the value as it was, like a failed attempt to take a spin lock by `swap`.
    pub(super) fn note_idle_rmw(
        &mut self,
        me: ThreadId,
        pending: Pending,
        read: MessageId,
        own: MessageId,
    ) {
        let Pending { object, location, .. } = pending;
        let known = self.position_of_spin(me, &pending);
        // The attempts of other spinning threads in between change nothing either.
        let repeats = known.is_some_and(|at| {
            let spin = &self.threads[me.index()].spins[at];
            let after = self.objects.message(spin.message).position as usize + 1;
            let upto = self.objects.message(read).position as usize;
            let order = &self.objects.atomic(object).order;
            let between = order.get(after..=upto).unwrap_or_default();
            between.iter().all(|&message| self.objects.message(message).idle)
        });
        if !repeats {
            self.spin_steps = 0;
        }
        let spins = &mut self.threads[me.index()].spins;
        let before = known.map_or(0, |at| spins.remove(at).repeats);
        let repeats = if repeats { before + 1 } else { 0 };
        spins.push(Spin { location, object, message: own, repeats });
    }

    /// Whether a store exists that the spinning thread could still come to read and that says anything new.
    fn has_news(&self, spin: &Spin) -> bool {
        let after = self.objects.message(spin.message).position as usize + 1;
        let later = &self.objects.atomic(spin.object).order[after..];
        later.iter().any(|&message| !self.objects.message(message).idle)
    }

    /// Whether the load that `thread` announced repeats and would return the same again.
    pub(super) fn is_held(&self, thread: ThreadId, pending: &Pending) -> bool {
        if self.spin_forced {
            return false;
        }
        let Some(at) = self.position_of_spin(thread, pending) else { return false };
        let polled = &self.threads[thread.index()].spins[at..];
        polled[0].repeats >= self.config.spin_repeats
            && !polled.iter().any(|spin| self.has_news(spin))
    }

    /// From which position on a repeating load may read: something else, if there is something else.
    fn spin_floor(&self, thread: ThreadId, pending: Pending) -> usize {
        let spin = self.position_of_spin(thread, &pending);
        match spin.map(|at| &self.threads[thread.index()].spins[at]) {
            Some(spin) if spin.repeats >= self.config.spin_repeats && self.has_news(spin) => {
                self.objects.message(spin.message).position as usize + 1
            }
            _ => 0,
        }
    }
}
