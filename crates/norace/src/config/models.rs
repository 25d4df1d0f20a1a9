//! Readers, publishers and those who wait for changes, at every moment.

use super::{Closed, CompareError, Hot, Stale};
use crate::models::{all, finds, join, poll, spawn};
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;

#[test]
fn a_cached_reader_goes_forward_and_arrives() {
    all(|| {
        let hot = Hot::new(1);
        let mut reader = hot.reader();
        let publisher = {
            let hot = hot.clone();
            thread::spawn(move || hot.publish(2))
        };
        let mut last = 0;
        for _ in 0..2 {
            let read = *reader.get();
            assert_eq!(read, reader.version(), "the value goes with its version");
            assert!(read >= last, "{read} after {last}");
            last = read;
        }
        assert_eq!(publisher.join().expect("it does not panic"), Ok(2));
        assert_eq!(*reader.get(), 2);
    });
}

#[test]
fn loans_and_cached_readers_agree_on_the_order() {
    all(|| {
        let hot = Hot::new(1);
        let publisher = {
            let hot = hot.clone();
            thread::spawn(move || hot.publish(2))
        };
        let mut reader = hot.reader();
        let loan = *hot.load();
        let cached = *reader.get();
        assert!(cached >= loan, "{cached} after {loan}");
        assert!(*hot.load() >= cached);
        publisher.join().expect("it does not panic").expect("nothing is refused");
    });
}

#[test]
fn of_two_who_expect_a_version_one_publishes() {
    all(|| {
        let hot = Hot::new(0);
        let outcomes = join(spawn(2, |number| {
            let hot = hot.clone();
            move || hot.compare_publish(1, number + 1)
        }));
        let stale = Err(CompareError::Stale(Stale { expected: 1, current: 2 }));
        let winner = outcomes.iter().position(|outcome| *outcome == Ok(2)).expect("one publishes");
        assert_eq!(outcomes[1 - winner], stale);
        assert_eq!(*hot.load() as usize, winner + 1);
    });
}

#[test]
fn no_update_is_lost() {
    all(|| {
        let hot = Hot::builder(0).history(3).build();
        join(spawn(2, |_| {
            let hot = hot.clone();
            move || hot.update(|value| value + 1)
        }));
        assert_eq!((*hot.load(), hot.version()), (2, 3));
        let history: Vec<_> = hot.history().iter().map(|old| (old.version(), **old)).collect();
        assert_eq!(history, [(2, 1), (1, 0)]);
    });
}

#[test]
fn a_validator_has_seen_the_value_that_is_replaced() {
    all(|| {
        let hot = Hot::builder(0)
            .validate(|old, new| if *new > *old { Ok(()) } else { Err("it must rise") })
            .build();
        let outcomes = join(spawn(2, |number| {
            let hot = hot.clone();
            move || hot.publish(number + 1)
        }));
        // The second value always gets in; the first one only before it.
        assert!(outcomes[1].is_ok());
        assert_eq!(*hot.load(), 2);
        assert_eq!(outcomes[0].is_ok(), hot.version() == 3);
    });
}

#[test]
fn who_waits_for_a_part_is_woken_by_its_change_and_by_the_end() {
    all(|| {
        let hot = Hot::new((0, 0));
        let mut changes = hot.subscribe(|pair| pair.1);
        let waiter = thread::spawn(move || {
            let first = changes.changed_blocking().map(|part| *part);
            (first, changes.changed_blocking().map(|part| *part))
        });
        let _ = hot.publish((1, 0));
        let _ = hot.publish((1, 1));
        drop(hot);
        assert_eq!(waiter.join().expect("it does not panic"), (Ok(1), Err(Closed)));
    });
}

#[test]
fn a_change_beside_the_subscription_is_in_it_or_comes_after_it() {
    all(|| {
        let hot = Hot::new(0);
        let publisher = {
            let hot = hot.clone();
            thread::spawn(move || hot.publish(1))
        };
        let mut changes = hot.subscribe(|value| *value);
        let first = *changes.current();
        publisher.join().expect("it does not panic").expect("nothing is refused");
        let second = changes.try_changed().expect("the handle is there").map(|part| *part);
        assert_eq!(second, (first == 0).then_some(1));
    });
}

#[test]
fn a_wait_that_is_dropped_has_seen_nothing() {
    all(|| {
        let hot = Hot::new(0);
        let mut changes = hot.subscribe(|value| *value);
        let publisher = {
            let hot = hot.clone();
            thread::spawn(move || hot.publish(1))
        };
        if poll(&mut changes.changed()).is_pending() {
            assert_eq!(changes.changed_blocking().map(|part| *part), Ok(1));
        }
        publisher.join().expect("it does not panic").expect("nothing is refused");
        assert_eq!(changes.try_changed().map(|part| part.is_some()), Ok(false));
    });
}

#[test]
fn offers_that_come_late_change_nothing() {
    all(|| {
        let hot = Hot::new(0);
        let mut changes = hot.subscribe(|value| *value);
        join(spawn(2, |number| {
            let hot = hot.clone();
            move || hot.publish(number + 1)
        }));
        let part = changes.try_changed().expect("the handle is there").expect("it changed twice");
        assert_eq!((*part, part.version()), (*hot.load(), 3));
    });
}

/// What the version and the cell are to each other, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// The version rises after the cell has changed: a loan gives a value, and then a cached reader an older one.
    CellFirst,
    /// Reading the cell, or changing it, orders nothing.
    WeakLook,
    WeakChange,
}

fn cached(mutant: Mutant) {
    let weak = move |weak, order| if mutant == weak { Ordering::Relaxed } else { order };
    let words = Arc::new((AtomicU64::new(1), AtomicU64::new(1)));
    let publisher = {
        let words = words.clone();
        thread::spawn(move || {
            let (version, cell) = &*words;
            if mutant != Mutant::CellFirst {
                // Relaxed: the cell's change releases it.
                version.store(2, Ordering::Relaxed);
            }
            // As the mutant says: the change.
            cell.store(2, weak(Mutant::WeakChange, Ordering::Release));
            if mutant == Mutant::CellFirst {
                // Relaxed: too late in any case.
                version.store(2, Ordering::Relaxed);
            }
        })
    };
    // As the mutant says: a loan.
    let loan = words.1.load(weak(Mutant::WeakLook, Ordering::Acquire));
    // Relaxed: as in is_news.
    assert!(words.0.load(Ordering::Relaxed) >= loan, "a cached reader would keep the former value");
    publisher.join().expect("it does not panic");
}

#[test]
fn the_version_rises_before_the_cell_is_seen_to_change() {
    all(|| cached(Mutant::None));
    for mutant in [Mutant::CellFirst, Mutant::WeakLook, Mutant::WeakChange] {
        finds(move || cached(mutant));
    }
}
