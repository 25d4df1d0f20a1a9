//! Readers-writer locks: readers are ordered with writers, not among themselves.

use crate::go::{Lock, RwMutex, sleep};
use norace_check::RaceCell;
use norace_prim::thread::scope;

races! {
    racy mutex_rw_mutex,
    free no_race_rw_mutex,
    racy rw_mutex_multiple_readers,
    free no_race_rw_mutex_multiple_readers,
    free no_race_rw_mutex_transitive,
}

/// None: two locks.
fn mutex_rw_mutex() {
    let (x, first, second) = (RaceCell::named("x", 0), Lock::new(()), RwMutex::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = first.lock();
            x.set(1);
        });
        s.spawn(|| {
            let _guard = second.write();
            x.set(2);
        });
    });
}

/// The lock, in either order.
fn no_race_rw_mutex() {
    let (x, y, lock) = (RaceCell::named("x", 0), RaceCell::named("y", 1), RwMutex::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = lock.write();
            x.set(2);
        });
        s.spawn(|| {
            let _guard = lock.read();
            y.set(x.get());
        });
    });
}

/// None: readers write another variable, at the same time.
fn rw_mutex_multiple_readers() {
    let (x, y, lock) = (RaceCell::named("x", 0), RaceCell::named("y", 1), RwMutex::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = lock.write();
            x.set(2);
        });
        for n in 1..=3 {
            let (x, y, lock) = (&x, &y, &lock);
            s.spawn(move || {
                let _guard = lock.read();
                y.set(x.get() + n);
            });
        }
    });
}

/// The lock: each reader is on one side of the writer, and readers only read.
fn no_race_rw_mutex_multiple_readers() {
    let (x, lock) = (RaceCell::named("x", 0), RwMutex::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = lock.write();
            x.set(2);
        });
        for _ in 0..3 {
            s.spawn(|| {
                let _guard = lock.read();
                x.get();
            });
        }
    });
}

/// The lock: a writer is after all readers before it, not only the last.
fn no_race_rw_mutex_transitive() {
    let (x, lock) = (RaceCell::named("x", 0), RwMutex::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = lock.read();
            x.get();
        });
        s.spawn(|| {
            sleep(1);
            let _guard = lock.read();
            x.get();
        });
        sleep(2);
        let _guard = lock.write();
        x.set(42);
    });
}
