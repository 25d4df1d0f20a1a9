//! Plans: executions described by what is unusual about them.
//!
//! A plan names which thread runs how long, and which of its steps decide something other than the usual. Followed
//! leniently, it still leads somewhere when parts of it are taken out, which is how findings are shrunk, or when the
//! program has changed elsewhere, which is how they are replayed later.

use crate::engine::{Choice, Engine};
use crate::event::ThreadId;

/// A thread takes so many steps, or fewer when it cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// The thread, by its number.
    pub thread: u16,
    /// How many steps.
    pub steps: u32,
}

/// An execution by what is unusual about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Who runs, one after the other. Afterwards: whoever runs goes on while it can.
    pub runs: Vec<Run>,
    /// Steps that decide something unusual: thread, number of the step among the thread's own from 0, and which of the
    /// choices there are.
    pub labels: Vec<(u16, u32, u16)>,
}

impl Plan {
    /// The plan that leads to the execution with these choices.
    pub fn of(choices: &[Choice]) -> Self {
        let mut plan = Self::default();
        let mut steps = [0_u32; crate::THREADS_MAX];
        for choice in choices {
            match plan.runs.last_mut() {
                Some(run) if run.thread == choice.thread => run.steps += 1,
                _ => plan.runs.push(Run { thread: choice.thread, steps: 1 }),
            }
            let step = &mut steps[usize::from(choice.thread)];
            if choice.label != 0 {
                plan.labels.push((choice.thread, *step, choice.label));
            }
            *step += 1;
        }
        plan
    }
}

/// How far a plan has been followed.
#[derive(Debug, Default)]
pub(crate) struct Guide {
    run: usize,
    taken: u32,
    /// Steps of each thread.
    steps: Vec<u32>,
}

impl Guide {
    pub(super) fn begin(&mut self) {
        self.run = 0;
        self.taken = 0;
        self.steps.clear();
    }

    /// The thread that the plan wants to run, if it can.
    pub(super) fn next(&mut self, plan: &Plan, enabled: u64) -> Option<ThreadId> {
        loop {
            let run = plan.runs.get(self.run)?;
            let can = run.thread < 64 && enabled >> run.thread & 1 == 1;
            if can && self.taken < run.steps {
                self.taken += 1;
                return Some(ThreadId(run.thread));
            }
            self.run += 1;
            self.taken = 0;
        }
    }

    /// The number of the step that `thread` takes now.
    fn count(&mut self, thread: ThreadId) -> u32 {
        if self.steps.len() <= thread.index() {
            self.steps.resize(thread.index() + 1, 0);
        }
        let step = &mut self.steps[thread.index()];
        *step += 1;
        *step - 1
    }
}

impl Engine {
    pub(super) fn pick_guided(&mut self, hint: Option<ThreadId>, enabled: u64) -> Option<ThreadId> {
        let thread = hint.unwrap_or_else(|| self.usual(enabled));
        let step = self.driver.guide.count(thread);
        let label = self.driver.planned_label(thread, step);
        self.list_labels(thread);
        let label = if usize::from(label) < self.labels.len() { label } else { 0 };
        self.take_listed(thread, label)
    }
}

impl super::Driver {
    fn planned_label(&self, thread: ThreadId, step: u32) -> u16 {
        let super::Strategy::Guided(plan) = &self.strategy else { return 0 };
        let here = |(of, at, _): &&(u16, u32, u16)| (*of, *at) == (thread.0, step);
        plan.labels.iter().find(here).map_or(0, |(_, _, label)| *label)
    }
}
