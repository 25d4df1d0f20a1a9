//! One execution: threads, objects, events, and the scheduler's loop over them.
//!
//! The engine is a state machine without coroutines: [`Engine::announce`] takes what a thread wants to do, picks who
//! goes on, and executes what that thread had announced; the thread finds the answer in `reply` when it is resumed. Who
//! is picked is the business of the driver (`dpor`, `walk`, `depth`, `replay`), which sees the enabled threads and
//! their labels.
//!
//! How much is kept of what has happened is [`Keep`]: clocks and the last values suffice to go on and to notice that
//! something is wrong; events are kept for who wants to read them, and their causes for the search.
//!
//! **Invariants:** an event is maximal in the causal order when it is added; rows of clocks that an event names are
//! never written after the event is complete; all vectors keep their memory between executions.

mod access;
mod detail;
mod execute;
mod fairness;
mod memory;
mod monitor;
mod objects;
mod psc;
mod quiescence;
mod race;
mod ready;
mod strengthen;
mod suspicion;
mod threads;
mod tracked;
mod unwinding;
mod wide;

use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::clock::{Clocks, Row};
use crate::config::{Config, Mode};
use crate::driver::{Driver, Strategy};
use crate::event::{Class, Event, EventId, Events, Kind, MessageId, ObjectId, Op, ThreadId};
use crate::finding::{Finding, Place};
use crate::job::Job;
use crate::pulse;
use crate::trace::PanicBegun;
use detail::Detail;
use monitor::Section;
use ready::Ready;
use suspicion::Suspicions;
use tracked::Tracked;

pub(crate) use objects::Objects;
pub(crate) use threads::{Thread, Threads};
pub(crate) use wide::Wide;

/// A step as recorded for replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// Who ran.
    pub thread: u16,
    /// Which of its labels, in the order in which the engine lists them.
    pub label: u16,
}

/// What a step decides besides the thread.
// What is named stands in the same half of the word for all: it is read as it was written, which does not stall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Label {
    /// Nothing.
    Plain,
    /// Read this store.
    Message(MessageId),
    /// Read this store in a weak compare-exchange and fail although it matches.
    Spurious(MessageId),
    /// Be placed right after this store.
    After(MessageId),
    /// Wake this thread.
    Waiter(ThreadId),
    /// End the wait by its time limit.
    Timeout,
    /// Answer this.
    Number(u16),
}

/// An announced operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) op: Op,
    pub(crate) object: ObjectId,
    pub(crate) location: Place,
}

impl Pending {
    #[inline]
    pub(crate) fn at(&self) -> At {
        At { object: self.object, location: self.location }
    }
}

/// On what an operation is, and where in the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) object: ObjectId,
    pub(crate) location: Place,
}

/// What an operation answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) value: u64,
    pub(crate) ok: bool,
}

/// What a thread that came to an operation does next, in a word that stays in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step(u64);

impl Step {
    /// The operation was executed: take the answer.
    pub(crate) const DONE: Self = Self(u64::MAX);
    /// The execution is over: suspend, and nobody goes on.
    pub(crate) const END: Self = Self(u64::MAX - 1);
    /// What is left of the execution is being unwound, this thread now.
    pub(crate) const UNWIND: Self = Self(u64::MAX - 2);

    /// Suspend: this thread goes on.
    #[inline]
    fn switch(thread: ThreadId) -> Self {
        Self(u64::from(thread.0))
    }

    /// Who goes on.
    #[inline]
    pub(crate) fn thread(self) -> Option<ThreadId> {
        u16::try_from(self.0).ok().map(ThreadId)
    }
}

/// How a thread's closure ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Returned,
    Panicked(String),
    Unwound,
}

/// What of an execution is kept beyond what its next step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Keep {
    /// Nothing: enough while there is no plain data and no lock is taken under another, so that who knows of what does
    /// not matter.
    Nothing,
    /// What happens before what each thread does next. What is noticed is told by a second run, which keeps events.
    Clocks,
    /// Its events.
    Events,
    /// And the causal order of its events.
    Causes,
}

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// All that could move sleep: what follows is known, it only runs to its end.
    Redundant,
    /// No more steps.
    Ending,
    /// What is left of the threads is being unwound.
    Teardown,
}

/// The engine; see the module.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) config: Config,
    pub(crate) mode: Mode,
    pub(crate) keep: Keep,
    pub(crate) phase: Phase,
    /// Tells this execution's objects from those of all others.
    pub(crate) epoch: u64,
    pub(crate) threads: Threads,
    pub(crate) count: usize,
    /// Those that have begun and not ended.
    live: u64,
    /// Those whose jobs are kept.
    jobs: u64,
    /// Whether any thread has made a thread-local value.
    pub(crate) has_locals: bool,
    /// Whether a panic waits for somebody to join its thread.
    some_panicked: bool,
    /// Those that began to unwind, since somebody has all the time; who has come to the end of that may be among them.
    unwinding: u64,
    /// Whether a thread that was given up while it unwound makes this OS thread look as if it did, for ever.
    unwinds_for_ever: bool,
    /// The panics so far.
    pub(crate) panics: Vec<PanicBegun>,
    fresh: Vec<ThreadId>,
    /// Numbers of alarms that were cancelled.
    unused: Vec<ThreadId>,
    /// How many threads took over a number.
    followers: usize,
    ready: Ready,
    /// Whether clocks would have been needed, but were not kept.
    pub(crate) wants_clocks: bool,
    /// Whether the running thread is in a critical section that is one step.
    inside: bool,
    /// That section, where it is of a monitor and a step.
    section: Option<Section>,
    /// Whether what the running thread comes to may be more, or less, than a step.
    is_special: bool,
    /// Numbers given out by [`unique`](crate::probe::unique).
    pub(crate) unique: u64,
    pub(crate) clocks: Clocks,
    pub(crate) objects: Objects,
    /// How many events there were, kept or not.
    pub(crate) happened: u32,
    pub(crate) events: Events,
    /// The SeqCst operations and fences.
    sc_events: Vec<EventId>,
    sc_fences: Vec<EventId>,
    sc_search: psc::Search,
    pub(crate) now_ns: u64,
    pub(crate) steps: u32,
    /// The step before which it is looked whether this goes on as it should.
    look_at: u32,
    pub(crate) choices: Vec<Choice>,
    pub(crate) running: ThreadId,
    /// The answer to the operation of the running thread, which it takes when it is resumed.
    pub(crate) reply: Reply,
    pub(crate) label: Label,
    pub(crate) labels: Vec<Label>,
    /// Steps taken since nothing but held threads was left.
    spin_steps: u32,
    /// Timers that fired in this execution while there was something else to do.
    early_fires: u32,
    /// Whether a load was held while it could have run, in any execution.
    pub(crate) spins_held: bool,
    pub(crate) teardown_ops: u32,
    pub(crate) wide: Wide,
    tracked: Tracked,
    pub(crate) suspicions: Suspicions,
    pub(crate) detail: Detail,
    /// A number that depends on every event: the same for the same execution.
    pub(crate) fingerprint: u64,
    pub(crate) findings: Vec<Finding>,
    pub(crate) driver: Driver,
}

/// Odd, with bits all over.
const FINGERPRINT: u64 = 0x9E37_79B9_7F4A_7C15;

impl Engine {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            mode: config.mode,
            keep: Keep::Causes,
            config,
            phase: Phase::Ending,
            epoch: 0,
            threads: Threads::default(),
            count: 0,
            live: 0,
            jobs: 0,
            has_locals: false,
            some_panicked: false,
            unwinding: 0,
            unwinds_for_ever: false,
            panics: Vec::new(),
            fresh: Vec::new(),
            unused: Vec::new(),
            followers: 0,
            ready: Ready::default(),
            wants_clocks: false,
            inside: false,
            section: None,
            is_special: false,
            unique: 0,
            clocks: Clocks::new(),
            objects: Objects::new(),
            happened: 0,
            events: Events::default(),
            sc_events: Vec::new(),
            sc_fences: Vec::new(),
            sc_search: psc::Search::default(),
            now_ns: 0,
            steps: 0,
            look_at: 0,
            choices: Vec::new(),
            running: ThreadId::MAIN,
            reply: Reply::default(),
            label: Label::Plain,
            labels: Vec::new(),
            spin_steps: 0,
            early_fires: 0,
            spins_held: false,
            teardown_ops: 0,
            wide: Wide::default(),
            tracked: Tracked::default(),
            suspicions: Suspicions::default(),
            detail: Detail::default(),
            fingerprint: 0,
            findings: Vec::new(),
            driver: Driver::default(),
        }
    }

    /// Makes ready for an exploration, which keeps as little as its strategy needs.
    pub(crate) fn prepare(&mut self, strategy: Strategy) {
        self.driver.prepare(strategy);
        // A weak memory remembers, and so does the search for values that came back.
        let remembers = self.mode == Mode::Rc11 || self.config.suspect_aba;
        self.keep = if self.driver.is_exhaustive() {
            Keep::Causes
        } else if remembers || self.config.detail || self.driver.runs_once() {
            Keep::Events
        } else {
            Keep::Nothing
        };
        self.spins_held = false;
        self.suspicions = Suspicions::default();
    }

    /// Starts an execution whose main thread runs `main`.
    pub(crate) fn begin(&mut self, epoch: u64, main: Rc<dyn Job>) {
        self.epoch = epoch;
        self.phase = Phase::Running;
        self.count = 0;
        self.live = 0;
        self.has_locals = false;
        self.some_panicked = false;
        self.unwinding = 0;
        self.unwinds_for_ever = std::thread::panicking();
        self.panics.clear();
        self.fresh.clear();
        self.unused.clear();
        self.followers = 0;
        self.ready = Ready::default();
        self.wants_clocks = false;
        self.set_inside(false);
        self.section = None;
        self.unique = 0;
        self.clocks.reset();
        self.objects.reset();
        self.happened = 0;
        self.events.clear();
        self.sc_events.clear();
        self.sc_fences.clear();
        self.now_ns = 0;
        self.steps = 0;
        self.look_at = self.next_look();
        self.choices.clear();
        self.running = ThreadId::MAIN;
        self.spin_steps = 0;
        self.early_fires = 0;
        self.teardown_ops = 0;
        self.wide.clear();
        self.tracked.clear();
        self.suspicions.begin();
        if self.config.detail {
            self.detail.clear();
        }
        self.fingerprint = 0;
        self.findings.clear();
        self.add_main(main);
        self.driver.begin();
    }

    /// The running thread came to an operation.
    #[inline(always)]
    pub(crate) fn announce(&mut self, op: Op, object: ObjectId, location: Place) -> Step {
        // Written in place: the parts of an operation are in registers, and to copy what was just written stalls.
        self.threads[self.running].pending = Some(Pending { op, object, location });
        self.announced()
    }

    #[inline(never)]
    fn announced(&mut self) -> Step {
        let me = self.running;
        if std::thread::panicking() {
            self.note_unwinding(me);
        } else {
            self.unwinding = 0;
        }
        if self.is_special
            && let Some(step) = self.announced_specially(me)
        {
            return step;
        }
        let state = &self.threads[me];
        let pending = state.pending.as_ref().expect("it has announced");
        pulse::beat(pending.location);
        if pending.op.goes_on_at_once() && state.spins.is_empty() {
            self.ready.add(me);
        } else if self.announced_other(me) {
            return Step::DONE;
        }
        let next = self.next();
        if next == Step::switch(me) { Step::DONE } else { next }
    }

    /// Where it is not clear at once that `me` can go on. True if the operation was executed: nothing depends on when.
    #[inline(never)]
    fn announced_other(&mut self, me: ThreadId) -> bool {
        let op = self.threads[me].pending.as_ref().expect("it has announced").op;
        if matches!(op, Op::Fence { .. } | Op::Yield) {
            self.reply = self.execute(me);
            return true;
        }
        self.make_ready(me);
        if !self.ready.has(me) {
            self.look_for_cycle(me);
        }
        false
    }

    /// What comes before the operation in special times, or instead of it.
    #[cold]
    fn announced_specially(&mut self, me: ThreadId) -> Option<Step> {
        self.strengthen(me);
        let pending = self.threads[me].pending.expect("it has announced");
        if self.phase == Phase::Teardown {
            return Some(self.torn_down(pending, self.is_unwinding()));
        }
        if self.inside {
            self.reply = self.at_once(me, pending);
            return Some(Step::DONE);
        }
        if self.config.detail {
            self.detail.announce(me);
        }
        None
    }

    /// The running thread enters or leaves a critical section that is one step.
    pub(super) fn set_inside(&mut self, inside: bool) {
        self.inside = inside;
        self.is_special = inside
            || self.phase == Phase::Teardown
            || self.config.detail
            || !self.config.strengthened.is_empty();
    }

    /// Picks who runs next, stores it in `running`, and executes what it had announced.
    #[inline]
    pub(crate) fn next(&mut self) -> Step {
        if matches!(self.phase, Phase::Ending | Phase::Teardown) {
            return Step::END;
        }
        if let Some(thread) = self.next_fresh() {
            self.running = thread;
            return Step::switch(thread);
        }
        let mut enabled = self.enabled();
        if self.has_only_timers(enabled) || self.is_to_be_looked_at() {
            enabled = self.at_an_end(enabled);
        } else if self.has_timers(enabled) {
            enabled = self.limit_timers(enabled);
        }
        let picked = if enabled == 0 { None } else { self.pick(enabled) };
        let Some(thread) = picked else {
            self.phase = Phase::Ending;
            return Step::END;
        };
        self.running = thread;
        self.steps += 1;
        if self.has_timers(enabled) {
            self.early_fires += u32::from(self.fires_early(thread, enabled));
        }
        self.reply = self.execute(thread);
        Step::switch(thread)
    }

    /// Whether this execution may end here, whoever could go on, or somebody has to go on.
    #[inline]
    fn is_to_be_looked_at(&self) -> bool {
        self.steps >= self.look_at || self.config.end_at_finding && !self.findings.is_empty()
    }

    /// Counts an event of `thread`.
    #[inline(always)]
    fn count(&mut self, thread: ThreadId, kind: Kind, at: At) -> EventId {
        let event = EventId::new(self.happened as usize);
        self.happened += 1;
        let place = std::ptr::from_ref(at.location) as u64;
        self.note(place ^ u64::from(at.object.0) << 16 ^ (kind as u64) << 8 ^ u64::from(thread.0));
        self.threads[thread].number += 1;
        event
    }

    /// Adds an event of `thread` that is ordered after the thread's own past only.
    #[inline]
    pub(crate) fn record(
        &mut self,
        thread: ThreadId,
        kind: Kind,
        at: At,
        order: Ordering,
    ) -> EventId {
        let event = self.count(thread, kind, at);
        if self.keep >= Keep::Events {
            self.keep_event(event, thread, kind, at, order);
        }
        event
    }

    #[inline(never)]
    fn keep_event(
        &mut self,
        event: EventId,
        thread: ThreadId,
        kind: Kind,
        At { object, location }: At,
        order: Ordering,
    ) {
        let state = &mut self.threads[thread];
        state.events.push(event);
        let before = state.causal;
        let number = state.number;
        if !kind.is_plain() {
            state.hb = self.clocks.copy_with(state.hb, thread, number);
            if self.keep == Keep::Causes {
                state.causal = self.clocks.copy_with(state.causal, thread, number);
            }
        }
        let previous = self.objects.replace_head(object, thread, event);
        self.events.push(Event {
            thread,
            kind,
            order,
            object,
            location,
            number,
            frame: self.steps,
            read: 0,
            written: 0,
            rf: None,
            message: None,
            previous,
            causal: state.causal,
            before,
            hb: state.hb,
        });
        if self.config.detail {
            let own = kind.is_plain() || matches!(kind, Kind::Spawn | Kind::Finish) || self.inside;
            self.detail.record(event.index(), (!own).then_some(thread));
        }
    }

    /// The clock of `thread` as it is now, not to change any more.
    #[inline]
    pub(crate) fn publish(&mut self, thread: ThreadId) -> Row {
        let Thread { hb, number, .. } = self.threads[thread];
        match self.keep {
            Keep::Nothing => Row::EMPTY,
            // The row is the thread's alone, and its own events are counted elsewhere.
            Keep::Clocks => self.clocks.copy_with(hb, thread, number),
            // The last events may be accesses to plain data, which have no clock of their own.
            Keep::Events | Keep::Causes if self.clocks.get(hb, thread) < number => {
                self.clocks.copy_with(hb, thread, number)
            }
            Keep::Events | Keep::Causes => hb,
        }
    }

    /// What `thread` does next happens after what is in `past`.
    #[inline]
    pub(crate) fn learn(&mut self, thread: ThreadId, past: Row) {
        if past != Row::EMPTY {
            self.clocks.join(self.threads[thread].hb, past);
        }
    }

    /// The last event of `thread` comes after `event`, in the causal order.
    #[inline]
    pub(crate) fn depend(&mut self, thread: ThreadId, event: EventId) {
        let causal = self.threads[thread].causal;
        let Event { thread: other, number, causal: past, .. } = self.events[event];
        // Who includes an event includes its past.
        if self.clocks.get(causal, other) < number {
            self.clocks.join(causal, past);
        }
    }

    /// Makes the fingerprint depend on `what`.
    #[inline]
    fn note(&mut self, what: u64) {
        self.fingerprint = (self.fingerprint.rotate_left(5) ^ what).wrapping_mul(FINGERPRINT);
    }

    /// Whether `event` happens before whatever `thread` does next.
    pub(crate) fn seen_by(&self, event: &Event, thread: ThreadId) -> bool {
        let hb = self.threads[thread].hb;
        event.thread == thread || self.clocks.get(hb, event.thread) >= event.number
    }

    /// The message and object kinds of weak atomics follow `rf` alone; all else is ordered by execution.
    #[inline]
    pub(crate) fn is_weak(&self, object: ObjectId) -> bool {
        self.mode == Mode::Rc11 && self.objects.class(object) == Class::Atomic
    }

    /// After the last step: what only the whole execution shows.
    pub(crate) fn finish(&mut self) {
        let known = self.findings.iter().any(|found| matches!(found, Finding::Diverged { .. }));
        if self.driver.is_exhaustive() && !known && !self.driver.dpor.was_repeated(self.steps) {
            self.findings.push(Finding::Diverged { step: self.steps });
        }
        self.report_panics();
        self.report_leaked_values();
    }

    /// Whether the execution shows anything that is to be reported.
    pub(crate) fn shows_something(&self) -> bool {
        !self.findings.is_empty() || !self.suspicions.found.is_empty()
    }

    /// Takes what the execution shows.
    pub(crate) fn take_shown(&mut self) -> [Vec<Finding>; 2] {
        [std::mem::take(&mut self.findings), self.suspicions.take()]
    }

    /// After the execution was repeated: makes sure that it shows what it did before, which it does if the model
    /// depends on nothing but the choices.
    pub(crate) fn insist_on(&mut self, shown: [Vec<Finding>; 2]) {
        let same = |one: &[Finding], two: &[Finding]| {
            one.iter().map(Finding::signature).eq(two.iter().map(Finding::signature))
        };
        let [findings, suspicions] = shown;
        if !same(&findings, &self.findings) || !same(&suspicions, &self.suspicions.found) {
            self.findings = findings;
            self.findings.push(Finding::Diverged { step: self.steps });
            self.suspicions.found = suspicions;
        }
    }
}
