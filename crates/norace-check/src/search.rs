//! One check from beginning to end: whether it runs here, what was found before, the search, the explanation.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use norace_explore::{Choice, Config, Execution, Explorer, Finding as Defect, Plan, Strategy};

use crate::fix;
use crate::identity::test_of;
use crate::outcome::{Outcome, Status};
use crate::portfolio::{self, Explored};
use crate::regressions::{self, Kept};
use crate::report::{self, Finding, Told};
use crate::settings::Settings;
use crate::shrink::shrink;
use crate::token::Token;
use crate::watchdog::Watchdog;

/// One model at a time in a process: the time of the others should not run meanwhile.
static MODEL: Mutex<()> = Mutex::new(());

/// What [`Builder`](crate::Builder) sets.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) config: Config,
    /// What was said; otherwise [`Options::budget`] decides.
    pub(crate) budget: Option<Duration>,
    pub(crate) executions_max: u64,
    pub(crate) seed: u64,
    pub(crate) only: Option<Strategy>,
    pub(crate) require_complete: bool,
    pub(crate) allow_lock_inversion: bool,
    pub(crate) regressions: bool,
}

impl Options {
    pub(crate) fn new() -> Self {
        Self {
            config: Config::default(),
            budget: None,
            executions_max: u64::MAX,
            seed: 0,
            only: None,
            require_complete: false,
            allow_lock_inversion: false,
            regressions: true,
        }
    }

    /// How long the search may take. One that has to be complete ends when it is: its limit is for what never would.
    pub(crate) fn budget(&self) -> Duration {
        let usual = Duration::from_secs(if self.require_complete { 120 } else { 10 });
        self.budget.unwrap_or(usual)
    }

    /// With what the command line says; a model that has to be complete keeps the time that it needs for that.
    fn overridden(&self, settings: &Settings) -> Self {
        let mut options = self.clone();
        let least = if self.require_complete { self.budget() } else { Duration::ZERO };
        options.budget = settings.budget.map(|budget| budget.max(least)).or(self.budget);
        options.seed = settings.seed.unwrap_or(options.seed);
        options.require_complete |= settings.require_complete;
        options
    }
}

/// A model with a way to run it.
pub(crate) struct Search<'a> {
    pub(crate) options: Options,
    pub(crate) model: &'a dyn Fn(),
}

/// A defect, and the choices that lead to it.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) defect: Defect,
    pub(crate) choices: Vec<Choice>,
}

/// Checks `model` for a test that fails on a finding: looks at what was found before, and leaves traces.
pub(crate) fn check(
    name: &str,
    options: &Options,
    settings: &Settings,
    model: &dyn Fn(),
) -> Outcome {
    let replay = settings.replay.as_ref().map(|token| token.model == name);
    if replay == Some(false) {
        return empty(name, options, Status::Skipped);
    }
    let _alone = MODEL.lock().unwrap_or_else(PoisonError::into_inner);
    // Not before it can begin: models that wait here are for other processes to take.
    if replay.is_none() && !settings.claim(name) {
        return empty(name, options, Status::Skipped);
    }
    let search = Search { options: options.overridden(settings), model };
    let _watchdog = watch(name, &search.options, settings.clone());
    let outcome = match (&settings.replay, replay) {
        (Some(token), Some(true)) => search.replay(token),
        _ if options.regressions => search.known_first(name, &regressions::read(settings, name)),
        _ => search.search(name),
    };
    let keeps = options.regressions && replay.is_none();
    if let Some(finding) = outcome.finding.as_ref().filter(|_| keeps) {
        regressions::add(settings, name, finding);
    }
    settings.record(&outcome);
    outcome
}

/// Checks `model` for who wants to see the outcome.
pub(crate) fn run(name: &str, options: &Options, model: &dyn Fn()) -> Outcome {
    let _alone = MODEL.lock().unwrap_or_else(PoisonError::into_inner);
    let _watchdog = watch(name, options, Settings::of_run());
    Search { options: options.clone(), model }.search(name)
}

/// Watches the model that has the process to itself. A silent one ends the process, so who started the run is told of
/// it whichever way the model was checked.
fn watch(name: &str, options: &Options, settings: Settings) -> Watchdog {
    let silent = empty(name, options, Status::Diverged);
    Watchdog::start(test_of(name), move |_| settings.record(&silent))
}

fn empty(name: &str, options: &Options, status: Status) -> Outcome {
    Outcome {
        schema: "norace.model/1",
        test: name.to_owned(),
        status,
        required_complete: options.require_complete,
        executions: 0,
        steps: 0,
        preemptions: None,
        up_to_spinning: false,
        kept_silent: 0,
        kept_unread: 0,
        seconds: 0.0,
        finding: None,
    }
}

impl Search<'_> {
    fn search(&self, name: &str) -> Outcome {
        let begun = Instant::now();
        let explored = portfolio::explore(self);
        let seconds = begun.elapsed().as_secs_f64();
        let finding = explored.hit.as_ref().map(|hit| self.explain(name, hit));
        self.outcome(name, &explored, seconds, finding)
    }

    /// Runs executions that showed something once, until one still does, and searches when none does.
    ///
    /// Whether one that shows nothing is mended, or the code has changed so that it says nothing any more, cannot be
    /// told apart: the outcome counts them.
    fn known_first(&self, name: &str, kept: &Kept) -> Outcome {
        let replays = kept.tokens.iter().map(|token| self.replay_as(name, token));
        let (mut silent, mut known) = (0, None);
        for replay in replays {
            if replay.finding.is_some() {
                known = Some(replay);
                break;
            }
            silent += 1;
        }
        let outcome = known.unwrap_or_else(|| self.search(name));
        Outcome { kept_silent: silent, kept_unread: kept.unread, ..outcome }
    }

    fn replay(&self, token: &Token) -> Outcome {
        self.replay_as(&token.model, token)
    }

    fn replay_as(&self, name: &str, token: &Token) -> Outcome {
        let mut options = self.options.clone();
        (options.config.mode, options.config.level) = (token.mode, token.level);
        let search = Search { options, model: self.model };
        let begun = Instant::now();
        let hit = search.follow(&token.plan, |defect| defect.kind() == token.kind);
        let seconds = begun.elapsed().as_secs_f64();
        let Some(hit) = hit else { return empty(name, &search.options, Status::NotReproduced) };
        let finding = search.tell(name, &hit, &token.plan, None);
        let explored = Explored { executions: 1, hit: Some(hit), ..Explored::default() };
        search.outcome(name, &explored, seconds, finding)
    }

    fn outcome(
        &self,
        name: &str,
        explored: &Explored,
        seconds: f64,
        finding: Option<Finding>,
    ) -> Outcome {
        let diverged = matches!(explored.hit, Some(Hit { defect: Defect::Diverged { .. }, .. }));
        let status = match (&explored.hit, explored.complete, explored.preemptions) {
            (Some(_), ..) if diverged => Status::Diverged,
            (Some(_), ..) => Status::Found,
            (None, true, _) => Status::Complete,
            (None, false, Some(_)) => Status::WithinBound,
            (None, false, None) => Status::Incomplete,
        };
        Outcome {
            executions: explored.executions,
            steps: explored.steps,
            preemptions: explored.preemptions,
            up_to_spinning: explored.up_to_spinning,
            seconds,
            finding,
            ..empty(name, &self.options, status)
        }
    }

    /// Shrinks the execution and tells what it shows.
    fn explain(&self, name: &str, hit: &Hit) -> Finding {
        let before = Plan::of(&hit.choices);
        let plan = match hit.defect {
            Defect::TooLong { .. } | Defect::TooManyThreads { .. } | Defect::Diverged { .. } => {
                before.clone()
            }
            _ => shrink(self, &hit.defect, &before),
        };
        let shrunk = plan != before;
        let switches_before = shrunk.then(|| self.show(hit, &before, report::switches));
        let told = self.tell(name, hit, &plan, switches_before.flatten());
        // What does not show again under the same choices depends on something else.
        told.unwrap_or_else(|| self.tell_divergence(name, &before))
    }

    /// The report of what `plan` leads to, when that is what `hit` is.
    fn tell(
        &self,
        name: &str,
        hit: &Hit,
        plan: &Plan,
        switches_before: Option<usize>,
    ) -> Option<Finding> {
        let token = Token {
            model: name.to_owned(),
            mode: self.options.config.mode,
            level: self.options.config.level,
            kind: hit.defect.kind(),
            plan: plan.clone(),
        };
        let fix = fix::probe(self, &hit.defect, plan);
        self.show(hit, plan, |run, defect| {
            let (test, fix) = (name.to_owned(), fix.clone());
            let told = Told { test, token: token.to_string(), fix, switches_before };
            report::build(run, defect, told)
        })
    }

    /// What `tell` makes of the execution that `plan` leads to, when that shows what `hit` is.
    fn show<R>(
        &self,
        hit: &Hit,
        plan: &Plan,
        tell: impl Fn(&Execution<'_>, &Defect) -> R,
    ) -> Option<R> {
        let mut config = self.short(true);
        if matches!(hit.defect, Defect::TooLong { .. }) {
            config.steps_max = config.steps_max.min(STEPS_SHOWN);
        }
        let mut told = None;
        let strategy = Strategy::Guided(plan.clone());
        Explorer::new(config).explore_with(strategy, self.model, &mut |run| {
            let shown = run.findings().iter().chain(run.suspicions());
            let defect = shown.into_iter().find(|defect| resembles(defect, &hit.defect));
            told = defect.map(|defect| tell(run, defect));
            std::ops::ControlFlow::Break(())
        });
        told
    }

    /// The report of a model that does not repeat itself: the first difference between two runs of the same choices.
    fn tell_divergence(&self, name: &str, plan: &Plan) -> Finding {
        let [first, second] = [self.trace(plan), self.trace(plan)];
        report::divergence(name, &self.token_of(name, plan), &first, &second)
    }

    fn token_of(&self, name: &str, plan: &Plan) -> String {
        let Config { mode, level, .. } = self.options.config;
        let (model, plan) = (name.to_owned(), plan.clone());
        Token { model, mode, level, kind: "diverged", plan }.to_string()
    }

    fn trace(&self, plan: &Plan) -> String {
        let mut trace = String::new();
        let strategy = Strategy::Guided(plan.clone());
        Explorer::new(self.short(false)).explore_with(strategy, self.model, &mut |run| {
            trace = run.trace().to_string();
            std::ops::ControlFlow::Break(())
        });
        trace
    }

    /// The configuration of single executions that end where they show something.
    pub(crate) fn short(&self, detail: bool) -> Config {
        Config { end_at_finding: true, detail, ..self.options.config.clone() }
    }

    /// Follows `plan`; what it shows that is `wanted`.
    pub(crate) fn follow(&self, plan: &Plan, wanted: impl Fn(&Defect) -> bool) -> Option<Hit> {
        self.follow_with(&mut Explorer::new(self.short(false)), plan, wanted)
    }

    pub(crate) fn follow_with(
        &self,
        explorer: &mut Explorer,
        plan: &Plan,
        wanted: impl Fn(&Defect) -> bool,
    ) -> Option<Hit> {
        let report = explorer.explore(Strategy::Guided(plan.clone()), self.model);
        let mut found = report.findings.into_iter().chain(report.suspicions);
        let found = found.find(|found| wanted(&found.finding))?;
        Some(Hit { defect: found.finding, choices: found.choices })
    }
}

/// Steps of an endless execution that are told.
const STEPS_SHOWN: u32 = 300;

/// How often another thread goes on.
pub(crate) fn switches(plan: &Plan) -> usize {
    plan.runs.len().saturating_sub(1)
}

/// Whether two executions show the same defect of the program, although perhaps not to the same threads.
pub(crate) fn resembles(one: &Defect, two: &Defect) -> bool {
    if one.kind() != two.kind() {
        return false;
    }
    match (one, two) {
        (
            Defect::Deadlock { blocked: one, .. } | Defect::Leak { blocked: one },
            Defect::Deadlock { blocked: two, .. } | Defect::Leak { blocked: two },
        ) => one.iter().any(|one| {
            two.iter().any(|two| one.location == two.location && one.operation == two.operation)
        }),
        _ => one.signature() == two.signature(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_time_is_not_for_who_has_to_be_complete() {
        let own = |require_complete| Options { require_complete, ..Options::new() };
        for (require_complete, given, time) in [
            (false, None, 10),
            (false, Some(3), 3),
            (false, Some(600), 600),
            (true, None, 120),
            (true, Some(3), 120),
            (true, Some(600), 600),
        ] {
            let given = given.map(Duration::from_secs);
            let settings = Settings { budget: given, ..Settings::default() };
            let options = own(require_complete).overridden(&settings);
            assert_eq!(options.budget(), Duration::from_secs(time));
        }
    }
}
