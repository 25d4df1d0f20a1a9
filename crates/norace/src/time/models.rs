//! Futures of time, on the timer thread, against what they limit.

use super::{Duration, Instant, interval, sleep, timeout};
use crate::chan::bounded;
use crate::models::{all, outcomes, poll, some};
use crate::wait::block_on;
use norace_prim::sync::{Arc, Condvar, Mutex, OnceLock, lock, wait};
use norace_prim::thread;
use std::collections::BTreeSet;
use std::task::{Wake, Waker};

const SOON: Duration = Duration::from_millis(1);

/// Counts how often it was woken, and waits for that.
#[derive(Default)]
pub(crate) struct Alarm {
    rung: Mutex<u32>,
    changed: Condvar,
    /// When it was woken first.
    first: OnceLock<Instant>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.first.get_or_init(Instant::now);
        *lock(&self.rung) += 1;
        self.changed.notify_one();
    }
}

impl Alarm {
    /// One, and a waker that rings it.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let alarm = Arc::new(Self::default());
        (alarm.clone(), Waker::from(alarm))
    }

    /// Waits until it is woken; when it was.
    pub(crate) fn wait(&self) -> Instant {
        let mut rung = lock(&self.rung);
        while *rung == 0 {
            rung = wait(&self.changed, rung);
        }
        assert_eq!(*rung, 1, "a timer fires once");
        *self.first.get().expect("it was woken")
    }

    /// How often it was woken so far.
    pub(crate) fn count(&self) -> u32 {
        *lock(&self.rung)
    }
}

#[test]
fn a_limit_ends_what_it_limits_or_not_and_nothing_is_lost() {
    let seen = outcomes(|| {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let begun = Instant::now();
        let limited = block_on(timeout(SOON, async { rx.recv().await }));
        let got = match limited {
            Ok(value) => value,
            Err(_) => {
                assert!(begun.elapsed() >= SOON);
                rx.recv_blocking()
            }
        };
        assert_eq!(got, Ok('a'));
        assert!(sender.join().unwrap());
        limited.is_ok()
    });
    assert_eq!(seen, BTreeSet::from([false, true]));
}

#[test]
fn a_nap_that_is_set_anew_ends_at_its_last_deadline() {
    all(|| {
        let begun = Instant::now();
        let mut nap = sleep(SOON);
        let early = poll(&mut nap).is_ready();
        nap.reset(begun + 3 * SOON);
        block_on(&mut nap);
        assert!(begun.elapsed() >= 3 * SOON, "early: {early}");
    });
}

#[test]
fn naps_of_different_lengths_end_in_any_order_and_none_early() {
    some(|| {
        let begun = Instant::now();
        let other = thread::spawn(move || {
            block_on(sleep(SOON));
            assert!(begun.elapsed() >= SOON);
        });
        block_on(sleep(2 * SOON));
        assert!(begun.elapsed() >= 2 * SOON);
        other.join().unwrap();
    });
}

#[test]
fn ticks_stay_on_their_grid() {
    all(|| {
        let begun = Instant::now();
        let mut ticks = interval(SOON);
        for _ in 0..2 {
            let due = block_on(ticks.tick());
            let since = due - begun;
            assert!(Instant::now() >= due);
            assert!(!since.is_zero() && since.as_nanos().is_multiple_of(SOON.as_nanos()));
        }
    });
}
