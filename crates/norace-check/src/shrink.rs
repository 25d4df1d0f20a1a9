//! Finding the simplest execution that shows the same defect.
//!
//! Plans are followed leniently, so every change of one leads somewhere: to the same defect or not. The search is
//! greedy over changes that take something out: a run, a switch, an unusual choice, the end of a run. Simpler is: fewer
//! context switches, then fewer unusual choices, then fewer steps.

use std::time::{Duration, Instant};

use norace_explore::{Explorer, Finding as Defect, Plan, Run};

use crate::search::{Search, resembles, switches};

/// Executions and time that shrinking may take.
const TRIES_MAX: usize = 20_000;
const TIME_MAX: Duration = Duration::from_secs(3);

/// How simple a plan is: less is simpler.
type Cost = (usize, usize, u64);

fn cost(plan: &Plan) -> Cost {
    (switches(plan), plan.labels.len(), plan.runs.iter().map(|run| u64::from(run.steps)).sum())
}

/// The simplest plan that was found to lead to what `wanted` is, beginning with `plan`.
pub(crate) fn shrink(search: &Search<'_>, wanted: &Defect, plan: &Plan) -> Plan {
    let explorer = Explorer::new(search.short(false));
    let mut shrinker = Shrinker {
        search,
        wanted,
        explorer,
        best: plan.clone(),
        tries: 0,
        end: Instant::now() + TIME_MAX,
    };
    // As it is it may be longer than need be: it goes on after the defect.
    shrinker.attempt(plan.clone());
    loop {
        let before = cost(&shrinker.best);
        shrinker.pass();
        if cost(&shrinker.best) >= before || shrinker.is_over() {
            return shrinker.best;
        }
    }
}

struct Shrinker<'a> {
    search: &'a Search<'a>,
    wanted: &'a Defect,
    explorer: Explorer,
    best: Plan,
    tries: usize,
    end: Instant,
}

impl Shrinker<'_> {
    fn is_over(&self) -> bool {
        self.tries >= TRIES_MAX || Instant::now() >= self.end
    }

    /// Takes `plan` over when it leads to the defect in a simpler way.
    fn attempt(&mut self, plan: Plan) -> bool {
        if self.is_over() {
            return false;
        }
        self.tries += 1;
        let wanted = |defect: &Defect| resembles(defect, self.wanted);
        let Some(hit) = self.search.follow_with(&mut self.explorer, &plan, wanted) else {
            return false;
        };
        let made = Plan::of(&hit.choices);
        let simpler = cost(&made) < cost(&self.best);
        if simpler {
            self.best = made;
        }
        simpler
    }

    /// Tries every change of each kind once, the coarse ones first.
    fn pass(&mut self) {
        self.take_out_halves();
        self.each_run(|plan, at| {
            plan.runs.remove(at);
            true
        });
        self.each_run(join_with_next);
        self.each_run(join_with_former);
        self.each_run(|plan, at| {
            plan.runs[at].steps = u32::MAX;
            true
        });
        self.each_run(swap_with_next);
        for at in (0..self.best.labels.len()).rev() {
            let mut plan = self.best.clone();
            if at < plan.labels.len() {
                plan.labels.remove(at);
                self.attempt(plan);
            }
        }
        self.each_run(|plan, at| {
            let steps = &mut plan.runs[at].steps;
            *steps /= 2;
            *steps > 0
        });
        self.each_run(|plan, at| {
            let steps = &mut plan.runs[at].steps;
            *steps -= 1;
            *steps > 0
        });
    }

    /// Takes out parts of the plan: halves, quarters and so on.
    fn take_out_halves(&mut self) {
        let mut size = self.best.runs.len() / 2;
        while size > 1 {
            let mut at = 0;
            while at < self.best.runs.len() {
                let mut plan = self.best.clone();
                let end = (at + size).min(plan.runs.len());
                plan.runs.drain(at..end);
                if !self.attempt(plan) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    /// Tries `change` at every run, the last first, for as long as it helps there.
    fn each_run(&mut self, change: impl Fn(&mut Plan, usize) -> bool) {
        for at in (0..self.best.runs.len()).rev() {
            while at < self.best.runs.len() {
                let mut plan = self.best.clone();
                if !change(&mut plan, at) || !self.attempt(plan) {
                    break;
                }
            }
        }
    }
}

/// Moves the next run of the same thread to this one.
fn join_with_next(plan: &mut Plan, at: usize) -> bool {
    let Run { thread, .. } = plan.runs[at];
    let Some(next) = plan.runs[at + 1..].iter().position(|run| run.thread == thread) else {
        return false;
    };
    let steps = plan.runs.remove(at + 1 + next).steps;
    plan.runs[at].steps = plan.runs[at].steps.saturating_add(steps);
    true
}

/// Moves this run to the next one of the same thread.
fn join_with_former(plan: &mut Plan, at: usize) -> bool {
    let Run { thread, steps } = plan.runs[at];
    let Some(next) = plan.runs[at + 1..].iter().position(|run| run.thread == thread) else {
        return false;
    };
    let next = &mut plan.runs[at + 1 + next];
    next.steps = next.steps.saturating_add(steps);
    plan.runs.remove(at);
    true
}

fn swap_with_next(plan: &mut Plan, at: usize) -> bool {
    let possible = at + 1 < plan.runs.len();
    if possible {
        plan.runs.swap(at, at + 1);
    }
    possible
}
