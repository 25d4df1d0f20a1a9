//! A worker's thread sleeps on its condition variable or in the netpoller, and no wake is lost.

use super::Parker;
use crate::models::{all, join, spawn};
use crate::rt::driver::Driver;
use norace_prim::atomic::{AtomicU32, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;

/// Where it sleeps.
#[derive(Clone, Copy)]
enum Sleep {
    OnCondvar,
    InDriver,
}

struct Thread {
    driver: Arc<Driver>,
    parker: Arc<Parker>,
    /// What was done before a wake, which orders nothing by itself.
    work: AtomicU32,
}

impl Thread {
    fn new() -> Arc<Self> {
        let driver = Arc::new(Driver::new().expect("a model has a bell for a netpoller"));
        let parker = Parker::new(driver.clone());
        Arc::new(Self { driver, parker, work: AtomicU32::new(0) })
    }

    fn sleep(&self, how: Sleep) {
        match how {
            Sleep::OnCondvar => self.parker.park(),
            Sleep::InDriver => {
                let mut poller = self.driver.try_enter().expect("nobody else enters");
                let turn = || self.driver.turn(&mut poller, &mut Vec::new());
                self.parker.park_in_driver(turn);
            }
        }
    }

    fn give(&self) {
        // Relaxed: the wake has to carry it.
        self.work.fetch_add(1, Ordering::Relaxed);
        self.parker.unpark();
    }

    fn given(&self) -> u32 {
        // Relaxed: as in give.
        self.work.load(Ordering::Relaxed)
    }

    /// Sleeps until so much was given.
    fn wait_for(&self, work: u32, how: impl Fn(u32) -> Sleep) {
        let mut sleeps = 0;
        while self.given() < work {
            self.sleep(how(sleeps));
            sleeps += 1;
        }
    }
}

#[test]
fn a_wake_before_or_during_either_sleep_ends_it() {
    for how in [Sleep::OnCondvar, Sleep::InDriver] {
        all(|| {
            let sleeper = Thread::new();
            let waker = {
                let sleeper = sleeper.clone();
                thread::spawn(move || sleeper.give())
            };
            sleeper.wait_for(1, |_| how);
            waker.join().unwrap();
        });
    }
}

#[test]
fn wakes_of_two_threads_between_sleeps_of_both_kinds() {
    for first in [0, 1] {
        all(|| {
            let sleeper = Thread::new();
            let wakers = spawn(2, |_| {
                let sleeper = sleeper.clone();
                move || sleeper.give()
            });
            sleeper.wait_for(2, |sleeps| {
                if sleeps % 2 == first { Sleep::OnCondvar } else { Sleep::InDriver }
            });
            join(wakers);
        });
    }
}

#[test]
fn a_sleep_in_the_netpoller_ends_at_the_earliest_timer_too() {
    use crate::time::{Duration, Instant};
    use std::task::Waker;
    all(|| {
        let sleeper = Thread::new();
        let deadline = Instant::now() + Duration::from_millis(1);
        let setter = {
            let sleeper = sleeper.clone();
            thread::spawn(move || sleeper.driver.timers().insert(deadline, Waker::noop().clone()))
        };
        let mut due = Vec::new();
        while due.is_empty() {
            let mut poller = sleeper.driver.try_enter().expect("nobody else enters");
            sleeper.parker.park_in_driver(|| sleeper.driver.turn(&mut poller, &mut due));
        }
        assert!(due.len() == 1 && Instant::now() >= deadline);
        setter.join().unwrap();
    });
}
