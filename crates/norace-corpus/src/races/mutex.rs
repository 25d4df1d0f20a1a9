//! Locks: an unlock happens before the next lock of the same one.
//!
//! A guard stays with its thread in Rust. Where Go unlocks in another goroutine the lock is a channel of one place.

use crate::go::{Chan, Lock, sleep};
use norace_check::RaceCell;
use norace_prim::sync::Arc;
use norace_prim::thread::scope;

races! {
    free no_race_mutex,
    racy mutex,
    racy mutex_2,
    racy no_race_mutex_pure_happens_before,
    free no_race_mutex_pure_happens_before_seen,
    free no_race_mutex_semaphore,
    free no_race_mutex_example_from_html,
    racy mutex_overwrite,
}

/// The lock.
fn no_race_mutex() {
    let (x, lock) = (RaceCell::named("x", 0), Lock::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = lock.lock();
            x.set(1);
        });
        s.spawn(|| {
            let _guard = lock.lock();
            x.set(2);
        });
    });
}

/// None: both writes come before the lock.
fn mutex() {
    let (x, lock) = (RaceCell::named("x", 0), Lock::new(()));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            let _guard = lock.lock();
        });
        s.spawn(|| {
            x.set(2);
            drop(lock.lock());
        });
    });
}

/// None: two locks.
fn mutex_2() {
    let (x, first, second) = (RaceCell::named("x", 0), Lock::new(()), Lock::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = first.lock();
            x.set(1);
        });
        s.spawn(|| {
            let _guard = second.lock();
            x.set(2);
        });
    });
}

/// The lock, if the sleeper wakes last, as it does in Go's one run; it may also be the first.
fn no_race_mutex_pure_happens_before() {
    let (x, lock) = (RaceCell::named("x", 0), Lock::new(()));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            drop(lock.lock());
        });
        s.spawn(|| {
            sleep(1);
            drop(lock.lock());
            x.set(1);
        });
    });
}

/// The lock, under which nothing is done but telling who was first.
fn no_race_mutex_pure_happens_before_seen() {
    let (x, lock) = (RaceCell::named("x", 0), Lock::new(false));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            *lock.lock() = true;
        });
        s.spawn(|| {
            sleep(1);
            let first = *lock.lock();
            if first {
                x.set(1);
            }
        });
    });
}

/// An unlock happens before the next lock, whoever makes it.
fn no_race_mutex_semaphore() {
    let (x, lock) = (RaceCell::named("x", 0), Chan::new(1));
    lock.send(());
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            lock.recv();
        });
        s.spawn(|| {
            lock.send(());
            x.set(2);
            lock.recv();
        });
    });
}

/// An unlock happens before the next lock, whoever makes it.
fn no_race_mutex_example_from_html() {
    let (a, lock) = (RaceCell::named("a", ""), Chan::new(1));
    lock.send(());
    scope(|s| {
        s.spawn(|| {
            a.set("hello, world");
            lock.recv();
        });
        lock.send(());
        assert_eq!(a.get(), "hello, world");
    });
}

/// None: the variable that holds a lock is not guarded by it.
fn mutex_overwrite() {
    let lock = RaceCell::named("mu", Arc::new(Lock::new(())));
    scope(|s| {
        s.spawn(|| lock.set(Arc::new(Lock::new(()))));
        let current = lock.with(Arc::clone);
        let _guard = current.lock();
    });
}
