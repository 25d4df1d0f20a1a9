//! Executions as simple as they can be.

use std::sync::Arc;

use norace_check::{Builder, Finding, RaceCell, Strategy};
use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::thread;

use crate::models;

/// What chance finds, shrunk.
fn by_chance(model: impl Fn()) -> Finding {
    let strategy = Strategy::Random { seed: 7, executions: 10_000 };
    Builder::new().direct().strategy(strategy).run(model).finding.unwrap()
}

#[test]
fn what_has_nothing_to_do_with_it_is_taken_out() {
    let finding = by_chance(|| {
        let noise = Arc::new(Mutex::new(0));
        let cell = Arc::new(RaceCell::new(0));
        let threads: Vec<_> = (0..4)
            .map(|index| {
                let (noise, cell) = (noise.clone(), cell.clone());
                thread::spawn(move || {
                    for _ in 0..5 {
                        *noise.lock().unwrap() += 1;
                    }
                    if index == 2 {
                        cell.set(1);
                    }
                })
            })
            .collect();
        cell.set(2);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(finding.kind, "data-race");
    assert!(finding.switches[0] <= 1, "{:?}", finding.switches);
    assert!(finding.switches[0] <= finding.switches[1]);
}

#[test]
fn a_lost_update_takes_five_switches_at_most() {
    let finding = by_chance(|| models::lost_update(3));
    // Main waits, the first thread loads, another does all, the first one stores, main looks.
    assert!(finding.switches[0] <= 5, "{:?}", finding.switches);
}

#[test]
fn a_circle_of_locks_takes_as_many_switches_as_it_must() {
    assert_eq!(by_chance(models::opposite_locks).switches[0], 1);
    // To who was spawned, and back.
    let race = by_chance(|| models::hand_over(Ordering::Relaxed, Ordering::Relaxed));
    assert_eq!(race.switches[0], 2);
}

#[test]
fn what_was_not_shrunk_does_not_say_so() {
    let outcome = Builder::new().direct().steps(40).run(|| {
        let count = Arc::new(AtomicU32::new(0));
        let other = count.clone();
        let thread = thread::spawn(move || {
            for _ in 0..50 {
                // Relaxed: only the steps count.
                other.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..50 {
            // Relaxed: as above.
            count.fetch_add(1, Ordering::Relaxed);
        }
        thread.join().unwrap();
    });
    let finding = outcome.finding.expect("it is too long");
    assert_eq!((finding.kind, finding.switches[0]), ("too-long", finding.switches[1]));
}
