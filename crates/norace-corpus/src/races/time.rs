//! Timers: what sets one happens before it goes off, and nothing else is known of when that is.

use crate::go::{Chan, sleep};
use norace::chan::{self, Receiver};
use norace::select_blocking;
use norace::time::Instant;
use norace_check::RaceCell;
use norace_prim::thread::{Scope, scope};
use std::time::Duration;

races! {
    free no_race_after_func,
    free no_race_after_func_1,
    free no_race_after_func_2,
    free no_race_after_func_3,
    racy after_func_3,
    free no_race_timer,
    free no_race_ticker,
}

const MILLISECOND: Duration = Duration::from_millis(1);

/// `time.AfterFunc`: the timer is set here, and a goroutine does what it is for.
fn after_func<'scope>(
    s: &'scope Scope<'scope, '_>,
    millis: u32,
    act: impl FnOnce() + Send + 'scope,
) {
    let timer = chan::after(MILLISECOND * millis);
    s.spawn(move || {
        timer.iter().next();
        act();
    });
}

/// The timer, then the channel.
fn no_race_after_func() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(0));
    scope(|s| {
        v.set(2);
        after_func(s, 1, || {
            v.set(1);
            c.send(0);
        });
        c.recv();
        v.set(3);
    });
}

/// Counts down, each time in a timer that the one before has set.
fn count_down<'scope>(
    s: &'scope Scope<'scope, '_>,
    left: &'scope RaceCell<i32>,
    end: &'scope Chan<bool>,
) {
    left.update(|n| n - 1);
    if left.get() >= 0 {
        after_func(s, 0, || count_down(s, left, end));
    } else {
        end.send(true);
    }
}

/// Each timer is set by the one before.
fn no_race_after_func_1() {
    let (left, end) = (RaceCell::named("i", 2), Chan::new(0));
    scope(|s| {
        after_func(s, 0, || count_down(s, &left, &end));
        end.recv();
        assert_eq!(left.get(), -1);
    });
}

/// Nobody else, whether it goes off or is stopped before.
fn no_race_after_func_2() {
    let (x, stop) = (RaceCell::named("x", 0), Chan::<()>::new(0));
    let timer = chan::after(MILLISECOND * 10);
    scope(|s| {
        s.spawn(|| {
            select_blocking! {
                _ = timer.recv() => x.set(1),
                _ = stop.receiver().recv() => {}
            }
        });
        stop.close();
    });
}

/// The channel.
fn no_race_after_func_3() {
    let (x, c) = (RaceCell::named("x", 0), Chan::new(1));
    scope(|s| {
        after_func(s, 10, || {
            x.set(1);
            c.send(true);
        });
        c.recv();
        x.set(2);
    });
}

/// None: the later deadline is no edge.
fn after_func_3() {
    let (x, c) = (RaceCell::named("x", 0), Chan::new(2));
    scope(|s| {
        for millis in [10, 20] {
            let (x, c) = (&x, &c);
            after_func(s, millis, move || {
                x.set(1);
                c.send(true);
            });
        }
        c.recv();
        c.recv();
    });
}

/// What comes before a timer is set, and after what its goroutine sends.
fn fed_by(timer: impl FnOnce() -> Receiver<Instant>) {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(0));
    scope(|s| {
        v.set(2);
        let timer = timer();
        s.spawn(|| {
            timer.iter().next();
            // Or it would go on ticking for nobody.
            drop(timer);
            v.set(1);
            c.send(0);
        });
        c.recv();
        v.set(3);
        sleep(1);
    });
}

/// The timer, then the channel.
fn no_race_timer() {
    fed_by(|| chan::after(MILLISECOND));
}

/// The first tick, then the channel.
fn no_race_ticker() {
    fed_by(|| chan::tick(MILLISECOND));
}
