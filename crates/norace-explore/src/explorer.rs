//! The outer loop: executions one after the other until the strategy has no more.

use std::backtrace::Backtrace;
use std::fmt;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use crate::config::{Config, Traces};
use crate::coroutine::{self, Pool};
use crate::current;
use crate::driver::Strategy;
use crate::engine::{Choice, Engine, Keep};
use crate::event::{Event, Kind, ObjectId, ThreadId};
use crate::finding::{Finding, ObjectInfo, ThreadInfo};
use crate::job::{Job, Main};
use crate::pulse;
use crate::thread;
use crate::trace::{PanicBegun, Trace};

/// One model at a time in a process: statics are shared.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Numbers executions, from 1; 0 marks an object that was never used in a model.
static EPOCH: AtomicU64 = AtomicU64::new(1);

/// Installs [`hook`] once.
static HOOK: Once = Once::new();

/// How much of what there is was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// Every class of executions.
    Complete,
    /// Every class, but loads that kept returning the same were held until there was something new, and a thread that
    /// others passed over for long was made to go on.
    UpToSpinning,
    /// Every execution with at most this many preemptions.
    WithinBound(u32),
    /// Some executions.
    Incomplete,
}

/// A finding and the execution that shows it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What.
    pub finding: Finding,
    /// The choices that lead there: pass them to [`Strategy::Replay`].
    pub choices: Vec<Choice>,
    /// How many executions came before.
    pub after: u64,
}

/// What an exploration did.
#[derive(Clone, Debug)]
pub struct Report {
    /// Executions that ran to their end.
    pub executions: u64,
    /// Executions in which threads remained that could not go on, or that were too long.
    pub blocked: u64,
    /// Runs that repeated a known class.
    pub redundant: u64,
    /// Steps taken, over all.
    pub steps: u64,
    /// Whether that was all.
    pub completeness: Completeness,
    /// What is wrong.
    pub findings: Vec<Found>,
    /// What did not go wrong in any execution so far, but looks as if it could.
    pub suspicions: Vec<Found>,
}

/// One execution, after its end, for the observer.
#[derive(Debug)]
pub struct Execution<'a> {
    engine: &'a Engine,
}

impl<'a> Execution<'a> {
    /// All that happened; nothing where [`Config::traces`] leaves it out and nothing was to be seen.
    pub fn trace(&self) -> Trace<'a> {
        Trace::new(self.engine)
    }

    /// The choices that lead to it.
    pub fn choices(&self) -> &'a [Choice] {
        &self.engine.choices
    }

    /// Whether its class was known.
    pub fn is_redundant(&self) -> bool {
        self.engine.driver.dpor.was_redundant()
    }

    /// What it shows.
    pub fn findings(&self) -> &'a [Finding] {
        &self.engine.findings
    }

    /// What it makes look possible in another one, where no earlier execution did.
    pub fn suspicions(&self) -> &'a [Finding] {
        &self.engine.suspicions.found
    }

    /// A number that is the same for the same execution of the same program in the same process.
    pub fn fingerprint(&self) -> u64 {
        self.engine.fingerprint
    }

    /// An object that appears in the trace.
    pub fn object(&self, object: ObjectId) -> ObjectInfo {
        self.engine.objects.info(object)
    }

    /// The panics that began, in order; one that is resumed does not begin.
    pub fn panics(&self) -> &'a [PanicBegun] {
        &self.engine.panics
    }

    /// All threads there were, by number.
    pub fn threads(&self) -> impl Iterator<Item = ThreadInfo> {
        let mut threads: Vec<_> = self.engine.all_threads().map(|(thread, _)| thread).collect();
        threads.sort_unstable_by_key(|thread| thread.id);
        threads.into_iter()
    }

    /// The thread whose park token `object` is.
    pub fn thread_of(&self, object: ObjectId) -> Option<ThreadId> {
        let mut threads = self.engine.all_threads();
        Some(threads.find(|(_, own)| *own == object)?.0.id)
    }

    /// The number that a thread has in the engine, unless another has it by now.
    fn number(&self, thread: ThreadId) -> Option<ThreadId> {
        let mut numbers = (0..self.engine.count).map(ThreadId::new);
        numbers.find(|number| self.engine.shown(*number) == thread)
    }

    /// With [`Config::detail`]: the stack with which a thread was spawned.
    pub fn spawn_stack(&self, thread: ThreadId) -> Option<Rc<Backtrace>> {
        let object = self.engine.all_threads().find(|(info, _)| info.id == thread)?.1;
        let spawns = |event: &Event| event.kind == Kind::Spawn && event.object == object;
        let event = self.engine.events.iter().position(spawns)?;
        self.engine.detail.stack(u32::try_from(event).ok()?)
    }

    /// With [`Config::detail`]: the stack with which an event was made.
    pub fn stack(&self, event: u32) -> Option<Rc<Backtrace>> {
        self.engine.detail.stack(event)
    }

    /// With [`Config::detail`]: the stack with which a thread came to what it waits for, or last did.
    pub fn waiting_stack(&self, thread: ThreadId) -> Option<Rc<Backtrace>> {
        self.engine.detail.pending_stack(self.number(thread)?)
    }

    /// With [`Config::detail`]: the stack with which a thread last began to panic.
    pub fn panic_stack(&self, thread: ThreadId) -> Option<Rc<Backtrace>> {
        self.engine.detail.panic_stack(self.number(thread)?)
    }

    /// With [`Config::detail`]: the value that an access to a cell read or left, where its type is a primitive one.
    pub fn value(&self, event: u32) -> Option<&'a str> {
        self.engine.detail.value(event)
    }
}

/// Runs models.
///
/// ```
/// use norace_explore::{Config, Explorer, Strategy, sync::atomic::{AtomicU32, Ordering}, thread};
/// use std::sync::Arc;
///
/// let report = Explorer::new(Config::default()).explore(Strategy::Exhaustive, &|| {
///     let hits = Arc::new(AtomicU32::new(0));
///     let other = Arc::clone(&hits);
///     let thread = thread::spawn(move || other.fetch_add(1, Ordering::Relaxed));
///     hits.fetch_add(1, Ordering::Relaxed);
///     thread.join().unwrap();
///     assert_eq!(hits.load(Ordering::Relaxed), 2);
/// });
/// assert_eq!(report.executions, 2);
/// assert!(report.findings.is_empty());
/// ```
pub struct Explorer {
    config: Config,
    pool: Pool,
    /// Kept for its memory while nothing is explored.
    idle: Option<Box<Engine>>,
}

impl fmt::Debug for Explorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explorer").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Explorer {
    /// An explorer; its stacks are reused by all explorations.
    pub fn new(config: Config) -> Self {
        let pool = Pool::new(config.stack_bytes);
        Self { config, pool, idle: None }
    }

    /// Explores `model`; waits while another model runs in this process.
    ///
    /// # Panics
    ///
    /// When called from within a model.
    pub fn explore(&mut self, strategy: Strategy, model: &dyn Fn()) -> Report {
        self.run(strategy, Traces::Nothing, model, &mut |_| ControlFlow::Continue(()))
    }

    /// Explores `model` and shows every execution to `observe`, which may end the exploration.
    ///
    /// # Panics
    ///
    /// When called from within a model.
    pub fn explore_with(
        &mut self,
        strategy: Strategy,
        model: &dyn Fn(),
        observe: &mut dyn FnMut(&Execution<'_>) -> ControlFlow<()>,
    ) -> Report {
        self.run(strategy, self.config.traces, model, observe)
    }

    fn run(
        &mut self,
        strategy: Strategy,
        traces: Traces,
        model: &dyn Fn(),
        observe: &mut dyn FnMut(&Execution<'_>) -> ControlFlow<()>,
    ) -> Report {
        assert!(!current::in_model(), "a model cannot be explored from within a model");
        HOOK.call_once(hook);
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut engine =
            self.idle.take().unwrap_or_else(|| Box::new(Engine::new(self.config.clone())));
        engine.prepare(strategy);
        let mut report = Report {
            executions: 0,
            blocked: 0,
            redundant: 0,
            steps: 0,
            completeness: Completeness::Incomplete,
            findings: Vec::new(),
            suspicions: Vec::new(),
        };
        thread::reset_locals();
        let main = main_job(model);
        let finished = loop {
            let before = report.executions + report.blocked + report.redundant;
            self.run_one(&mut engine, &main, traces.has(before));
            count(&engine, &mut report);
            let stop = observe(&Execution { engine: &engine }).is_break();
            // What is too large for the explorer in one execution is so in most.
            let too_many = |found: &Found| matches!(found.finding, Finding::TooManyThreads { .. });
            let found = self.config.stop_at_first && !report.findings.is_empty()
                || report.findings.iter().any(too_many);
            let total = report.executions + report.blocked + report.redundant;
            let more = engine.driver.advance(total, engine.steps);
            if stop || found || !more {
                break !more && !engine.driver.is_random();
            }
        };
        report.completeness = completeness(&engine, &report, finished);
        self.idle = Some(engine);
        report
    }

    /// Runs the next execution, and keeps its events if it is `traced` or shows something.
    fn run_one(&mut self, engine: &mut Engine, main: &Rc<dyn Job>, traced: bool) {
        if engine.keep >= Keep::Events {
            self.run_once(engine, main);
        } else if traced {
            let keep = std::mem::replace(&mut engine.keep, Keep::Events);
            self.run_once(engine, main);
            engine.keep = keep;
        } else {
            self.run_once(engine, main);
            if engine.wants_clocks || engine.shows_something() {
                self.run_again(engine, main);
            }
        }
    }

    fn run_once(&mut self, engine: &mut Engine, main: &Rc<dyn Job>) {
        // Relaxed: one model runs at a time, so nobody else stores.
        let epoch = EPOCH.load(Ordering::Relaxed);
        // Relaxed: as above.
        EPOCH.store(epoch + 1, Ordering::Relaxed);
        // For the execution alone: who observes it may take its time.
        let _pulse = pulse::begin();
        engine.begin(epoch, Rc::clone(main));
        current::enter(engine, || {
            let mut next = Some(ThreadId::MAIN);
            while let Some(thread) = next {
                next = self.pool.resume(thread.index()).thread();
            }
            current::with(Engine::finish);
            self.tear_down();
        });
    }

    /// Repeats the execution that has just ended and keeps its events, for what it shows to be told in full.
    fn run_again(&mut self, engine: &mut Engine, main: &Rc<dyn Job>) {
        // Without the clocks it wanted it did not see all. The next ones will want them, too.
        let keep = if engine.wants_clocks { Keep::Clocks } else { engine.keep };
        let shown = (engine.keep == keep).then(|| engine.take_shown());
        let former = engine.driver.follow(Strategy::Replay(engine.choices.clone()));
        engine.keep = Keep::Events;
        self.run_once(engine, main);
        engine.keep = keep;
        engine.driver.follow(former);
        if let Some(shown) = shown {
            engine.insist_on(shown);
        }
    }

    /// Unwinds the threads that are left, so that every frame that borrows from the model is gone.
    fn tear_down(&mut self) {
        while let Some(thread) = current::with(Engine::next_teardown).flatten() {
            self.pool.resume(thread.index());
            let stuck = current::with(|engine| {
                let stuck = engine.is_live(thread);
                if stuck {
                    engine.abandon();
                }
                stuck
            });
            if stuck == Some(true) {
                self.pool.abandon(thread.index());
            }
        }
        drop(current::with(Engine::discard_jobs));
        if current::with(|engine| engine.has_locals) == Some(true) {
            thread::reset_locals();
        }
    }
}

#[expect(unsafe_code, reason = "what threads run is stored without a lifetime")]
fn main_job(model: &dyn Fn()) -> Rc<dyn Job> {
    let job: Rc<dyn Job + '_> = Rc::new(Main(model));
    // SAFETY: only the lifetime changes. The model is not used after `run` returns: its coroutine has ended, or was
    // unwound by `tear_down`, or is never resumed again.
    unsafe { std::mem::transmute::<Rc<dyn Job + '_>, Rc<dyn Job>>(job) }
}

fn count(engine: &Engine, report: &mut Report) {
    let stuck = |finding: &Finding| {
        matches!(
            finding,
            Finding::Deadlock { .. }
                | Finding::Leak { .. }
                | Finding::Livelock { .. }
                | Finding::TooLong { .. }
                | Finding::TooManyThreads { .. }
                | Finding::Diverged { .. }
        )
    };
    let after = report.executions + report.blocked + report.redundant;
    report.steps += u64::from(engine.steps);
    if engine.driver.dpor.was_redundant() {
        report.redundant += 1;
    } else if engine.findings.iter().any(stuck) {
        report.blocked += 1;
    } else {
        report.executions += 1;
    }
    add_new(&engine.findings, &mut report.findings, engine, after);
    add_new(&engine.suspicions.found, &mut report.suspicions, engine, after);
}

fn add_new(findings: &[Finding], known: &mut Vec<Found>, engine: &Engine, after: u64) {
    for finding in findings {
        let signature = finding.signature();
        if known.iter().all(|known| known.finding.signature() != signature) {
            let choices = engine.choices.clone();
            known.push(Found { finding: finding.clone(), choices, after });
        }
    }
}

/// Makes panics inside models silent, for they are reported, and keeps where they began.
fn hook() {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let location = info.location().map(ToString::to_string);
        let noted = current::with(|engine| {
            engine.note_panic(location, coroutine::describe(info.payload()));
            if engine.config.detail {
                engine.detail.panic(engine.running);
            }
        });
        if noted.is_none() {
            former(info);
        }
    }));
}

fn completeness(engine: &Engine, report: &Report, finished: bool) -> Completeness {
    let cut = |found: &Found| {
        matches!(
            found.finding,
            Finding::TooLong { .. } | Finding::TooManyThreads { .. } | Finding::Diverged { .. }
        )
    };
    if !finished || report.findings.iter().any(cut) {
        Completeness::Incomplete
    } else if let Some(bound) = engine.driver.bound_reached() {
        Completeness::WithinBound(bound)
    } else if engine.spins_held {
        Completeness::UpToSpinning
    } else {
        Completeness::Complete
    }
}
