//! Conditions, and goroutines that start goroutines.

use crate::go::{Chan, Cond, Lock};
use norace_check::RaceCell;
use norace_prim::thread::scope;

races! {
    free no_race_cond,
    racy cond,
    racy announce_threads,
    racy goroutine_creation_stack,
}

/// Waits until what `lock` guards is 1.
fn wait_for(lock: &Lock<i32>, cond: &Cond) {
    let mut condition = lock.lock();
    while *condition != 1 {
        condition = cond.wait(condition);
    }
}

/// The lock, under which the condition was set and seen.
fn no_race_cond() {
    let (x, lock, cond) = (RaceCell::named("x", 0), Lock::new(0), Cond::new());
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            *lock.lock() = 1;
            cond.signal();
        });
        wait_for(&lock, &cond);
        x.set(2);
    });
}

/// None: the last write is under the lock, but the other one is not.
fn cond() {
    let (x, lock, cond) = (RaceCell::named("x", 0), Lock::new(0), Cond::new());
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            *lock.lock() = 1;
            cond.signal();
            let _guard = lock.lock();
            x.set(3);
        });
        wait_for(&lock, &cond);
        x.set(2);
    });
}

/// None: who starts another is before it, but not beside it.
fn announce_threads() {
    let (x, done) = (RaceCell::named("x", 0), Chan::new(5));
    let set = || {
        x.set(1);
        done.send(());
    };
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            s.spawn(|| {
                x.set(1);
                s.spawn(|| {
                    s.spawn(set);
                    s.spawn(set);
                    done.send(());
                });
                s.spawn(set);
                x.set(2);
                done.send(());
            });
        });
        for _ in 0..5 {
            done.recv();
        }
    });
}

/// None: a goroutine's goroutine's goroutine is not before the first one's end.
fn goroutine_creation_stack() {
    let x = RaceCell::named("x", 0);
    scope(|s| {
        s.spawn(|| s.spawn(|| s.spawn(|| s.spawn(|| x.set(1)))));
        x.set(2);
    });
}
