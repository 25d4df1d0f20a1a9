//! One execution: threads, objects, events, and the scheduler's loop over them.
//!
//! The engine is a state machine without coroutines: [`Engine::announce`] takes what a thread wants to do and answers
//! whether it may do it now; [`Engine::resumed`] executes what the thread had announced once it was picked. Who is
//! picked is the business of the driver (`dpor`, `walk`, `depth`, `replay`), which sees the enabled threads and their
//! labels.
//!
//! **Invariants:** an event is maximal in the causal order when it is added; rows of clocks that an event names are
//! never written after the event is complete; all vectors keep their memory between executions.

mod detail;
mod execute;
mod memory;
mod monitor;
mod objects;
mod psc;
mod quiescence;
mod race;
mod strengthen;
mod suspicion;
mod threads;
mod tracked;
mod wide;

use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::clock::Clocks;
use crate::config::{Config, Mode};
use crate::driver::Driver;
use crate::event::{Class, Event, Kind, MessageId, ObjectId, Op, ThreadId};
use crate::finding::Finding;
use crate::meta;
use crate::pulse;
use detail::Detail;
use suspicion::Suspicions;
use tracked::Tracked;

pub(crate) use objects::{Message, Objects};
pub(crate) use threads::Thread;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub(crate) location: &'static Location<'static>,
}

/// What an operation answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) value: u64,
    pub(crate) ok: bool,
}

/// What a thread that came to an operation does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The operation was executed.
    Done(Reply),
    /// Another thread goes first: suspend.
    Switch,
    /// The execution is over: unwind.
    Unwind,
}

/// How a thread's closure ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Returned,
    Panicked(String),
    Unwound,
}

/// A thread's closure.
pub(crate) type Body = Box<dyn FnOnce() -> Ended>;

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
    pub(crate) phase: Phase,
    /// Tells this execution's objects from those of all others.
    pub(crate) epoch: u64,
    pub(crate) threads: Vec<Thread>,
    pub(crate) count: usize,
    bodies: Vec<Option<BodySlot>>,
    fresh: Vec<ThreadId>,
    /// Numbers of alarms that were cancelled.
    unused: Vec<ThreadId>,
    /// Whether the running thread is in a critical section that is one step.
    inside: bool,
    /// Numbers given out by [`unique`](crate::probe::unique).
    pub(crate) unique: u64,
    pub(crate) width: usize,
    pub(crate) clocks: Clocks,
    pub(crate) objects: Objects,
    pub(crate) events: Vec<Event>,
    /// The SeqCst operations and fences.
    sc_events: Vec<u32>,
    sc_fences: Vec<u32>,
    pub(crate) now_ns: u64,
    pub(crate) steps: u32,
    pub(crate) choices: Vec<Choice>,
    pub(crate) running: ThreadId,
    pub(crate) label: Label,
    pub(crate) labels: Vec<Label>,
    /// Steps taken since nothing but held threads was left.
    spin_steps: u32,
    spin_forced: bool,
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

/// A body with an opaque `Debug`.
pub(crate) struct BodySlot(pub(crate) Body);

impl std::fmt::Debug for BodySlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

const WIDTH_MIN: usize = 8;

/// Odd, with bits all over.
const FINGERPRINT: u64 = 0x9E37_79B9_7F4A_7C15;

impl Engine {
    pub(crate) fn new(config: Config, driver: Driver) -> Self {
        Self {
            mode: config.mode,
            config,
            phase: Phase::Ending,
            epoch: 0,
            threads: Vec::new(),
            count: 0,
            bodies: Vec::new(),
            fresh: Vec::new(),
            unused: Vec::new(),
            inside: false,
            unique: 0,
            width: WIDTH_MIN,
            clocks: Clocks::new(WIDTH_MIN),
            objects: Objects::new(WIDTH_MIN),
            events: Vec::new(),
            sc_events: Vec::new(),
            sc_fences: Vec::new(),
            now_ns: 0,
            steps: 0,
            choices: Vec::new(),
            running: ThreadId::MAIN,
            label: Label::Plain,
            labels: Vec::new(),
            spin_steps: 0,
            spin_forced: false,
            early_fires: 0,
            spins_held: false,
            teardown_ops: 0,
            wide: Wide::default(),
            tracked: Tracked::default(),
            suspicions: Suspicions::default(),
            detail: Detail::default(),
            fingerprint: 0,
            findings: Vec::new(),
            driver,
        }
    }

    /// Starts an execution whose main thread runs `body`.
    pub(crate) fn begin(&mut self, epoch: u64, body: Body) {
        self.epoch = epoch;
        self.phase = Phase::Running;
        self.count = 0;
        self.fresh.clear();
        self.unused.clear();
        self.inside = false;
        self.unique = 0;
        self.clocks.reset();
        self.objects.reset();
        self.events.clear();
        self.sc_events.clear();
        self.sc_fences.clear();
        self.now_ns = 0;
        self.steps = 0;
        self.choices.clear();
        self.running = ThreadId::MAIN;
        self.spin_steps = 0;
        self.spin_forced = false;
        self.early_fires = 0;
        self.teardown_ops = 0;
        self.wide.clear();
        self.tracked.clear();
        self.suspicions.begin();
        self.detail.clear();
        self.fingerprint = 0;
        self.findings.clear();
        let clock = self.objects.add(&meta::CLOCK, Location::caller());
        debug_assert_eq!(clock, ObjectId::CLOCK);
        self.add_main(body);
        self.driver.begin();
    }

    /// A thread came to an operation.
    pub(crate) fn announce(&mut self, pending: Pending) -> Step {
        let me = self.running;
        if self.inside {
            return Step::Done(self.at_once(pending));
        }
        self.threads[me.index()].pending = Some(pending);
        pulse::beat(pending.location);
        if self.config.detail {
            self.detail.announce(me);
        }
        // Nothing depends on when these happen.
        if matches!(pending.op, Op::Fence { .. } | Op::Yield) {
            return Step::Done(self.resumed());
        }
        if matches!(pending.op, Op::Lock) {
            self.look_for_cycle(me);
        }
        match self.next() {
            Some(next) if next == me => Step::Done(self.resumed()),
            _ => Step::Switch,
        }
    }

    /// Picks who runs next and stores it in `running`; `None` when the execution is over.
    pub(crate) fn next(&mut self) -> Option<ThreadId> {
        if matches!(self.phase, Phase::Ending | Phase::Teardown) {
            return None;
        }
        if let Some(thread) = self.next_fresh() {
            self.running = thread;
            return Some(thread);
        }
        if self.config.end_at_finding && !self.findings.is_empty() {
            self.phase = Phase::Ending;
            return None;
        }
        if self.steps >= self.config.steps_max {
            self.findings.push(Finding::TooLong { steps_max: self.config.steps_max });
            self.phase = Phase::Ending;
            return None;
        }
        self.spin_forced = false;
        let mut enabled = self.enabled();
        if enabled == 0 {
            enabled = self.quiescent();
        } else {
            enabled = self.limit_timers(enabled);
        }
        let picked = if enabled == 0 { None } else { self.pick(enabled) };
        let Some((thread, label)) = picked else {
            self.phase = Phase::Ending;
            return None;
        };
        self.steps += 1;
        if self.is_timer(thread) && !self.has_only_timers(enabled) {
            self.early_fires += 1;
        }
        self.running = thread;
        self.label = label;
        Some(thread)
    }

    /// Who can go on, timers only as far as they may.
    fn limit_timers(&mut self, enabled: u64) -> u64 {
        let ready = self.without_timers(enabled);
        if self.has_only_timers(enabled) {
            if self.starves(enabled) { 0 } else { enabled }
        } else if ready != enabled && self.early_fires >= self.config.early_fires_max {
            self.spins_held = true;
            ready
        } else {
            enabled
        }
    }

    /// The threads that can take a step, as a set of bits.
    fn enabled(&mut self) -> u64 {
        let mut enabled = 0;
        for index in 0..self.count {
            if !self.threads[index].is_live() {
                continue;
            }
            if self.is_enabled(ThreadId::new(index)) {
                enabled |= 1 << index;
            } else {
                let pending = self.threads[index].pending;
                let load = |op| {
                    matches!(op, Op::Load { .. } | Op::Rmw { .. } | Op::CompareExchange { .. })
                };
                self.spins_held |= pending.is_some_and(|pending| load(pending.op));
            }
        }
        enabled
    }

    /// Adds an event of `thread` that is ordered after the thread's own past only.
    pub(crate) fn record(
        &mut self,
        thread: ThreadId,
        kind: Kind,
        object: ObjectId,
        location: &'static Location<'static>,
        order: Ordering,
    ) -> usize {
        let index = self.events.len();
        let state = &mut self.threads[thread.index()];
        let short = u32::try_from(index).expect("the step bound keeps events few");
        state.events.push(short);
        let number = u32::try_from(state.events.len()).expect("the step bound keeps events few");
        let before = state.causal;
        let (causal, hb) = if matches!(kind, Kind::CellRead | Kind::CellWrite) {
            (state.causal, state.hb)
        } else {
            let causal = self.clocks.copy(state.causal);
            let hb = self.clocks.copy(state.hb);
            self.clocks.set(causal, thread, number);
            self.clocks.set(hb, thread, number);
            (causal, hb)
        };
        state.causal = causal;
        state.hb = hb;
        let previous = self.objects.replace_head(object, thread, short);
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
            causal,
            before,
            hb,
        });
        let place = std::ptr::from_ref(location) as u64;
        self.note(place ^ u64::from(object.0) << 16 ^ (kind as u64) << 8 ^ u64::from(thread.0));
        if self.config.detail {
            self.detail.record(index);
        }
        index
    }

    /// Makes the fingerprint depend on `what`.
    #[inline]
    pub(crate) fn note(&mut self, what: u64) {
        self.fingerprint = (self.fingerprint.rotate_left(5) ^ what).wrapping_mul(FINGERPRINT);
    }

    /// Whether `event` happens before whatever `thread` does next.
    pub(crate) fn seen_by(&self, event: &Event, thread: ThreadId) -> bool {
        let hb = self.threads[thread.index()].hb;
        event.thread == thread || self.clocks.get(hb, event.thread) >= event.number
    }

    /// The message and object kinds of weak atomics follow `rf` alone; all else is ordered by execution.
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
}
