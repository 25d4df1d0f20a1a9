//! Monitors: objects of a library that knows the explorer.
//!
//! At the level of applications a critical section of a monitor is one step: it is announced and ordered as a whole,
//! what happens inside happens at once, and the locks that guard it in production are not looked at. That is sound for
//! sections that never wait and never run foreign code; models at the other level, where every operation is a step,
//! show that a monitor's sections are what they claim to be.
//!
//! Whether an attempt changed anything is known only after its section. Until then it is a look: it comes after all
//! changes. If it did change something it comes after the looks, too. The search sees a section, and what happened
//! inside, when it is over: what one of its events depends on, all of them do.

use std::sync::atomic::Ordering;

use super::execute::hits;
use super::objects::Close;
use super::{At, Engine, Keep, Pending, Phase, Reply};
use crate::clock::Row;
use crate::config::{Level, Misuse};
use crate::event::{Class, EventId, Kind, ObjectId, Op, ThreadId};
use crate::finding::{Finding, Place, Waits};
use crate::probe::Effect;

/// A critical section that is not over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    event: EventId,
    /// What happened before it, without what it learned.
    hb: Row,
    /// Whether it may come to nothing.
    may_fail: bool,
}

impl Engine {
    /// Whether critical sections are steps, and the running thread is outside of one.
    pub(crate) fn joins_sections(&self) -> bool {
        self.config.level == Level::App && !self.inside && self.phase != Phase::Teardown
    }

    /// Whether the running thread is in a critical section that is a step.
    pub(crate) fn is_in_section(&self) -> bool {
        self.section.is_some()
    }

    /// The running thread enters a critical section, which `may_fail`, that is, come to nothing.
    pub(super) fn execute_enter(
        &mut self,
        me: ThreadId,
        what: &'static str,
        at: At,
        may_fail: bool,
    ) -> Reply {
        let kind = if may_fail { Kind::Look } else { Kind::Enter };
        // Relaxed: unused, only atomics and fences have one.
        let event = self.record(me, kind, at, Ordering::Relaxed);
        // Whether it still waits for anything there, the library says anew.
        self.threads[me].waits.retain(|wait| wait.object.id != at.object);
        if self.config.detail {
            self.detail.set_value(event.short(), what.to_owned());
        }
        if may_fail {
            // Before all that the section reads, so that news of it are news for the loop around it.
            self.note_look(me, at);
        } else {
            self.progress(me);
            self.changed(at.object, event);
        }
        if self.keep == Keep::Causes {
            self.order_after_dependent(self.threads[me].causal, me, at.object, kind);
        }
        let hb = self.threads[me].hb;
        if may_fail && self.keep >= Keep::Clocks {
            let own = self.clocks.copy(hb);
            self.set_hb(me, event, own);
        }
        self.learn(me, self.objects.monitor(at.object).release);
        self.section = Some(Section { event, hb, may_fail });
        self.set_inside(true);
        Reply::default()
    }

    /// One fewer holds a side; the last one has seen what the others did.
    pub(super) fn execute_let_go(&mut self, me: ThreadId, what: &'static str, at: At) -> Reply {
        let last = self.objects.monitor(at.object).holders == 1;
        let event = self.act(me, if last { Kind::LastLetGo } else { Kind::LetGo }, at);
        if self.config.detail {
            self.detail.set_value(event.short(), what.to_owned());
        }
        if last {
            self.learn(me, self.objects.monitor(at.object).release);
        } else {
            let own = self.publish(me);
            self.clocks.gather(&mut self.objects.monitor_mut(at.object).release, own);
        }
        let side = self.objects.monitor_mut(at.object);
        side.holders -= 1;
        side.was_let_go = true;
        Reply { value: 0, ok: last }
    }

    /// What happens before the event that follows `event`, the last one of `me`.
    fn set_hb(&mut self, me: ThreadId, event: EventId, hb: Row) {
        self.threads[me].hb = hb;
        if self.keep >= Keep::Events {
            self.events[event].hb = hb;
        }
    }

    /// The running thread leaves the critical section of `object`, which had an `effect`.
    pub(crate) fn leave(&mut self, object: ObjectId, effect: Effect) {
        if self.phase == Phase::Teardown {
            return;
        }
        self.set_inside(false);
        let me = self.running;
        let Some(section) = self.section.take() else { return };
        if section.may_fail {
            self.settle(me, object, section, effect);
        }
        if effect == Effect::Changed {
            self.objects.monitor_mut(object).release = self.publish(me);
        }
        self.close_step(me);
    }

    /// Makes the attempt of `me` what it turned out to be.
    fn settle(&mut self, me: ThreadId, object: ObjectId, section: Section, effect: Effect) {
        let Section { event, hb, .. } = section;
        if effect == Effect::Nothing {
            self.set_hb(me, event, hb);
        }
        if effect != Effect::Changed {
            self.driver.dpor.note_look(self.steps, me);
            return;
        }
        self.progress(me);
        self.changed(object, event);
        if self.keep >= Keep::Events {
            self.events[event].kind = Kind::Enter;
        }
        if self.keep == Keep::Causes {
            self.order_after_dependent(self.threads[me].causal, me, object, Kind::Enter);
        }
    }

    /// Does inside a critical section what was announced there.
    pub(super) fn at_once(&mut self, me: ThreadId, pending: Pending) -> Reply {
        match pending.op {
            // The section excludes everybody as it is.
            Op::Lock
            | Op::TryLock
            | Op::Unlock
            | Op::Read
            | Op::TryRead
            | Op::ReadUnlock
            | Op::WriteRegister
            | Op::Write
            | Op::TryWrite
            | Op::WriteUnlock => return hits(),
            Op::Wake { .. } | Op::Park { .. } | Op::Join { .. } | Op::TimerFire => {
                panic!("a critical section waits: {:?} at {}", pending.op, pending.location)
            }
            _ => {}
        }
        // The usual case: the last store.
        self.list_labels(me);
        self.label = self.labels[0];
        let reply = self.execute(me);
        if self.is_in_section() && self.objects.class(pending.object) == Class::Atomic {
            self.note_inside(me, pending.object);
        }
        reply
    }

    /// The running thread will wait, among other things, to do `what` to `object`.
    pub(crate) fn add_wait(&mut self, what: &'static str, object: ObjectId, location: Place) {
        let object = self.objects.info(object);
        let waits = &mut self.threads[self.running].waits;
        let known = |wait: &Waits| wait.object.id == object.id && wait.what == what;
        if !waits.iter().any(known) {
            waits.push(Waits { what, object, location });
        }
    }

    /// The running thread closes `object`; the first time counts.
    pub(crate) fn close(&mut self, object: ObjectId, location: Place) {
        let me = self.running;
        let close = Close { thread: me, next: self.next_number(me), location };
        self.objects.monitor_mut(object).closed.get_or_insert(close);
    }

    /// The running thread does to a closed object what may be forbidden.
    pub(crate) fn misuse(&mut self, misuse: Misuse, object: ObjectId, location: Place) {
        let closed = self.objects.monitor(object).closed;
        let (Some(closed), true) = (closed, self.config.forbidden.contains(&misuse)) else {
            return;
        };
        self.findings.push(Finding::Misused {
            misuse,
            object: self.objects.info(object),
            thread: self.thread_info(self.running),
            location,
            closed: (self.who_made(closed.thread, closed.next), closed.location),
            event: self.happened.saturating_sub(1),
        });
    }
}
