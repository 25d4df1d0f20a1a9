//! Sleeping until somebody wakes one, and who forgets to.

use super::{RACE, case, order};
use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicBool, AtomicU32, Ordering};
use norace_prim::sync::{Condvar, Mutex, lock, wait};
use norace_prim::thread::{current, park, scope};

const PARKING: &str = "Parking";
const CONDITION: &str = "Condition variable";

/// What it comes to when nobody wakes a sleeper.
const ASLEEP: &[&str] = &["deadlock", "lost-wakeup"];

/// All of this subject.
pub const CASES: &[Case] = &[
    case("park_once", PARKING, RACE, park_once),
    case("park_twice", PARKING, ASLEEP, park_twice),
    case("sleeper_seen", PARKING, ASLEEP, sleeper_seen),
    case("notify_without_lock", CONDITION, ASLEEP, notify_without_lock),
    case("wait_once", CONDITION, &["panic"], wait_once),
    case("notify_one_of_two", CONDITION, ASLEEP, notify_one_of_two),
];

/// A token that somebody else left is taken for the message.
fn park_once(fixed: bool) {
    let (data, ready) = (RaceCell::named("data", 0), AtomicBool::new(false));
    let main = current();
    scope(|s| {
        s.spawn(|| {
            data.set(42);
            // Release: pairs with the load of the sleeper.
            ready.store(true, Ordering::Release);
            main.unpark();
        });
        s.spawn(|| main.unpark());
        if fixed {
            // Acquire: pairs with the store above.
            while !ready.load(Ordering::Acquire) {
                park();
            }
        } else {
            park();
        }
        assert_eq!(data.get(), 42);
    });
}

/// Two tokens are one.
fn park_twice(fixed: bool) {
    let (arrived, main) = (AtomicU32::new(0), current());
    let arrive = || {
        // Relaxed: the token orders it.
        arrived.fetch_add(1, Ordering::Relaxed);
        main.unpark();
    };
    scope(|s| {
        s.spawn(arrive);
        s.spawn(arrive);
        if fixed {
            // Relaxed: only the number matters.
            while arrived.load(Ordering::Relaxed) < 2 {
                park();
            }
        } else {
            park();
            park();
        }
    });
}

/// Work comes and nobody is seen to sleep; who goes to sleep sees no work.
fn sleeper_seen(fixed: bool) {
    let (work, sleeps) = (AtomicBool::new(false), AtomicBool::new(false));
    let main = current();
    let (store, load) = if fixed {
        (Ordering::SeqCst, Ordering::SeqCst)
    } else {
        (Ordering::Release, Ordering::Acquire)
    };
    scope(|s| {
        s.spawn(|| {
            work.store(true, store);
            if sleeps.load(load) {
                main.unpark();
            }
        });
        sleeps.store(true, store);
        while !work.load(load) {
            park();
        }
    });
}

/// The condition changes between the sleeper's look and its sleep.
fn notify_without_lock(fixed: bool) {
    let (ready, mutex, condvar) = (AtomicBool::new(false), Mutex::new(()), Condvar::new());
    scope(|s| {
        s.spawn(|| {
            let guard = fixed.then(|| lock(&mutex));
            // Relaxed: the lock is to order it.
            ready.store(true, Ordering::Relaxed);
            drop(guard);
            condvar.notify_one();
        });
        let mut guard = lock(&mutex);
        // Relaxed: the lock is to order it.
        while !ready.load(order(fixed, Ordering::Relaxed)) {
            guard = wait(&condvar, guard);
        }
    });
}

/// Who was woken does not look again, and another one has been quicker.
fn wait_once(fixed: bool) {
    let (queue, condvar) = (Mutex::new(Vec::new()), Condvar::new());
    let pop = || {
        let mut values = lock(&queue);
        if fixed {
            while values.is_empty() {
                values = wait(&condvar, values);
            }
        } else if values.is_empty() {
            values = wait(&condvar, values);
        }
        values.pop().expect("somebody has pushed")
    };
    scope(|s| {
        s.spawn(pop);
        s.spawn(pop);
        for value in 0..2 {
            lock(&queue).push(value);
            condvar.notify_all();
        }
    });
}

/// Two wait for different things, and the one is woken that cannot go on.
fn notify_one_of_two(fixed: bool) {
    let (turn, condvar) = (Mutex::new(0), Condvar::new());
    let pass = |own: u32| {
        let mut turn = lock(&turn);
        while *turn != own {
            turn = wait(&condvar, turn);
        }
        *turn += 1;
        if fixed {
            condvar.notify_all();
        } else {
            condvar.notify_one();
        }
    };
    scope(|s| {
        s.spawn(|| pass(1));
        s.spawn(|| pass(2));
        pass(0);
    });
}
