//! Random executions: uniform, and PCT.

use crate::driver::{first, members};
use crate::engine::{Engine, Label};
use crate::event::ThreadId;

/// Marsaglia's xorshift64*.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).expect("a product of two words shifted by one")
    }
}

/// A random walk; with `depth`, by priorities.
#[derive(Debug)]
pub(crate) struct Walk {
    random: Random,
    depth: Option<u32>,
    /// A thread's priority; higher goes first.
    priorities: Vec<u64>,
    /// Steps at which the running thread falls to the bottom.
    changes: Vec<u32>,
    steps_seen: u32,
    lowest: u64,
}

const LOWEST: u64 = 1 << 32;

impl Walk {
    pub(super) fn uniform(seed: u64) -> Self {
        // Zero is the one state that xorshift never leaves.
        let state =
            seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15) | 1;
        Self {
            random: Random(state),
            depth: None,
            priorities: Vec::new(),
            changes: Vec::new(),
            steps_seen: 16,
            lowest: LOWEST,
        }
    }

    pub(super) fn pct(seed: u64, depth: u32) -> Self {
        Self { depth: Some(depth), ..Self::uniform(seed) }
    }

    pub(super) fn begin(&mut self) {
        self.priorities.clear();
        self.changes.clear();
        self.lowest = LOWEST;
        for _ in 1..self.depth.unwrap_or(1) {
            let step = self.random.below(u64::from(self.steps_seen));
            self.changes.push(u32::try_from(step).expect("below a word"));
        }
    }

    pub(super) fn learn(&mut self, steps: u32) {
        self.steps_seen = self.steps_seen.max(steps);
    }

    fn choose(&mut self, ready: u64, running: ThreadId, step: u32) -> ThreadId {
        if self.depth.is_none() {
            let at = self.random.below(u64::from(ready.count_ones()));
            let mut threads = members(ready).skip(usize::try_from(at).expect("below 64"));
            return threads.next().expect("below the count");
        }
        while self.priorities.len() < 64 {
            let priority = LOWEST + 1 + self.random.below(u64::MAX - LOWEST - 1);
            self.priorities.push(priority);
        }
        if self.changes.contains(&step) {
            self.lowest -= 1;
            self.priorities[running.index()] = self.lowest;
        }
        let highest = members(ready).max_by_key(|thread| self.priorities[thread.index()]);
        highest.unwrap_or_else(|| first(ready))
    }
}

impl Engine {
    pub(super) fn pick_walk(&mut self, enabled: u64) -> (ThreadId, Label) {
        let walk = &mut self.driver.walk;
        // Time passes early now and then, so that time-outs meet the events they race with.
        let early = walk.random.below(8) == 0;
        let ready = if early { enabled } else { self.without_timers(enabled) };
        let step = self.steps;
        let thread = self.driver.walk.choose(ready, self.running, step);
        self.list_labels(thread);
        let labels = self.labels.len() as u64;
        let walk = &mut self.driver.walk;
        let usual = labels == 1 || walk.random.below(2) == 0;
        let label = if usual { 0 } else { walk.random.below(labels) };
        let label = u16::try_from(label).expect("labels are few");
        self.record_choice(thread, label).expect("the label was listed")
    }
}
