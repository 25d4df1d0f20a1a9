//! Accesses of atomics.
//!
//! Where events are kept, stores are kept, too, and the label of the step says which one is meant. Elsewhere an atomic
//! is its last store, which the next one overwrites: few instructions, since most executions are of this kind.

use std::sync::atomic::Ordering;

use super::execute::{acquires, releases};
use super::objects::Message;
use super::{At, Engine, Keep, Label, Reply};
use crate::clock::Row;
use crate::config::Mode;
use crate::event::{Apply, EventId, Kind, MessageId, ObjectId, ThreadId};

impl Engine {
    /// The store that the label of the step names; without one, the last.
    #[inline]
    fn labelled(&self, object: ObjectId) -> MessageId {
        match self.label {
            Label::Message(message) | Label::After(message) | Label::Spurious(message) => message,
            _ => self.objects.last_message(object),
        }
    }

    pub(super) fn load(&mut self, me: ThreadId, at: At, order: Ordering) -> Reply {
        let message = self.labelled(at.object);
        self.read_only(me, Kind::Load, at, order, message, 0)
    }

    pub(super) fn store(&mut self, me: ThreadId, at: At, order: Ordering, value: u64) -> Reply {
        let after = self.labelled(at.object);
        if self.keep >= Keep::Events {
            self.keep_store(me, at, order, after, value);
        } else {
            let event = self.count(me, Kind::Store, at);
            let release = self.published(me, order);
            self.objects.messages[after.index()].overwrite(value, event, release, false);
            self.unsettle_held();
        }
        self.progress(me);
        Reply::default()
    }

    pub(super) fn modify(
        &mut self,
        me: ThreadId,
        at: At,
        order: Ordering,
        apply: Apply,
        operand: u64,
    ) -> Reply {
        let message = self.labelled(at.object);
        let old = self.objects.message(message).value;
        let value = apply(&mut self.wide, old, operand);
        self.read_and_write(me, at, order, message, value);
        Reply { value: old, ok: true }
    }

    pub(super) fn compare_exchange(
        &mut self,
        me: ThreadId,
        at: At,
        [expected, new]: [u64; 2],
        [success, failure]: [Ordering; 2],
    ) -> Reply {
        let message = self.labelled(at.object);
        let fails = matches!(self.label, Label::Spurious(_));
        let matches = self.objects.message(message).value == expected;
        if matches {
            self.threads[me].failed_spuriously = fails;
        }
        if !matches || fails {
            let kind = Kind::FailedCompareExchange;
            return self.read_only(me, kind, at, failure, message, expected);
        }
        let event = self.read_and_write(me, at, success, message, new);
        if self.config.suspect_aba {
            self.look_for_aba(event, message);
        }
        Reply { value: expected, ok: true }
    }

    #[inline]
    fn read_only(
        &mut self,
        me: ThreadId,
        kind: Kind,
        at: At,
        order: Ordering,
        message: MessageId,
        expected: u64,
    ) -> Reply {
        if self.keep >= Keep::Events {
            self.keep_read(me, kind, at, order, message, expected);
        } else {
            self.count(me, kind, at);
            self.take_over(me, message, order);
        }
        if !matches!(self.label, Label::Spurious(_)) {
            self.note_spin(me, at, message);
        }
        Reply { value: self.objects.message(message).value, ok: false }
    }

    #[inline(always)]
    fn read_and_write(
        &mut self,
        me: ThreadId,
        at: At,
        order: Ordering,
        message: MessageId,
        value: u64,
    ) -> EventId {
        let (event, own, idle);
        if self.keep >= Keep::Events {
            idle = self.objects.message(message).value == value;
            (event, own) = self.keep_read_and_write(me, at, order, message, value);
        } else {
            (event, own) = (self.count(me, Kind::Rmw, at), message);
            let release = match self.keep {
                Keep::Nothing => Row::EMPTY,
                _ => self.pass_on(me, message, order),
            };
            let stored = &mut self.objects.messages[message.index()];
            idle = stored.value == value;
            stored.overwrite(value, event, release, idle);
            self.unsettle_held();
        }
        if idle {
            self.note_idle_rmw(me, at, message, own);
        } else {
            self.progress(me);
        }
        event
    }

    /// A read-modify-write of `me` learns from `message` and publishes what this gives.
    #[inline(never)]
    fn pass_on(&mut self, me: ThreadId, message: MessageId, order: Ordering) -> Row {
        self.take_over(me, message, order);
        self.carried_on(me, message, order)
    }

    /// What `me` learns by reading `message`.
    #[inline]
    pub(super) fn take_over(&mut self, me: ThreadId, message: MessageId, order: Ordering) {
        let release = self.objects.message(message).release;
        if release == Row::EMPTY {
            return;
        }
        if acquires(order) {
            self.learn(me, release);
        } else {
            self.clocks.gather(&mut self.threads[me].acquire, release);
        }
    }

    /// What a store of `me` publishes by itself.
    #[inline]
    pub(super) fn published(&mut self, me: ThreadId, order: Ordering) -> Row {
        if releases(order) { self.publish(me) } else { self.threads[me].release }
    }

    /// What a read-modify-write of `me` publishes, which carries on the release sequence of what it read.
    #[inline]
    fn carried_on(&mut self, me: ThreadId, read: MessageId, order: Ordering) -> Row {
        let inherited = self.objects.message(read).release;
        let own = self.published(me, order);
        match (own, inherited) {
            (own, Row::EMPTY) => own,
            (Row::EMPTY, inherited) => inherited,
            // It has just learned it.
            (own, _) if acquires(order) && releases(order) => own,
            (own, inherited) => {
                let both = self.clocks.copy(own);
                self.clocks.join(both, inherited);
                both
            }
        }
    }

    // ---- where events are kept ----

    #[inline(never)]
    fn keep_read(
        &mut self,
        me: ThreadId,
        kind: Kind,
        at: At,
        order: Ordering,
        message: MessageId,
        expected: u64,
    ) {
        let event = self.record(me, kind, at, order);
        self.read(me, event, message, order);
        self.events[event].written = expected;
        self.place_access(me, event, kind, at.object, order);
    }

    #[inline(never)]
    fn keep_store(&mut self, me: ThreadId, at: At, order: Ordering, after: MessageId, value: u64) {
        let event = self.record(me, Kind::Store, at, order);
        let release = self.published(me, order);
        self.write(event, at.object, after, value, release);
        self.place_access(me, event, Kind::Store, at.object, order);
    }

    #[inline(never)]
    fn keep_read_and_write(
        &mut self,
        me: ThreadId,
        at: At,
        order: Ordering,
        message: MessageId,
        value: u64,
    ) -> (EventId, MessageId) {
        let event = self.record(me, Kind::Rmw, at, order);
        self.events[event].rf = Some(message);
        self.events[event].read = self.objects.message(message).value;
        let release = self.pass_on(me, message, order);
        let own = self.write(event, at.object, message, value, release);
        self.objects.take(at.object, message);
        self.place_access(me, event, Kind::Rmw, at.object, order);
        (event, own)
    }

    /// Fills in that `event` of `me` read `message`.
    pub(super) fn read(
        &mut self,
        me: ThreadId,
        event: EventId,
        message: MessageId,
        order: Ordering,
    ) {
        let event = &mut self.events[event];
        event.rf = Some(message);
        event.read = self.objects.message(message).value;
        self.take_over(me, message, order);
    }

    /// Makes `event` a store of `value` right after `after`.
    pub(super) fn write(
        &mut self,
        event: EventId,
        object: ObjectId,
        after: MessageId,
        value: u64,
        release: Row,
    ) -> MessageId {
        let this = &mut self.events[event];
        let before = self.objects.message(after);
        let idle = this.rf.is_some() && before.value == value;
        let message = Message {
            value,
            event: Some(event),
            born: this.frame,
            position: before.position + 1,
            release,
            taken: false,
            idle,
            news: if idle { before.news } else { Some(event) },
        };
        let id = self.objects.insert(object, message);
        this.message = Some(id);
        this.written = value;
        self.unsettle_held();
        id
    }

    /// Puts an access after all it depends on, and lets the search see it.
    fn place_access(
        &mut self,
        me: ThreadId,
        event: EventId,
        kind: Kind,
        object: ObjectId,
        order: Ordering,
    ) {
        if self.mode == Mode::Sc {
            self.place(me, event, kind, object);
            return;
        }
        if order == Ordering::SeqCst {
            self.sc_events.push(event);
        }
        if self.keep == Keep::Causes {
            let rf = self.events[event].rf.and_then(|rf| self.objects.message(rf).event);
            if let Some(source) = rf {
                self.depend(me, source);
            }
            self.examine(event);
        }
    }
}
