//! The clock of a counter, on a machine moved by hand.

use super::{Counted, GAP, SPAN};
use norace_prim::rand;
use std::cell::Cell;

/// Ticks and the nanoseconds that they take, moved by hand.
struct Machine {
    ticks: Cell<u64>,
    picos: Cell<u64>,
    picos_per_tick: u64,
    clock: Counted,
    looks: Cell<u64>,
}

impl Machine {
    fn new(picos_per_tick: u64) -> Self {
        let (ticks, picos, looks) = (Cell::new(1 << 50), Cell::default(), Cell::default());
        Self { ticks, picos, picos_per_tick, clock: Counted::new(), looks }
    }

    fn pass(&self, ticks: u64) {
        self.ticks.set(self.ticks.get().wrapping_add(ticks));
        self.picos.set(self.picos.get() + ticks * self.picos_per_tick);
    }

    fn exact(&self) -> u64 {
        self.picos.get() / 1000
    }

    /// A reading, in which a look takes up to `gap`.
    fn read(&self, gap: u64) -> u64 {
        let pass = || self.pass(rand::below(gap / 2 + 1));
        let exact = || {
            self.looks.set(self.looks.get() + 1);
            pass();
            let nanos = self.exact();
            pass();
            nanos
        };
        self.clock.nanos(|| self.ticks.get(), exact)
    }

    /// How far a reading is behind; it is never ahead.
    fn behind(&self, gap: u64) -> u64 {
        let read = self.read(gap);
        self.exact().checked_sub(read).expect("it is not ahead")
    }
}

const BEHIND_MAX: u64 = 10_000;

#[test]
fn time_is_never_ahead_and_little_behind_and_never_runs_backward() {
    for picos_per_tick in [990, 434, 200] {
        let machine = Machine::new(picos_per_tick);
        let mut last = 0;
        for _ in 0..200_000 {
            machine.pass(rand::below(SPAN / 50));
            let read = machine.read(GAP);
            assert!(read >= last, "it ran backward by {}", last - read);
            assert!(machine.exact() >= read && machine.exact() - read <= BEHIND_MAX);
            last = read;
        }
        assert!(machine.looks.get() < 10_000, "the counter is used");
    }
}

#[test]
fn a_counter_that_jumps_is_not_believed() {
    let machine = Machine::new(400);
    for jump in [SPAN, SPAN * 7, 1 << 40, 0_u64.wrapping_sub(SPAN), 0_u64.wrapping_sub(1 << 45)] {
        for _ in 0..500 {
            machine.pass(SPAN / 20);
            assert!(machine.behind(100) <= BEHIND_MAX);
        }
        machine.ticks.set(machine.ticks.get().wrapping_add(jump));
        for _ in 0..500 {
            assert!(machine.behind(100) <= BEHIND_MAX, "after {jump}");
            machine.pass(SPAN / 20);
        }
    }
}

#[test]
fn a_look_that_took_long_counts_for_nothing() {
    let machine = Machine::new(400);
    for round in 0..100_000 {
        machine.pass(rand::below(SPAN / 10));
        let gap = if round % 3 == 0 { GAP } else { 1 << 24 };
        let before = machine.exact();
        let read = machine.read(gap);
        assert!(read <= machine.exact() && before.saturating_sub(read) <= BEHIND_MAX);
    }
}

#[test]
fn a_counter_too_slow_to_be_exact_is_not_used() {
    let machine = Machine::new(40_000);
    for round in 1..1000 {
        machine.pass(SPAN / 10);
        assert_eq!(machine.behind(0), 0);
        assert_eq!(machine.looks.get(), round);
    }
}
