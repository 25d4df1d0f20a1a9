//! A bug with its fix, and what has to be found.

use norace_check::{Builder, Outcome};
use std::time::Duration;

/// A known bug, and the program without it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name in the corpus that it comes from.
    pub name: &'static str,
    /// What kind of bug it is, in the words of that corpus.
    pub class: &'static str,
    /// The kinds of findings that are this bug.
    pub kinds: &'static [&'static str],
    /// Tasks of which one at least has to be part of the finding; none asks for nothing.
    pub blames: &'static [&'static str],
    /// The program: with the bug, or as it was fixed.
    pub program: fn(fixed: bool),
}

/// How a search of one program is limited.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may take.
    pub budget: Duration,
    /// The seed of what is random.
    pub seed: u64,
}

impl Case {
    /// Explores the program with the bug.
    pub fn search(&self, limits: Limits) -> Outcome {
        self.builder(limits).name(self.name).run(|| (self.program)(false))
    }

    /// Explores the program without it.
    pub fn search_fixed(&self, limits: Limits) -> Outcome {
        let name = format!("{}_fixed", self.name);
        self.builder(limits).name(name).run(|| (self.program)(true))
    }

    fn builder(&self, limits: Limits) -> Builder {
        Builder::new().budget(limits.budget).seed(limits.seed)
    }

    /// Why `outcome` is not the finding that was to be found; `None` when it is.
    pub fn misses(&self, outcome: &Outcome) -> Option<String> {
        let Some(finding) = &outcome.finding else {
            return Some(format!("{}: nothing in {}", self.name, outcome.extent()));
        };
        let blamed = |name: &&str| {
            let named = finding.tasks.iter().filter(|task| task.name == *name);
            named.into_iter().any(|task| finding.stacks.iter().any(|stack| stack.task == task.id))
        };
        if !self.kinds.contains(&finding.kind) {
            return Some(format!("{}: not {:?} but\n{}", self.name, self.kinds, finding.to_text()));
        }
        if !self.blames.is_empty() && !self.blames.iter().any(blamed) {
            return Some(format!(
                "{}: none of {:?} has a part in\n{}",
                self.name,
                self.blames,
                finding.to_text()
            ));
        }
        None
    }
}
