//! Goroutines under a virtual clock, which orders nothing.

use crate::go::{Chan, sleep};
use norace_check::RaceCell;
use norace_prim::thread::scope;

races! {
    racy synctest_goroutines_exit,
    racy synctest_goroutines_recv,
    racy synctest_goroutines_unblocked,
    racy synctest_goroutines_sleep,
    racy synctest_timers,
}

/// None: that all have ended is known to who waits for it alone.
fn synctest_goroutines_exit() {
    let x = RaceCell::named("x", 0);
    scope(|s| {
        s.spawn(|| x.set(1));
        s.spawn(|| x.set(1));
    });
}

/// None: the close happens before the receives, not after.
fn synctest_goroutines_recv() {
    let (x, c) = (RaceCell::named("x", 0), Chan::<()>::new(0));
    let set = || {
        x.set(1);
        c.recv();
    };
    scope(|s| {
        s.spawn(set);
        s.spawn(set);
        c.close();
    });
}

/// None: both are after the close, beside each other.
fn synctest_goroutines_unblocked() {
    let (x, c) = (RaceCell::named("x", 0), Chan::<()>::new(0));
    let set = || {
        c.recv();
        x.set(1);
    };
    scope(|s| {
        s.spawn(set);
        s.spawn(set);
        c.close();
    });
}

/// None: who sleeps longer may still wake first.
fn synctest_goroutines_sleep() {
    let x = RaceCell::named("x", 0);
    scope(|s| {
        s.spawn(|| {
            sleep(1_000);
            x.set(1);
            sleep(2_000);
        });
        s.spawn(|| {
            sleep(2_000);
            x.set(1);
            sleep(1_000);
        });
        sleep(5_000);
    });
}

/// None: two timers.
fn synctest_timers() {
    let x = RaceCell::named("x", 0);
    scope(|s| {
        for millis in [1_000, 2_000] {
            let x = &x;
            s.spawn(move || {
                sleep(millis);
                x.set(1);
            });
        }
        sleep(5_000);
    });
}
