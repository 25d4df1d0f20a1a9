//! One execution: threads, objects, events, and the scheduler's loop over them.
//!
//! The engine is a state machine without coroutines: [`Engine::announce`] takes what a thread wants to do and answers
//! whether it may do it now; [`Engine::resumed`] executes what the thread had announced once it was picked. Who is
//! picked is the business of the driver (`dpor`, `walk`, `depth`, `replay`), which sees the enabled threads and their
//! labels.
//!
//! **Invariants:** an event is maximal in the causal order when it is added; rows of clocks that an event names are
//! never written after the event is complete; all vectors keep their memory between executions.

mod execute;
mod memory;
mod objects;
mod psc;
mod quiescence;
mod race;

use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::clock::{Clocks, Row};
use crate::config::{Config, Mode, THREADS_MAX};
use crate::driver::Driver;
use crate::event::{Class, Event, Kind, MessageId, ObjectId, Op, ThreadId};
use crate::finding::{Finding, ThreadInfo};

pub(crate) use objects::{Message, Objects};

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

/// A place where a thread reads the same store again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spin {
    location: &'static Location<'static>,
    object: ObjectId,
    message: MessageId,
    repeats: u32,
}

#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) pending: Option<Pending>,
    pub(crate) finished: bool,
    started: bool,
    joined: bool,
    panicked: Option<String>,
    name: Option<String>,
    spawned_at: Option<&'static Location<'static>>,
    /// The thread's events, in order.
    pub(crate) events: Vec<u32>,
    pub(crate) causal: Row,
    pub(crate) hb: Row,
    /// What an acquire fence would take over.
    acquire: Row,
    /// What the last release fence published.
    release: Row,
    failed_spuriously: bool,
    spins: Vec<Spin>,
    /// Set by a notification: the event that made it.
    pub(crate) notified: Option<u32>,
    deadline: Option<u64>,
    /// The park token.
    token: bool,
    /// What the unparks since the last park published; `EMPTY` when there is none.
    token_hb: Row,
    /// The thread's own object.
    object: ObjectId,
}

impl Thread {
    fn new() -> Self {
        Self {
            pending: None,
            finished: false,
            started: false,
            joined: false,
            panicked: None,
            name: None,
            spawned_at: None,
            events: Vec::new(),
            causal: Row::EMPTY,
            hb: Row::EMPTY,
            acquire: Row::EMPTY,
            release: Row::EMPTY,
            failed_spuriously: false,
            spins: Vec::new(),
            notified: None,
            deadline: None,
            token: false,
            token_hb: Row::EMPTY,
            object: ObjectId::CLOCK,
        }
    }

    fn reset(&mut self) {
        let events = std::mem::take(&mut self.events);
        let spins = std::mem::take(&mut self.spins);
        *self = Self { events, spins, ..Self::new() };
        self.events.clear();
        self.spins.clear();
    }

    pub(crate) fn is_live(&self) -> bool {
        self.started && !self.finished
    }
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
    pub(crate) phase: Phase,
    /// Tells this execution's objects from those of all others.
    pub(crate) epoch: u64,
    pub(crate) threads: Vec<Thread>,
    pub(crate) count: usize,
    bodies: Vec<Option<BodySlot>>,
    fresh: Vec<ThreadId>,
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
    /// Whether a load was held while it could have run, in any execution.
    pub(crate) spins_held: bool,
    pub(crate) teardown_ops: u32,
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
            spins_held: false,
            teardown_ops: 0,
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
        self.teardown_ops = 0;
        self.findings.clear();
        let clock = self.objects.add(Class::Clock, Location::caller());
        debug_assert_eq!(clock, ObjectId::CLOCK);
        self.add_thread(body, None, None);
        self.fresh.pop();
        self.threads[0].started = true;
        self.driver.begin();
    }

    fn add_thread(
        &mut self,
        body: Body,
        name: Option<String>,
        spawned_at: Option<&'static Location<'static>>,
    ) -> ThreadId {
        assert!(self.count < THREADS_MAX, "a model may have at most {THREADS_MAX} threads");
        if self.count == self.width {
            self.width *= 2;
            self.clocks.widen(self.width);
            self.objects.widen(self.width);
        }
        let id = ThreadId::new(self.count);
        if self.threads.len() == self.count {
            self.threads.push(Thread::new());
            self.bodies.push(None);
        }
        let created = spawned_at.unwrap_or_else(|| Location::caller());
        let object = self.objects.add(Class::Thread, created);
        let thread = &mut self.threads[self.count];
        thread.reset();
        thread.name = name;
        thread.spawned_at = spawned_at;
        thread.object = object;
        self.bodies[self.count] = Some(BodySlot(body));
        self.count += 1;
        self.fresh.push(id);
        id
    }

    /// Records that the running thread spawns `body`; not a scheduling point, as nothing depends on when it happens.
    pub(crate) fn spawn(
        &mut self,
        body: Body,
        name: Option<String>,
        location: &'static Location<'static>,
    ) -> ThreadId {
        let parent = self.running;
        let id = self.add_thread(body, name, Some(location));
        let object = self.threads[id.index()].object;
        // Relaxed: unused, a spawn has no ordering of its own.
        let event = self.record(parent, Kind::Spawn, object, location, Ordering::Relaxed);
        let (causal, hb) = (self.events[event].causal, self.events[event].hb);
        let child = &mut self.threads[id.index()];
        child.causal = causal;
        child.hb = hb;
        self.threads[parent.index()].spins.clear();
        id
    }

    pub(crate) fn thread_object(&self, thread: ThreadId) -> ObjectId {
        self.threads[thread.index()].object
    }

    /// Hands the picked fresh thread its closure.
    pub(crate) fn take_body(&mut self) -> Option<Body> {
        let slot = self.bodies.get_mut(self.running.index())?;
        slot.take().map(|body| body.0)
    }

    /// The running thread's closure ended.
    pub(crate) fn thread_ended(&mut self, ended: Ended) {
        let me = self.running;
        if self.phase != Phase::Teardown {
            let object = self.threads[me.index()].object;
            let here = Location::caller();
            // Relaxed: unused, as above.
            self.record(me, Kind::Finish, object, here, Ordering::Relaxed);
        }
        let thread = &mut self.threads[me.index()];
        thread.finished = true;
        thread.pending = None;
        if let Ended::Panicked(message) = ended {
            if me == ThreadId::MAIN {
                let thread = self.thread_info(me);
                self.findings.push(Finding::Panic { thread, message });
            } else {
                self.threads[me.index()].panicked = Some(message);
            }
        }
    }

    /// A thread came to an operation.
    pub(crate) fn announce(&mut self, pending: Pending) -> Step {
        let me = self.running;
        self.threads[me.index()].pending = Some(pending);
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
        if let Some(thread) = self.fresh.pop() {
            self.threads[thread.index()].started = true;
            self.running = thread;
            return Some(thread);
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
        }
        let picked = if enabled == 0 { None } else { self.pick(enabled) };
        let Some((thread, label)) = picked else {
            self.phase = Phase::Ending;
            return None;
        };
        self.steps += 1;
        self.running = thread;
        self.label = label;
        Some(thread)
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
        index
    }

    /// Whether `event` happens before whatever `thread` does next.
    pub(crate) fn seen_by(&self, event: &Event, thread: ThreadId) -> bool {
        let hb = self.threads[thread.index()].hb;
        event.thread == thread || self.clocks.get(hb, event.thread) >= event.number
    }

    pub(crate) fn thread_info(&self, thread: ThreadId) -> ThreadInfo {
        let state = &self.threads[thread.index()];
        ThreadInfo { id: thread, name: state.name.clone(), spawned_at: state.spawned_at }
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
        for index in 0..self.count {
            let state = &mut self.threads[index];
            if let Some(message) = state.panicked.take()
                && !state.joined
            {
                let thread = self.thread_info(ThreadId::new(index));
                self.findings.push(Finding::Panic { thread, message });
            }
        }
    }

    /// The next thread to unwind, the last spawned first; from here on operations do nothing.
    pub(crate) fn next_teardown(&mut self) -> Option<ThreadId> {
        self.phase = Phase::Teardown;
        self.teardown_ops = 0;
        let left = (0..self.count).rev().find(|&index| self.threads[index].is_live());
        self.running = ThreadId::new(left?);
        Some(self.running)
    }

    /// The closure of `thread` if it never started.
    pub(crate) fn discard_body(&mut self, thread: ThreadId) -> Option<BodySlot> {
        self.bodies[thread.index()].take()
    }

    /// The message of the panic that ended `thread`.
    pub(crate) fn panic_message(&self, thread: ThreadId) -> Option<String> {
        self.threads[thread.index()].panicked.clone()
    }

    /// Drops the closures of threads that never started.
    pub(crate) fn drop_bodies(&mut self) -> Vec<BodySlot> {
        self.bodies.iter_mut().filter_map(Option::take).collect()
    }

    /// Marks the running thread as gone although its frames were not unwound.
    pub(crate) fn abandon(&mut self) {
        self.threads[self.running.index()].finished = true;
    }
}
