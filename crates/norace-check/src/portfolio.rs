//! The order of the search: what is quick to find first, everything if that is possible, chance for the rest.
//!
//! 1. A few random executions of each kind: most defects show at once.
//! 2. Every class of executions, each once, for half of the time.
//! 3. Where that was not enough: every execution with 0, 1, 2 and so on preemptions, for a fifth of it.
//! 4. Random executions of all kinds in turn, in rounds that grow, until the time is over.
//!
//! One execution in a hundred is run again, and has to be the same.

use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use norace_explore::{
    Choice, Completeness, Config, Execution, Explorer, Finding as Defect, Found, Report, Strategy,
    Traces,
};

use crate::search::{Hit, Search};

/// What a search came to.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    pub(crate) executions: u64,
    pub(crate) steps: u64,
    pub(crate) complete: bool,
    pub(crate) up_to_spinning: bool,
    /// Within so many preemptions everything was run.
    pub(crate) preemptions: Option<u32>,
    pub(crate) hit: Option<Hit>,
    /// What looked possible, and was not met.
    pub(crate) suspicion: Option<Hit>,
}

/// Executions of each kind before anything else, and in the first full round.
const QUICK: u64 = 16;
const ROUND: u64 = 64;

/// Executions of one kind in the largest round.
const ROUND_MAX: u64 = 4_096;

/// One execution in so many is run again, but no more than so many of one phase.
const REPEAT_ONE_IN: u64 = 100;
const REPEATS_MAX: usize = 20;

/// Where it was no longer since the last look at the clock, the next so many executions are run without one.
const SHORT: Duration = Duration::from_millis(1);
const UNTIMED_MAX: u32 = 15;

/// The strategies of a round.
fn strategies(seed: u64, executions: u64) -> [Strategy; 7] {
    [
        Strategy::Random { seed, executions },
        Strategy::Pct { seed, executions, depth: 2 },
        Strategy::Pos { seed, executions },
        Strategy::Pct { seed, executions, depth: 1 },
        Strategy::Urw { seed, executions },
        Strategy::Pct { seed, executions, depth: 3 },
        Strategy::Pct { seed, executions, depth: 4 },
    ]
}

/// Searches within the options of `search`.
pub(crate) fn explore(search: &Search<'_>) -> Explored {
    // What is told of a finding comes from a replay; of the rest, traces are for comparing two runs of the same.
    let traces = Traces::OneIn(REPEAT_ONE_IN);
    let explorer = Explorer::new(Config { traces, ..search.options.config.clone() });
    let explored = Explored::default();
    let mut run = Run { search, explorer, explored, begun: Instant::now() };
    let end = match &search.options.only {
        Some(strategy) => run.only(strategy.clone()),
        None => run.all(),
    };
    debug_assert!(end.is_break() || run.explored.hit.is_none());
    let mut explored = run.explored;
    // A search of all executions knows whether it can come to what it looked like.
    let idle = explored.complete || search.options.allow_lock_inversion;
    let suspicion = explored
        .suspicion
        .take()
        .filter(|suspicion| !matches!(suspicion.defect, Defect::LockOrder { .. }) || !idle);
    explored.hit = explored.hit.or(suspicion);
    explored
}

struct Run<'a> {
    search: &'a Search<'a>,
    explorer: Explorer,
    explored: Explored,
    begun: Instant,
}

impl Run<'_> {
    fn only(&mut self, strategy: Strategy) -> ControlFlow<()> {
        let (report, _) = self.phase(strategy, self.search.options.budget())?;
        self.learn(report.completeness);
        ControlFlow::Continue(())
    }

    fn all(&mut self) -> ControlFlow<()> {
        let budget = self.search.options.budget();
        let seed = self.search.options.seed;
        for strategy in strategies(seed, QUICK) {
            self.phase(strategy, budget / 4)?;
        }
        let (report, _) = self.phase(Strategy::Exhaustive, budget / 2)?;
        self.learn(report.completeness);
        if !self.explored.complete {
            self.bounded(budget * 7 / 10)?;
        }
        let mut executions = ROUND;
        let mut round = seed;
        while !self.explored.complete && self.goes_on(budget) {
            round = round.wrapping_add(ROUND_STEP);
            for strategy in strategies(round, executions) {
                self.phase(strategy, budget)?;
            }
            executions = (executions * 2).min(ROUND_MAX);
        }
        ControlFlow::Continue(())
    }

    fn bounded(&mut self, until: Duration) -> ControlFlow<()> {
        for preemptions in 0.. {
            let (report, cut) = self.phase(Strategy::Bounded { preemptions }, until)?;
            if cut || !self.goes_on(until) {
                break;
            }
            self.learn(report.completeness);
            if self.explored.complete {
                break;
            }
        }
        ControlFlow::Continue(())
    }

    fn learn(&mut self, completeness: Completeness) {
        match completeness {
            Completeness::Complete => self.explored.complete = true,
            Completeness::UpToSpinning => {
                self.explored.complete = true;
                self.explored.up_to_spinning = true;
            }
            Completeness::WithinBound(bound) => self.explored.preemptions = Some(bound),
            Completeness::Incomplete => {}
        }
    }

    fn goes_on(&self, until: Duration) -> bool {
        self.begun.elapsed() < until
            && self.explored.executions < self.search.options.executions_max
    }

    /// Runs one strategy until `until`, counted from the beginning; breaks at a defect. Tells whether time cut it.
    fn phase(&mut self, strategy: Strategy, until: Duration) -> ControlFlow<(), (Report, bool)> {
        let mut repeats: Vec<(Vec<Choice>, u64)> = Vec::new();
        let max = self.search.options.executions_max;
        let mut limit = Limit::new(self.begun, until);
        let (mut seen, mut cut) = (0, false);
        let before = self.explored.executions;
        let report = self.explorer.explore_with(strategy, self.search.model, &mut |execution| {
            if seen % REPEAT_ONE_IN == 0 && repeats.len() < REPEATS_MAX {
                repeats.push((execution.choices().to_vec(), print_of(execution)));
            }
            seen += 1;
            cut = limit.is_reached() || before + seen >= max;
            if cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        self.explored.executions += report.executions + report.blocked;
        self.explored.steps += report.steps;
        if let Some(found) = cause(&report.findings) {
            let (defect, choices) = (found.finding.clone(), found.choices.clone());
            self.explored.hit = Some(Hit { defect, choices });
            return ControlFlow::Break(());
        }
        if let Some(found) = report.suspicions.first() {
            let (defect, choices) = (found.finding.clone(), found.choices.clone());
            self.explored.suspicion.get_or_insert(Hit { defect, choices });
        }
        self.repeat(repeats)?;
        ControlFlow::Continue((report, cut))
    }

    /// Runs executions again; breaks at one that is another now.
    fn repeat(&mut self, repeats: Vec<(Vec<Choice>, u64)>) -> ControlFlow<()> {
        for (choices, print) in repeats {
            let mut same = true;
            let strategy = Strategy::Replay(choices.clone());
            let report =
                self.explorer.explore_with(strategy, self.search.model, &mut |execution| {
                    same = print_of(execution) == print;
                    ControlFlow::Continue(())
                });
            let diverged = report.findings.into_iter().map(|found| found.finding);
            let diverged = diverged.into_iter().find(|f| matches!(f, Defect::Diverged { .. }));
            if !same || diverged.is_some() {
                let defect = diverged.unwrap_or(Defect::Diverged { step: 0 });
                self.explored.hit = Some(Hit { defect, choices });
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

/// The end of a phase. To look at the clock takes as long as a step: where executions are short it is not done after
/// each.
struct Limit {
    begun: Instant,
    until: Duration,
    looked: Duration,
    /// Executions before the next look.
    left: u32,
}

impl Limit {
    fn new(begun: Instant, until: Duration) -> Self {
        Self { begun, until, looked: begun.elapsed(), left: 0 }
    }

    /// Asked after each execution.
    fn is_reached(&mut self) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        let now = self.begun.elapsed();
        let is_short = now - self.looked < SHORT;
        (self.looked, self.left) = (now, if is_short { UNTIMED_MAX } else { 0 });
        now >= self.until
    }
}

/// Which of the defects of one execution to tell: the first, but of who waits for ever and a panic, the panic. It is
/// noted last, because somebody might have joined the thread; and the others may well wait for that thread.
fn cause(findings: &[Found]) -> Option<&Found> {
    let waits = |found: &Found| {
        matches!(
            found.finding,
            Defect::Deadlock { .. } | Defect::Leak { .. } | Defect::Livelock { .. }
        )
    };
    let first = findings.first()?;
    let panics = |found: &&Found| waits(first) && matches!(found.finding, Defect::Panic { .. });
    findings.iter().find(panics).or(Some(first))
}

/// A number made of everything that an execution did.
///
/// Not the explorer's fingerprint of it, which also counts what was tried on the way and given up: the same execution
/// has another one when it is replayed.
fn print_of(execution: &Execution<'_>) -> u64 {
    struct Print(DefaultHasher);
    impl fmt::Write for Print {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut print = Print(DefaultHasher::new());
    write!(print, "{}", execution.trace()).expect("hashing cannot fail");
    print.0.finish()
}

/// From one round's seed to the next.
const ROUND_STEP: u64 = 0x9E37_79B9_7F4A_7C15;
