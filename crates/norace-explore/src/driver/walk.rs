//! Random executions: uniform, PCT, POS and URW.

use crate::driver::{draw_member, first, members};
use crate::engine::{Engine, Label};
use crate::event::ThreadId;

/// Marsaglia's xorshift64*, two numbers ahead: what is drawn decides at once who goes on, and the processor waits for
/// that.
#[derive(Debug)]
struct Random {
    state: u64,
    drawn: [u64; 2],
}

impl Random {
    fn new(state: u64) -> Self {
        let mut random = Self { state, drawn: [0; 2] };
        random.next();
        random.next();
        random
    }

    #[inline]
    fn next(&mut self) -> u64 {
        let [next, after] = self.drawn;
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.drawn = [after, self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)];
        next
    }

    #[inline]
    fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).expect("a product of two words shifted by one")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Each that can run is as likely.
    Chance,
    /// The highest priority, which falls at so many steps minus one.
    Priority { depth: u32 },
    /// The highest priority of the coming operations.
    Operation,
    /// Each as likely as it has steps left.
    StepsLeft,
}

/// A random walk.
#[derive(Debug)]
pub(crate) struct Walk {
    random: Random,
    by: By,
    /// A thread's priority, or that of its coming operation; higher goes first.
    priorities: Vec<u64>,
    /// Steps at which the running thread falls to the bottom.
    changes: Vec<u32>,
    steps_seen: u32,
    lowest: u64,
    /// By thread: steps in this execution, and in the longest so far.
    steps: [u32; 64],
    steps_max: [u32; 64],
}

const LOWEST: u64 = 1 << 32;

impl Default for Walk {
    fn default() -> Self {
        Self::uniform(0)
    }
}

impl Walk {
    fn new(seed: u64, by: By) -> Self {
        // Zero is the one state that xorshift never leaves.
        let state =
            seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15) | 1;
        Self {
            random: Random::new(state),
            by,
            priorities: Vec::new(),
            changes: Vec::new(),
            steps_seen: 16,
            lowest: LOWEST,
            steps: [0; 64],
            steps_max: [1; 64],
        }
    }

    pub(super) fn uniform(seed: u64) -> Self {
        Self::new(seed, By::Chance)
    }

    pub(super) fn pct(seed: u64, depth: u32) -> Self {
        Self::new(seed, By::Priority { depth })
    }

    pub(super) fn pos(seed: u64) -> Self {
        Self::new(seed, By::Operation)
    }

    pub(super) fn urw(seed: u64) -> Self {
        Self::new(seed, By::StepsLeft)
    }

    pub(super) fn begin(&mut self) {
        self.priorities.clear();
        self.changes.clear();
        self.lowest = LOWEST;
        if let By::Priority { depth } = self.by {
            for _ in 1..depth {
                let step = self.random.below(u64::from(self.steps_seen));
                self.changes.push(u32::try_from(step).expect("below a word"));
            }
        }
        if self.by == By::StepsLeft {
            for (steps, max) in self.steps.iter_mut().zip(&mut self.steps_max) {
                *max = (*steps).max(*max);
                *steps = 0;
            }
        }
    }

    pub(super) fn learn(&mut self, steps: u32) {
        self.steps_seen = self.steps_seen.max(steps);
    }

    fn priority(&mut self) -> u64 {
        LOWEST + 1 + self.random.below(u64::MAX - LOWEST - 1)
    }

    fn draw_priorities(&mut self) {
        while self.priorities.len() < 64 {
            let priority = self.priority();
            self.priorities.push(priority);
        }
    }

    fn highest(&self, ready: u64) -> ThreadId {
        let highest = members(ready).max_by_key(|thread| self.priorities[thread.index()]);
        highest.unwrap_or_else(|| first(ready))
    }

    #[inline]
    fn choose(&mut self, ready: u64, running: ThreadId, step: u32) -> ThreadId {
        if self.by == By::Chance {
            return draw_member(ready, |count| self.random.below(count));
        }
        self.choose_by_weight(ready, running, step)
    }

    #[inline(never)]
    fn choose_by_weight(&mut self, ready: u64, running: ThreadId, step: u32) -> ThreadId {
        if self.by == By::StepsLeft {
            return self.choose_by_steps_left(ready);
        }
        self.draw_priorities();
        if self.changes.contains(&step) {
            self.give_way(running);
        }
        self.highest(ready)
    }

    /// Where threads have priorities, none is lower than that of `thread` from here on.
    pub(super) fn give_way(&mut self, thread: ThreadId) {
        if let (By::Priority { .. }, Some(priority)) =
            (self.by, self.priorities.get_mut(thread.index()))
        {
            self.lowest -= 1;
            *priority = self.lowest;
        }
    }

    fn choose_by_steps_left(&mut self, ready: u64) -> ThreadId {
        let left = |walk: &Self, thread: ThreadId| {
            let at = thread.index();
            u64::from(walk.steps_max[at].saturating_sub(walk.steps[at]).max(1))
        };
        let all = members(ready).map(|thread| left(self, thread)).sum();
        let mut drawn = self.random.below(all);
        let chosen = members(ready).find(|&thread| {
            let own = left(self, thread);
            let here = drawn < own;
            drawn = drawn.saturating_sub(own);
            here
        });
        let chosen = chosen.unwrap_or_else(|| first(ready));
        self.steps[chosen.index()] += 1;
        chosen
    }
}

impl Engine {
    #[inline]
    pub(super) fn pick_walk(&mut self, enabled: u64) -> Option<ThreadId> {
        let walk = &mut self.driver.walk;
        // Time passes early now and then, so that time-outs meet the events they race with.
        let early = walk.random.below(8) == 0;
        let late = !early && self.has_timers(enabled);
        let ready = if late { self.without_timers(enabled) } else { enabled };
        let step = self.steps;
        let thread = self.driver.walk.choose(ready, self.running, step);
        if self.driver.walk.by == By::Operation {
            self.draw_for_conflicts(thread, enabled);
        }
        match self.only_label(thread) {
            Some(label) => Some(self.take(thread, label, 0)),
            None => self.draw_label(thread),
        }
    }

    /// Chooses among the labels of `thread`.
    #[inline(never)]
    fn draw_label(&mut self, thread: ThreadId) -> Option<ThreadId> {
        self.list_labels(thread);
        let labels = self.labels.len() as u64;
        let walk = &mut self.driver.walk;
        let free = matches!(self.labels[0], Label::Number(_));
        let usual = labels == 1 || !free && walk.random.below(2) == 0;
        let label = if usual { 0 } else { walk.random.below(labels) };
        let label = u16::try_from(label).expect("labels are few");
        self.take_listed(thread, label)
    }

    /// New priorities for the next operation of `thread`, and for all coming ones on the object of the one it does now.
    fn draw_for_conflicts(&mut self, thread: ThreadId, enabled: u64) {
        let object = |thread: ThreadId| self.threads[thread].pending.map(|pending| pending.object);
        let own = object(thread);
        for other in members(enabled) {
            if other == thread || object(other) == own {
                let priority = self.driver.walk.priority();
                self.driver.walk.priorities[other.index()] = priority;
            }
        }
    }
}
