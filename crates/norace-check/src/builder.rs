//! What a user may set, and the two ways to run: with a panic, or with an outcome.

use std::time::Duration;

use norace_explore::{Level, Misuse, Mode, Strategy};

use crate::identity;
use crate::outcome::Outcome;
use crate::search::{self, Options};
use crate::settings::Settings;

/// A check with other than the usual options.
///
/// Usually, within ten seconds: random executions of several kinds first, for what is easy to find; then all classes of
/// executions, each once; where they are too many, all executions with 0, 1, 2 and so on preemptions; then random ones
/// again. The search ends at the first finding, which is then shrunk to the fewest context switches.
///
/// `cargo norace check` overrides budget and seed from its command line.
///
/// ```
/// # if cfg!(norace) {
/// use norace_check::{Builder, Mode};
/// use std::time::Duration;
///
/// Builder::new().budget(Duration::from_secs(1)).mode(Mode::Sc).require_complete().check(|| {
///     let thread = norace_explore::thread::spawn(|| 6 * 7);
///     assert_eq!(thread.join().unwrap(), 42);
/// });
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    options: Options,
    name: Option<String>,
    direct: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// The usual options.
    pub fn new() -> Self {
        Self { options: Options::new(), name: None, direct: false }
    }

    /// How long the search may take; 10 s otherwise, or 120 s where it has to be complete. Shrinking and explaining a
    /// finding come on top, within seconds.
    #[must_use]
    pub fn budget(mut self, budget: Duration) -> Self {
        self.options.budget = Some(budget);
        self
    }

    /// How many executions the search may take; any number otherwise.
    #[must_use]
    pub fn executions(mut self, max: u64) -> Self {
        self.options.executions_max = max;
        self
    }

    /// Another seed for what is random: the same seed, the same executions.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// The memory model; [`Mode::Rc11`] otherwise.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.options.config.mode = mode;
        self
    }

    /// What counts as one step of the kit; [`Level::App`] otherwise.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.options.config.level = level;
        self
    }

    /// One strategy instead of all.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.options.only = Some(strategy);
        self
    }

    /// All executions with at most so many preemptions, and nothing else.
    #[must_use]
    pub fn preemptions(self, max: u32) -> Self {
        self.strategy(Strategy::Bounded { preemptions: max })
    }

    /// Fails when the search ended before all classes of executions were run.
    #[must_use]
    pub fn require_complete(mut self) -> Self {
        self.options.require_complete = true;
        self
    }

    /// Reports what is otherwise an outcome that the program may expect.
    #[must_use]
    pub fn forbid(mut self, misuse: Misuse) -> Self {
        self.options.config.forbidden.push(misuse);
        self
    }

    /// Reports a compare-exchange that found its value again after it had been another.
    #[must_use]
    pub fn suspect_aba(mut self) -> Self {
        self.options.config.suspect_aba = true;
        self
    }

    /// Does not report locks taken in opposite orders, unless they make a deadlock.
    #[must_use]
    pub fn allow_lock_inversion(mut self) -> Self {
        self.options.allow_lock_inversion = true;
        self
    }

    /// Neither looks at executions that showed something before, nor keeps those that do now.
    #[must_use]
    pub fn without_regressions(mut self) -> Self {
        self.options.regressions = false;
        self
    }

    /// How many steps an execution may have; 100,000 otherwise.
    #[must_use]
    pub fn steps(mut self, max: u32) -> Self {
        self.options.config.steps_max = max;
        self
    }

    /// How large the stack of each thread is; 256 KiB otherwise.
    #[must_use]
    pub fn stack_bytes(mut self, bytes: usize) -> Self {
        self.options.config.stack_bytes = bytes;
        self
    }

    /// What reports and replays call the model, instead of the test in which it stands.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Names the model after the function of this type name, where the test harness gave its thread no name.
    #[doc(hidden)]
    #[must_use]
    pub fn called_after(mut self, type_name: &str) -> Self {
        self.name = Some(identity::of_test(type_name));
        self
    }

    /// For models made of `norace_explore`'s own types: they are seen in every build.
    #[must_use]
    pub fn direct(mut self) -> Self {
        self.direct = true;
        self
    }

    /// Explores `model`.
    ///
    /// # Panics
    ///
    /// With the report of the finding, when there is one; with what is missing, when completeness was required; in a
    /// build without `--cfg norace`.
    #[track_caller]
    pub fn check<F: Fn()>(&self, model: F) {
        let name = self.begin::<F>();
        let outcome = search::check(&name, &self.options, &Settings::get(), &model);
        if let Some(text) = outcome.failure() {
            panic!("{text}");
        }
    }

    /// Explores `model` and says what came out; nothing that was found before is looked at, and no trace is left.
    ///
    /// # Panics
    ///
    /// In a build without `--cfg norace`, and inside another model.
    #[track_caller]
    pub fn run<F: Fn()>(&self, model: F) -> Outcome {
        search::run(&self.begin::<F>(), &self.options, &model)
    }

    /// Refuses what cannot be checked; the model's name.
    #[track_caller]
    fn begin<F>(&self) -> String {
        assert!(
            cfg!(norace) || self.direct,
            "this build has no checker: run `cargo norace check` (which builds with `--cfg norace`)"
        );
        assert!(!norace_explore::in_model(), "a model cannot be checked from within a model");
        self.name.clone().unwrap_or_else(|| identity::of_test(std::any::type_name::<F>()))
    }
}
