//! The kit's own driver and timers.

use crate::models::{Said, all, finds, join, outcomes, some};
use crate::rt::driver::Driver;
use crate::rt::fixtures::{config, task, with_seats};
use crate::rt::monitor;
use crate::rt::scheduler::Scheduler;
use crate::rt::worker::run_in;
use crate::time::models::Alarm;
use crate::time::{Duration, Instant, sleep};
use norace_prim::sync::Arc;
use norace_prim::thread::{self, JoinHandle};
use std::collections::BTreeSet;
use std::task::Waker;

const SOON: Duration = Duration::from_millis(1);

/// Two workers, with or without the stall monitor.
struct Workers {
    scheduler: Arc<Scheduler>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// `prepare` is done before the first of them begins.
    fn start(monitored: bool, prepare: impl Fn(&Scheduler)) -> Self {
        let (scheduler, seats) = with_seats(&config(2));
        prepare(&scheduler);
        let mut threads: Vec<_> = seats
            .into_iter()
            .map(|seat| {
                let scheduler = scheduler.clone();
                let host = seat.new_host(&scheduler);
                thread::spawn(move || run_in(&scheduler, seat, host))
            })
            .collect();
        if monitored {
            let scheduler = scheduler.clone();
            threads.push(thread::spawn(move || monitor::run(&scheduler, monitor::STALL_AFTER)));
        }
        Self { scheduler, threads }
    }

    fn stop(self) {
        self.scheduler.idle.stop();
        join(self.threads);
    }
}

/// Nothing.
fn as_it_is(_: &Scheduler) {}

/// Timers that do not cut short the sleep in the netpoller.
fn without_kick(scheduler: &Scheduler) {
    scheduler.driver().timers().change_server(Arc::new(|| {}));
}

/// A task sets a timer while the other worker may sleep in the netpoller, for ever.
fn a_task_naps(prepare: fn(&Scheduler)) {
    let workers = Workers::start(false, prepare);
    let said = Said::default();
    let naps = {
        let said = said.clone();
        task(&workers.scheduler, async move {
            sleep(SOON).await;
            said.say();
        })
    };
    Scheduler::woken(naps);
    said.wait();
    workers.stop();
}

#[test]
fn a_timer_that_is_set_while_another_worker_sleeps_in_the_netpoller_fires() {
    some(|| a_task_naps(as_it_is));
}

#[test]
fn mutant_a_timer_that_wakes_nobody_is_slept_over() {
    let found = finds(|| a_task_naps(without_kick));
    assert_eq!(found.kind, "deadlock", "{}", found.to_text());
}

/// A task is woken by the netpoller, and then blocks its worker until a later timer has fired.
fn a_task_leaves_the_netpoller_and_blocks(monitored: bool) {
    let workers = Workers::start(monitored, as_it_is);
    let (late, done) = (Said::default(), Said::default());
    let second = {
        let late = late.clone();
        task(&workers.scheduler, async move {
            sleep(2 * SOON).await;
            late.say();
        })
    };
    let first = {
        let done = done.clone();
        task(&workers.scheduler, async move {
            sleep(SOON).await;
            late.wait();
            done.say();
        })
    };
    workers.scheduler.inject([second, first].into_iter());
    done.wait();
    workers.stop();
}

#[test]
fn timers_behind_a_worker_that_is_stuck_are_served_by_another_one() {
    some(|| a_task_leaves_the_netpoller_and_blocks(true));
}

#[test]
fn mutant_timers_that_nobody_watches_wait_for_the_worker_that_waits_for_them() {
    let found = finds(|| a_task_leaves_the_netpoller_and_blocks(false));
    assert_eq!(found.kind, "deadlock", "{}", found.to_text());
}

/// Takes turns until every timer was fired or taken out.
fn serve(driver: &Driver) {
    let mut due = Vec::new();
    loop {
        match driver.try_enter() {
            Some(_) if driver.timers().is_empty() => return,
            Some(mut poller) => driver.turn(&mut poller, &mut due),
            None => thread::yield_now(),
        }
        due.drain(..).for_each(Waker::wake);
    }
}

#[test]
fn a_timer_is_cancelled_or_fires_and_its_waker_is_gone_either_way() {
    let seen = outcomes(|| {
        let driver = Arc::new(Driver::new().expect("a model has a bell for a netpoller"));
        let (alarm, waker) = Alarm::new();
        let key = driver.timers().insert(Instant::now() + SOON, waker);
        let server = {
            let driver = driver.clone();
            thread::spawn(move || serve(&driver))
        };
        let cancelled = driver.timers().remove(key);
        assert!(!driver.timers().remove(key), "it is gone");
        // It may sleep beside a timer that is there no more.
        driver.wake();
        join([server]);
        assert_eq!(alarm.count(), u32::from(!cancelled));
        assert_eq!(Arc::strong_count(&alarm), 1, "a waker is kept");
        cancelled
    });
    assert_eq!(seen, BTreeSet::from([false, true]));
}

#[test]
fn of_two_that_take_turns_one_fires_a_timer_and_once() {
    all(|| {
        let driver = Arc::new(Driver::new().expect("a model has a bell for a netpoller"));
        let (alarm, waker) = Alarm::new();
        driver.timers().insert(Instant::now() + SOON, waker);
        // As a worker between two tasks: it does not wait for its turn.
        let other = {
            let driver = driver.clone();
            thread::spawn(move || {
                let mut due = Vec::new();
                if let Some(mut poller) = driver.try_enter() {
                    driver.look(&mut poller, &mut due);
                }
                due.into_iter().for_each(Waker::wake);
            })
        };
        serve(&driver);
        join([other]);
        alarm.wait();
        assert_eq!(Arc::strong_count(&alarm), 1, "a waker is kept");
    });
}
