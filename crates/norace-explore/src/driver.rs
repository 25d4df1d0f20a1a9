//! Where choices come from: one field per strategy, one of them in use.

mod depth;
mod dpor;
mod guide;
mod walk;

use crate::engine::{Choice, Engine, Label, Phase};
use crate::event::ThreadId;
use crate::finding::Finding;

pub(crate) use depth::Depth;
pub(crate) use dpor::Dpor;
pub(crate) use guide::Guide;
pub use guide::{Plan, Run};
pub(crate) use walk::Walk;

/// How an exploration chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Every class of executions once.
    #[default]
    Exhaustive,
    /// Every execution with at most so many preemptions, for 0, 1, 2 and so on up to this number.
    Bounded {
        /// The last bound tried.
        preemptions: u32,
    },
    /// Each step uniform among the threads that can run.
    Random {
        /// The same seed, the same executions.
        seed: u64,
        /// How many.
        executions: u64,
    },
    /// Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010).
    Pct {
        /// The same seed, the same executions.
        seed: u64,
        /// How many.
        executions: u64,
        /// The number of ordering constraints a bug may need; 1 to about 5.
        depth: u32,
    },
    /// Partial order sampling (Yuan, Yang, Gu, CAV 2018): by priorities drawn anew for operations that conflict with
    /// the one that was run.
    Pos {
        /// The same seed, the same executions.
        seed: u64,
        /// How many.
        executions: u64,
    },
    /// A walk that is uniform over schedules instead of steps (Zhao, Wolff, Mathur, Roychoudhury, ASPLOS 2025): threads
    /// weigh as much as they have steps left, estimated from earlier executions.
    Urw {
        /// The same seed, the same executions.
        seed: u64,
        /// How many.
        executions: u64,
    },
    /// One execution that follows a plan as far as it can, and takes the usual case where that says nothing.
    Guided(Plan),
    /// One execution that follows recorded choices, and the usual case after their end.
    Replay(Vec<Choice>),
}

/// The state of the strategy in use.
#[derive(Debug, Default)]
pub(crate) struct Driver {
    strategy: Strategy,
    pub(crate) dpor: Dpor,
    depth: Depth,
    walk: Walk,
    guide: Guide,
}

impl Driver {
    /// Makes ready for an exploration.
    pub(crate) fn prepare(&mut self, strategy: Strategy) {
        self.dpor.prepare();
        match strategy {
            Strategy::Random { seed, .. } => self.walk = Walk::uniform(seed),
            Strategy::Pct { seed, depth, .. } => self.walk = Walk::pct(seed, depth),
            Strategy::Pos { seed, .. } => self.walk = Walk::pos(seed),
            Strategy::Urw { seed, .. } => self.walk = Walk::urw(seed),
            Strategy::Bounded { .. } => self.depth = Depth::default(),
            Strategy::Guided(_) => self.guide = Guide::default(),
            Strategy::Exhaustive | Strategy::Replay(_) => {}
        }
        self.strategy = strategy;
    }

    pub(crate) fn begin(&mut self) {
        match self.strategy {
            Strategy::Exhaustive => self.dpor.begin(),
            Strategy::Random { .. }
            | Strategy::Pct { .. }
            | Strategy::Pos { .. }
            | Strategy::Urw { .. } => self.walk.begin(),
            Strategy::Guided(_) => self.guide.begin(),
            Strategy::Bounded { .. } | Strategy::Replay(_) => {}
        }
    }

    /// Follows another strategy from here on; answers the one so far, whose state is kept.
    pub(crate) fn follow(&mut self, strategy: Strategy) -> Strategy {
        std::mem::replace(&mut self.strategy, strategy)
    }

    /// Moves on to the next execution; false when there is none.
    pub(crate) fn advance(&mut self, executions: u64, steps: u32) -> bool {
        self.walk.learn(steps);
        match self.strategy {
            Strategy::Exhaustive => self.dpor.advance(),
            Strategy::Bounded { preemptions } => self.depth.advance(preemptions),
            Strategy::Random { executions: max, .. }
            | Strategy::Pct { executions: max, .. }
            | Strategy::Pos { executions: max, .. }
            | Strategy::Urw { executions: max, .. } => executions < max,
            Strategy::Guided(_) | Strategy::Replay(_) => false,
        }
    }

    /// Others went on too rarely because of `thread`.
    pub(crate) fn give_way(&mut self, thread: ThreadId) {
        self.walk.give_way(thread);
    }

    pub(crate) fn is_exhaustive(&self) -> bool {
        matches!(self.strategy, Strategy::Exhaustive)
    }

    /// Whether there is one execution.
    pub(crate) fn runs_once(&self) -> bool {
        matches!(self.strategy, Strategy::Guided(_) | Strategy::Replay(_))
    }

    /// The bound within which every execution was run, when the search ended by itself.
    pub(crate) fn bound_reached(&self) -> Option<u32> {
        match self.strategy {
            Strategy::Bounded { .. } if self.depth.was_cut() => Some(self.depth.bound()),
            _ => None,
        }
    }

    pub(crate) fn is_random(&self) -> bool {
        !matches!(self.strategy, Strategy::Exhaustive | Strategy::Bounded { .. })
    }
}

impl Engine {
    /// Chooses among `enabled`, which is not empty, who runs with which label; nobody when the choice recorded is not
    /// there.
    #[inline]
    pub(crate) fn pick(&mut self, enabled: u64) -> Option<ThreadId> {
        match &self.driver.strategy {
            Strategy::Random { .. }
            | Strategy::Pct { .. }
            | Strategy::Pos { .. }
            | Strategy::Urw { .. } => self.pick_walk(enabled),
            _ => self.pick_in_order(enabled),
        }
    }

    #[inline(never)]
    fn pick_in_order(&mut self, enabled: u64) -> Option<ThreadId> {
        if self.phase == Phase::Redundant {
            return self.pick_usual(enabled);
        }
        match &self.driver.strategy {
            Strategy::Exhaustive => self.pick_exhaustive(enabled),
            Strategy::Bounded { .. } => self.pick_bounded(enabled),
            Strategy::Guided(plan) => {
                let hint = self.driver.guide.next(plan, enabled);
                self.pick_guided(hint, enabled)
            }
            Strategy::Replay(script) => match script.get(self.steps as usize).copied() {
                Some(choice) => self.pick_recorded(enabled, choice),
                None => self.pick_usual(enabled),
            },
            strategy => unreachable!("{strategy:?} has no order"),
        }
    }

    /// The usual thread, with the first label.
    pub(crate) fn pick_usual(&mut self, enabled: u64) -> Option<ThreadId> {
        self.take_label(self.usual(enabled), 0)
    }

    /// The running thread if it can go on, else the first that can; time passes only when nothing else can happen.
    fn usual(&self, enabled: u64) -> ThreadId {
        let ready = self.without_timers(enabled);
        if ready >> self.running.index() & 1 == 1 { self.running } else { first(ready) }
    }

    /// Lists the labels of `thread` and chooses the one at `label`, if there are so many.
    pub(crate) fn take_label(&mut self, thread: ThreadId, label: u16) -> Option<ThreadId> {
        self.list_labels(thread);
        self.take_listed(thread, label)
    }

    /// Chooses `thread` with the label at `label` of those listed, if there are so many.
    pub(crate) fn take_listed(&mut self, thread: ThreadId, label: u16) -> Option<ThreadId> {
        let chosen = self.labels.get(usize::from(label)).copied()?;
        // The number must mean the same when a replay lists all labels.
        Some(self.take(thread, chosen, label))
    }

    #[inline]
    pub(crate) fn take(&mut self, thread: ThreadId, label: Label, number: u16) -> ThreadId {
        self.label = label;
        self.choices.push(Choice { thread: thread.0, label: number });
        self.fingerprint ^= u64::from(number);
        thread
    }

    fn pick_recorded(&mut self, enabled: u64, choice: Choice) -> Option<ThreadId> {
        let thread = ThreadId(choice.thread);
        let possible = choice.thread < 64 && enabled >> choice.thread & 1 == 1;
        let picked = if possible { self.take_label(thread, choice.label) } else { None };
        if picked.is_none() {
            self.diverged();
        }
        picked
    }

    pub(crate) fn diverged(&mut self) {
        self.findings.push(Finding::Diverged { step: self.steps });
    }
}

/// The members of a set of threads.
#[inline]
pub(crate) fn members(mut set: u64) -> impl Iterator<Item = ThreadId> {
    std::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let thread = first(set);
        set &= set - 1;
        Some(thread)
    })
}

/// Threads as a set.
#[inline]
pub(crate) fn set_of(threads: impl IntoIterator<Item = ThreadId>) -> u64 {
    threads.into_iter().fold(0, |set, thread| set | 1 << thread.index())
}

/// The first member of a set that is not empty.
#[inline]
pub(crate) fn first(set: u64) -> ThreadId {
    ThreadId::new(set.trailing_zeros() as usize)
}

/// A set of the first eight threads as a list.
#[derive(Clone, Copy)]
struct Few {
    /// The members, four bits each, the first in the lowest.
    members: u32,
    count: u8,
}

/// By set: looked up without a branch, since a random one could not be predicted.
static FEW: [Few; 256] = {
    let mut all = [Few { members: 0, count: 0 }; 256];
    let mut set = 0;
    while set < 256 {
        let mut thread = 0;
        while thread < 8 {
            if set >> thread & 1 == 1 {
                all[set].members |= thread << (4 * all[set].count);
                all[set].count += 1;
            }
            thread += 1;
        }
        set += 1;
    }
    all
};

/// The member of `set` with the number that `draw` gives for how many there are.
#[inline]
pub(crate) fn draw_member(set: u64, draw: impl FnOnce(u64) -> u64) -> ThreadId {
    if let Some(few) = usize::try_from(set).ok().and_then(|set| FEW.get(set)) {
        let at = draw(u64::from(few.count));
        return ThreadId::new((few.members >> (4 * at) & 7) as usize);
    }
    let at = draw(u64::from(set.count_ones()));
    let mut threads = members(set).skip(usize::try_from(at).expect("below 64"));
    threads.next().expect("below the count")
}

#[cfg(test)]
mod tests;
