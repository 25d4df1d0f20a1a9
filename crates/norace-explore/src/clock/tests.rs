//! Rows against lists of numbers.

use super::*;

/// Rows with their components, in step with the table.
struct Both {
    clocks: Clocks,
    rows: Vec<(Row, Vec<u32>)>,
}

impl Both {
    fn check(&self) {
        for (row, expected) in &self.rows {
            for (thread, &event) in expected.iter().enumerate().take(self.clocks.width()) {
                assert_eq!(self.clocks.get(*row, ThreadId::new(thread)), event);
            }
        }
    }
}

#[test]
fn rows_are_lists_of_numbers_at_every_width() {
    let mut both = Both { clocks: Clocks::new(), rows: vec![(Row::EMPTY, vec![0; 64])] };
    let mut state = 1_u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for _ in 0..4 {
        for _ in 0..100 {
            let (from, other) = (below(both.rows.len()), below(both.rows.len()));
            let thread = below(both.clocks.width());
            let event = u32::try_from(below(1_000)).unwrap() << 20;
            let mut expected = both.rows[from].1.clone();
            expected[thread] = event;
            let row = both.clocks.copy_with(both.rows[from].0, ThreadId::new(thread), event);
            both.clocks.join(row, both.rows[other].0);
            let later = both.rows[other].1.iter();
            expected.iter_mut().zip(later).for_each(|(our, their)| *our = (*our).max(*their));
            both.rows.push((row, expected));
        }
        both.check();
        if both.clocks.width() < 64 {
            both.clocks.widen();
            both.check();
        }
    }
    both.clocks.reset();
    let row = both.clocks.zero();
    assert!((0..64).all(|thread| both.clocks.get(row, ThreadId::new(thread)) == 0));
}

#[test]
fn what_is_gathered_begins_with_nothing() {
    let mut clocks = Clocks::new();
    let mut all = Row::EMPTY;
    clocks.gather(&mut all, Row::EMPTY);
    assert_eq!(all, Row::EMPTY);
    let row = clocks.copy_with(Row::EMPTY, ThreadId::new(3), 7);
    clocks.gather(&mut all, row);
    assert!(all != row && clocks.get(all, ThreadId::new(3)) == 7);
}
