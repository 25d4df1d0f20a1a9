//! Source-DPOR with sleep sets over labelled steps.
//!
//! The algorithm and why it runs every class of executions exactly once: `docs/design/explore.md`, sections 3 and 4.
//! After Abdulla, Aronis, Jonsson, Sagonas, "Optimal dynamic partial order reduction" (POPL 2014), with reads-from
//! labels so that loads of weak atomics commute with the stores they do not read.
//!
//! **Invariants:** `frames` describes a path of the search tree from its root; frame `i` is decided by step `i + 1`;
//! every thread in `done` of a frame was run from it with all labels that were awake; `sleepers` of a frame never
//! change after the frame was made.

use std::cmp::Reverse;

use crate::clock::Row;
use crate::config::Mode;
use crate::driver::{first, members, set_of};
use crate::engine::{Engine, Label, Pending, Phase};
use crate::event::{Class, Event, EventId, Kind, ObjectId, Op, ThreadId, ordered, reversible};
use crate::finding::Place;

/// A sleeping thread that only a dependent event wakes.
const FAST: u32 = u32::MAX;

/// A weak compare-exchange of which only the spurious failure was explored: it commutes with a load, success does not.
const FAILURE_ONLY: u32 = u32::MAX - 1;

/// A thread whose next step was explored, for labels born before `stamp`.
#[derive(Clone, Copy, Debug)]
struct Sleeper {
    thread: ThreadId,
    stamp: u32,
    /// Whether that step ended it, with any of its labels.
    ended: bool,
    /// Whether that step was an attempt that changed nothing.
    looked: bool,
    /// The frame from which that step was explored.
    from: u32,
}

/// An access of an atomic inside a section.
#[derive(Clone, Copy, Debug)]
struct Inside {
    /// The frame from which the section was explored.
    from: u32,
    thread: ThreadId,
    object: ObjectId,
    /// Where the atomic was created, which tells what it is in other runs if this one was the first use.
    created: Place,
    first_use: bool,
    writes: bool,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    enabled: u64,
    /// Threads to run from here; those already run included.
    planned: u64,
    done: u64,
    /// Threads that came to their end by a step that was explored from here, or before they fell asleep, with any of
    /// its labels.
    ended: u64,
    /// Threads whose attempt from here changed nothing.
    looked: u64,
    /// How many objects were known.
    objects: u32,
    thread: ThreadId,
    label: u16,
    labels: u16,
    sleepers_start: u32,
    sleepers_end: u32,
}

/// The first event of a thread after some point, and what is in its past.
#[derive(Clone, Copy, Debug)]
struct First {
    thread: ThreadId,
    number: u32,
    past: Row,
}

/// The state of the search.
#[derive(Debug, Default)]
pub(crate) struct Dpor {
    frames: Vec<Frame>,
    sleepers: Vec<Sleeper>,
    /// Steps before this frame repeat the run before.
    fresh_from: usize,
    /// The run cannot show a new class.
    redundant: bool,
    scratch: Vec<EventId>,
    firsts: Vec<First>,
    /// What sections did inside, as far as they were explored from the frames there are.
    inside: Vec<Inside>,
}

impl Dpor {
    /// Forgets the search so far; keeps the memory.
    pub(super) fn prepare(&mut self) {
        self.frames.clear();
        self.sleepers.clear();
        self.fresh_from = 0;
        self.redundant = false;
        self.inside.clear();
    }

    pub(super) fn begin(&mut self) {
        self.redundant = false;
    }

    /// Whether a run of so many steps took all that were to be repeated.
    pub(crate) fn was_repeated(&self, steps: u32) -> bool {
        steps as usize > self.fresh_from || self.frames.is_empty()
    }

    pub(crate) fn was_redundant(&self) -> bool {
        self.redundant
    }

    /// Step number `step` brought `thread` to its end.
    pub(crate) fn note_end(&mut self, step: u32, thread: ThreadId) {
        if let Some(frame) = self.frame_of(step) {
            frame.ended |= 1 << thread.index();
        }
    }

    /// Step number `step`, an attempt of `thread`, changed nothing.
    pub(crate) fn note_look(&mut self, step: u32, thread: ThreadId) {
        if let Some(frame) = self.frame_of(step) {
            frame.looked |= 1 << thread.index();
        }
    }

    /// The frame of a step that is explored, not just run.
    fn frame_of(&mut self, step: u32) -> Option<&mut Frame> {
        let frame = (step as usize).checked_sub(1)?;
        self.frames.get_mut(frame)
    }

    /// Moves to the next unexplored step; false when there is none.
    pub(super) fn advance(&mut self) -> bool {
        while let Some(frame) = self.frames.last_mut() {
            if frame.label + 1 < frame.labels {
                frame.label += 1;
                break;
            }
            frame.done |= 1 << frame.thread.index();
            let left = frame.planned & !frame.done;
            if left != 0 {
                frame.thread = first(left);
                frame.label = 0;
                frame.labels = 0;
                break;
            }
            self.sleepers.truncate(frame.sleepers_start as usize);
            self.frames.pop();
        }
        let Some(frame) = self.frames.last() else { return false };
        self.sleepers.truncate(frame.sleepers_end as usize);
        self.fresh_from = self.frames.len() - 1;
        while self.inside.last().is_some_and(|inside| inside.from as usize > self.fresh_from) {
            self.inside.pop();
        }
        true
    }

    fn stamp(&self, frame: usize, thread: ThreadId) -> Option<u32> {
        let frame = &self.frames[frame];
        let sleepers = frame.sleepers_start as usize..frame.sleepers_end as usize;
        let sleeper = self.sleepers[sleepers].iter().find(|sleeper| sleeper.thread == thread);
        sleeper.map(|sleeper| sleeper.stamp)
    }
}

impl Engine {
    pub(super) fn pick_exhaustive(&mut self, enabled: u64) -> Option<ThreadId> {
        let depth = self.steps as usize;
        if depth == self.driver.dpor.frames.len() {
            self.push_sleepers(depth);
            let Some(frame) = self.new_frame(depth, enabled) else {
                return self.go_on_redundantly(depth, enabled);
            };
            self.driver.dpor.frames.push(frame);
        }
        let &Frame { thread, label, enabled: expected, .. } = &self.driver.dpor.frames[depth];
        if enabled != expected {
            self.diverged();
            return None;
        }
        let stamp = self.driver.dpor.stamp(depth, thread);
        if let (None, 0, Some(only)) = (stamp, label, self.only_label(thread)) {
            self.driver.dpor.frames[depth].labels = 1;
            return Some(self.take(thread, only, 0));
        }
        self.list_labels(thread);
        let awake = |engine: &Self| {
            let labels = engine.labels.iter().enumerate();
            let awake = labels.filter(|(_, label)| engine.is_label_awake(**label, stamp));
            (awake.clone().count(), awake.map(|(at, _)| at).nth(usize::from(label)))
        };
        let (labels, chosen) = match stamp {
            None => (self.labels.len(), Some(usize::from(label))),
            Some(_) => awake(self),
        };
        self.driver.dpor.frames[depth].labels = u16::try_from(labels).expect("labels are few");
        // Recorded by its place among all labels, so that a replay without sleepers finds it.
        let chosen = chosen
            .and_then(|at| self.take_listed(thread, u16::try_from(at).expect("labels are few")));
        chosen.or_else(|| self.go_on_redundantly(depth + 1, enabled))
    }

    /// Runs the execution to its end without exploring.
    fn go_on_redundantly(&mut self, frames: usize, enabled: u64) -> Option<ThreadId> {
        debug_assert_eq!(self.driver.dpor.frames.len(), frames);
        self.driver.dpor.redundant = true;
        self.phase = Phase::Redundant;
        self.pick_usual(enabled)
    }

    /// Decides who sleeps at the frame to come: who slept or was done at the last one and is not touched by what its
    /// step did.
    fn push_sleepers(&mut self, depth: usize) {
        let Some(last) = depth.checked_sub(1) else { return };
        let frame = &self.driver.dpor.frames[last];
        let (done, ended, looked, ran) = (frame.done, frame.ended, frame.looked, frame.thread);
        let slept = frame.sleepers_start as usize..frame.sleepers_end as usize;
        for at in slept {
            let sleeper = self.driver.dpor.sleepers[at];
            if done >> sleeper.thread.index() & 1 == 0 {
                self.push_sleeper(sleeper, ran);
            }
        }
        let stamp = self.steps;
        for thread in members(done) {
            let [ended, looked] = [ended, looked].map(|set| set >> thread.index() & 1 == 1);
            let from = stamp - 1;
            self.push_sleeper(Sleeper { thread, stamp, ended, looked, from }, ran);
        }
    }

    fn push_sleeper(&mut self, sleeper: Sleeper, ran: ThreadId) {
        if sleeper.thread == ran {
            return;
        }
        // An alarm that was cancelled sleeps no more, and neither does a thread that has its number since.
        let Some(pending) = self.threads[sleeper.thread].pending else { return };
        let own = self.thread_object(sleeper.thread);
        let weak_read = self.is_weak(pending.object) && !matches!(pending.op, Op::Store { .. });
        let stamp = if weak_read || sleeper.stamp == FAILURE_ONLY { sleeper.stamp } else { FAST };
        let step = self.steps;
        let events = || self.events.iter().rev().take_while(|event| event.frame == step);
        if events().any(|event| event.kind == Kind::Spawn && event.object == own) {
            return;
        }
        let looked_at = |event: &Event| event.kind == Kind::IsFinished && event.object == own;
        let touched = events().any(|event| {
            self.touches(event, pending, &sleeper) || sleeper.ended && looked_at(event)
        });
        let weak_exchange = matches!(pending.op, Op::CompareExchange { weak: true, .. });
        let stamp = match (touched, weak_exchange) {
            (false, _) => stamp,
            (true, true) if !events().any(|event| event.kind.writes()) => FAILURE_ONLY,
            (true, _) => return,
        };
        self.driver.dpor.sleepers.push(Sleeper { stamp, ..sleeper });
    }

    /// Whether what `sleeper`, whose operation is `pending`, will do depends on `event`.
    fn touches(&self, event: &Event, pending: Pending, sleeper: &Sleeper) -> bool {
        let timed = match pending.op {
            Op::Wake { timer: true } => Some(Kind::WaitTimeout),
            Op::Park { timer: true } => Some(Kind::ParkTimeout),
            Op::AlarmFire => Some(Kind::AlarmFire),
            _ => None,
        };
        let inside = self.driver.dpor.inside.iter();
        let mut own = inside.filter(|one| one.from == sleeper.from && one.thread == sleeper.thread);
        let in_section = matches!(pending.op, Op::Enter { .. } | Op::Attempt { .. })
            && self.objects.class(event.object) == Class::Atomic;
        if in_section && own.any(|one| self.touches_inside(event, one)) {
            return true;
        }
        let clock = event.object == ObjectId::CLOCK && timed.is_some();
        if clock && ordered(Class::Clock, event.kind, Kind::TimerFire) {
            return true;
        }
        event.object == pending.object
            && !self.is_weak(event.object)
            && ordered(
                self.objects.class(event.object),
                event.kind,
                timed.unwrap_or_else(|| self.coming_kind(pending, sleeper.looked)),
            )
    }

    /// Whether an access of an atomic inside a section that was explored depends on `event`.
    fn touches_inside(&self, event: &Event, inside: &Inside) -> bool {
        let same = if inside.first_use {
            std::ptr::eq(self.objects.created(event.object), inside.created)
        } else {
            event.object == inside.object
        };
        same && (event.kind.writes() || inside.writes && !self.is_weak(event.object))
    }

    /// The running thread has accessed an atomic inside a section, by its last event.
    pub(crate) fn note_inside(&mut self, thread: ThreadId, object: ObjectId) {
        if !self.is_exploring() {
            return;
        }
        let from = self.steps - 1;
        let created = self.objects.created(object);
        let first_use = object.0 >= self.driver.dpor.frames[from as usize].objects;
        let writes = self.events.iter().next_back().is_some_and(|event| event.kind.writes());
        let inside = Inside { from, thread, object, created, first_use, writes };
        self.driver.dpor.inside.push(inside);
    }

    /// What `pending` would be if it happened now; of an attempt `looked` tells whether it would be in vain.
    fn coming_kind(&self, pending: Pending, looked: bool) -> Kind {
        let Pending { op, object, .. } = pending;
        let in_vain = match op {
            Op::CompareExchange { expected, .. } => {
                let last = self.objects.last_message(object);
                self.objects.message(last).value != expected
            }
            Op::TryLock => self.objects.mutex(object).owner.is_some(),
            Op::TryRead => !self.objects.rwlock(object).admits_readers(),
            Op::TryWrite => !self.objects.rwlock(object).is_free(),
            Op::Attempt { .. } => looked,
            Op::LetGo { .. } if self.objects.monitor(object).holders == 1 => {
                return Kind::LastLetGo;
            }
            _ => false,
        };
        if in_vain { op.kind_in_vain() } else { op.kind() }
    }

    /// The frame for the step to come; none when everybody sleeps.
    fn new_frame(&mut self, depth: usize, enabled: u64) -> Option<Frame> {
        let end = u32::try_from(self.driver.dpor.sleepers.len()).expect("sleepers are few");
        let start =
            depth.checked_sub(1).map_or(0, |last| self.driver.dpor.frames[last].sleepers_end);
        let slept = &self.driver.dpor.sleepers[start as usize..end as usize];
        let ended = slept.iter().filter(|sleeper| sleeper.ended).map(|sleeper| sleeper.thread);
        let mut frame = Frame {
            enabled,
            planned: 0,
            done: 0,
            ended: set_of(ended),
            looked: 0,
            objects: u32::try_from(self.objects.len()).expect("objects are few"),
            thread: ThreadId::MAIN,
            label: 0,
            labels: 0,
            sleepers_start: start,
            sleepers_end: end,
        };
        let ready = self.without_timers(enabled);
        let is_free = |&thread: &ThreadId| {
            let pending = self.threads[thread].pending.as_ref();
            pending.is_some_and(|pending| matches!(pending.op, Op::Store { .. }))
        };
        let weak = self.mode == Mode::Rc11;
        let stores = if weak { set_of(members(ready).filter(is_free)) } else { 0 };
        let current = ready & 1 << self.running.index();
        let sleepers = start as usize..end as usize;
        let chosen = [stores, current, ready, enabled]
            .into_iter()
            .flat_map(members)
            .find(|&thread| self.is_awake(thread, sleepers.clone()))?;
        frame.thread = chosen;
        frame.planned = 1 << chosen.index();
        Some(frame)
    }

    fn is_awake(&mut self, thread: ThreadId, sleepers: std::ops::Range<usize>) -> bool {
        let sleepers = &self.driver.dpor.sleepers[sleepers];
        match sleepers.iter().find(|sleeper| sleeper.thread == thread) {
            None => true,
            Some(sleeper) if sleeper.stamp == FAST => false,
            Some(&Sleeper { stamp, .. }) => {
                self.list_labels(thread);
                self.labels.iter().any(|&label| self.is_label_awake(label, Some(stamp)))
            }
        }
    }

    /// Whether a thread that sleeps since `stamp` may take `label`.
    fn is_label_awake(&self, label: Label, stamp: Option<u32>) -> bool {
        match (stamp, label) {
            (None, _) => true,
            (Some(FAST), _) => false,
            (Some(FAILURE_ONLY), label) => !matches!(label, Label::Spurious(_)),
            (Some(stamp), Label::Message(message) | Label::Spurious(message)) => {
                self.objects.message(message).born >= stamp
            }
            (Some(_), _) => true,
        }
    }

    /// Whether a step is executed here for the first time.
    fn is_exploring(&self) -> bool {
        let fresh = self.steps as usize > self.driver.dpor.fresh_from;
        self.driver.is_exhaustive() && self.phase == Phase::Running && fresh
    }

    /// Looks for races between the events of the step that `me` has just closed, from the one at `start` on, and
    /// earlier ones. One that was looked at before is again: now it is known what else the step depends on.
    pub(crate) fn examine_step(&mut self, me: ThreadId, start: usize) {
        if !self.is_exploring() {
            return;
        }
        for at in start..self.threads[me].events.len() {
            let event = self.events[self.threads[me].events[at]];
            if !event.kind.is_plain() {
                self.find_races(event);
            }
        }
    }

    /// Looks for races between the event just executed and earlier ones, unless its step goes on.
    pub(crate) fn examine(&mut self, event: EventId) {
        if !self.is_exploring() || self.is_in_section() {
            return;
        }
        let Event { thread, kind, object, .. } = self.events[event];
        let alone = self.objects.users(object) == 1 << thread.index();
        if alone && kind != Kind::TimedWake {
            return;
        }
        let event = self.events[event];
        if event.kind == Kind::TimedWake {
            let notify = self.threads[event.thread].notified;
            let notify = self.events[notify.expect("a wake was notified")];
            self.try_before(&notify, &event);
        }
        self.find_races(event);
    }

    /// Looks for races of the operations that blocked threads announced.
    pub(crate) fn examine_pending(&mut self) {
        if !self.driver.is_exhaustive() {
            return;
        }
        for thread in (0..self.count).map(ThreadId::new) {
            if self.is_live(thread) {
                self.examine_coming(thread);
            }
        }
    }

    /// Looks for races of an alarm that is about to be cancelled.
    pub(crate) fn examine_cancelled(&mut self, alarm: ThreadId) {
        if self.is_exploring() {
            self.examine_coming(alarm);
        }
    }

    /// Looks for races of the operation that `thread` has announced, as if it happened now.
    fn examine_coming(&mut self, thread: ThreadId) {
        let state = &self.threads[thread];
        let Some(pending) = state.pending else { return };
        let expected = match pending.op {
            Op::CompareExchange { expected, .. } => Some(expected),
            _ => None,
        };
        // An attempt that is held would be in vain; of one that was cut off nobody knows.
        let kind = match expected {
            Some(_) => Kind::FailedCompareExchange,
            None => self.coming_kind(pending, self.is_waiting_for_news(thread)),
        };
        let number = state.number + 1;
        let (before, hb) = (state.causal, state.hb);
        let causal = self.clocks.copy(before);
        if !self.is_weak(pending.object) {
            let as_if = if expected.is_some() { pending.op.kind() } else { kind };
            self.order_after_dependent(causal, thread, pending.object, as_if);
        }
        self.find_races(Event {
            thread,
            kind,
            order: std::sync::atomic::Ordering::Relaxed,
            object: pending.object,
            location: pending.location,
            number,
            frame: self.steps + 1,
            read: 0,
            written: expected.unwrap_or(0),
            rf: None,
            message: None,
            previous: None,
            causal,
            before,
            hb,
        });
    }

    fn find_races(&mut self, event: Event) {
        if self.is_weak(event.object) {
            self.find_weak_races(event);
        } else {
            self.find_ordered_races(event);
        }
    }

    /// A store or read-modify-write that earlier reads might have read, had it come before.
    fn find_weak_races(&mut self, event: Event) {
        if !event.kind.writes() && event.kind != Kind::FailedCompareExchange {
            return;
        }
        let source = event.rf.and_then(|rf| self.objects.message(rf).event);
        for thread in members(self.objects.users(event.object) & !(1 << event.thread.index())) {
            let known = self.clocks.get(event.before, thread);
            let mut cursor = self.objects.head(event.object, thread);
            while let Some(index) = cursor {
                let earlier = &self.events[index];
                if earlier.number <= known {
                    break;
                }
                cursor = earlier.previous;
                let between = source.is_some_and(|source| {
                    let causal = self.events[source].causal;
                    source != index && self.clocks.get(causal, thread) >= earlier.number
                });
                if !between && self.could_matter(earlier, &event) {
                    let earlier = *earlier;
                    self.try_before(&earlier, &event);
                }
            }
        }
    }

    /// Whether `event`, executed before `earlier`, could be what `earlier` reads or take its place.
    fn could_matter(&self, earlier: &Event, event: &Event) -> bool {
        if event.kind != Kind::FailedCompareExchange {
            return earlier.kind.reads();
        }
        // It failed here, but would have found its value where the earlier one took it.
        let expected = event.written;
        earlier.kind == Kind::Rmw && earlier.read == expected
    }

    /// Reversible pairs on an object whose operations are ordered by execution, the latest first, none through another.
    fn find_ordered_races(&mut self, event: Event) {
        let class = self.objects.class(event.object);
        let mut earlier = std::mem::take(&mut self.driver.dpor.scratch);
        earlier.clear();
        for thread in members(self.objects.users(event.object) & !(1 << event.thread.index())) {
            let known = self.clocks.get(event.before, thread);
            let mut cursor = self.objects.head(event.object, thread);
            while let Some(index) = cursor {
                let other = &self.events[index];
                if other.number <= known {
                    break;
                }
                if reversible(class, other.kind, event.kind) && !self.began_with(other) {
                    earlier.push(index);
                }
                cursor = other.previous;
            }
        }
        if !earlier.is_empty() {
            earlier.sort_unstable_by_key(|&other| Reverse(self.events[other].frame));
            let covered = self.clocks.copy(event.before);
            for &other in &earlier {
                let other = self.events[other];
                if self.clocks.get(covered, other.thread) < other.number {
                    self.try_before(&other, &event);
                    self.clocks.join(covered, other.causal);
                }
            }
        }
        self.driver.dpor.scratch = earlier;
    }

    /// Whether it is the end of a thread that ended in the step that spawned it: there is nothing before.
    fn began_with(&self, event: &Event) -> bool {
        event.kind == Kind::Finish && event.frame == self.threads[event.thread].spawned_in
    }

    /// Makes sure that `event` is also explored before `earlier`.
    fn try_before(&mut self, earlier: &Event, event: &Event) {
        let frame = earlier.frame as usize - 1;
        let initials = self.initials(earlier, event);
        let at = &self.driver.dpor.frames[frame];
        if initials & at.planned != 0 {
            return;
        }
        if members(initials).any(|thread| self.is_covered(frame, thread, earlier, event)) {
            return;
        }
        let at = &mut self.driver.dpor.frames[frame];
        let possible = initials & at.enabled;
        if possible != 0 {
            let own = possible & 1 << event.thread.index();
            at.planned |= 1 << first(if own != 0 { own } else { possible }).index();
        }
    }

    /// Whether the first step that `thread` takes independently of `earlier` sleeps at its frame.
    fn is_covered(&self, frame: usize, thread: ThreadId, earlier: &Event, event: &Event) -> bool {
        let Some(stamp) = self.driver.dpor.stamp(frame, thread) else { return false };
        if stamp >= FAILURE_ONLY {
            return stamp == FAST;
        }
        if let Some(first) = self.first_independent(thread, earlier) {
            return first.rf.is_some_and(|rf| self.objects.message(rf).born < stamp);
        }
        if !self.is_weak(event.object) {
            // The end of the thread belongs to a step that began with what sleeps.
            let events = &self.threads[thread].events;
            let at = events.partition_point(|&other| self.events[other].frame < event.frame);
            let read = events.get(at).and_then(|&first| self.events[first].rf);
            return read.is_some_and(|read| self.objects.message(read).born < stamp);
        }
        let order = &self.objects.atomic(event.object).order;
        !order.iter().any(|&message| {
            let born = self.objects.message(message).born;
            stamp <= born && born < earlier.frame
        })
    }

    /// The first event of `thread` after the step of `earlier`, if that is not in its past.
    fn first_independent(&self, thread: ThreadId, earlier: &Event) -> Option<&Event> {
        let events = &self.threads[thread].events;
        let step = earlier.frame;
        let at = events.partition_point(|&event| self.events[event].frame <= step);
        let event = &self.events[*events.get(at)?];
        (self.clocks.get(event.causal, earlier.thread) < earlier.number).then_some(event)
    }

    /// The threads that can take the first step of what was executed after `earlier` and independently of it, with
    /// `event` at its end.
    fn initials(&mut self, earlier: &Event, event: &Event) -> u64 {
        let mut firsts = std::mem::take(&mut self.driver.dpor.firsts);
        firsts.clear();
        for thread in (0..self.count).map(ThreadId::new).filter(|&other| other != earlier.thread) {
            let first = match self.first_independent(thread, earlier) {
                Some(first) if thread != event.thread || first.number < event.number => first,
                _ if thread == event.thread => event,
                _ => continue,
            };
            firsts.push(First { thread, number: first.number, past: first.causal });
        }
        let starts = |one: &&First| {
            let after = |other: &First| self.clocks.get(one.past, other.thread) >= other.number;
            !firsts.iter().any(|other| other.thread != one.thread && after(other))
        };
        let initials = set_of(firsts.iter().filter(starts).map(|first| first.thread));
        self.driver.dpor.firsts = firsts;
        initials
    }
}
