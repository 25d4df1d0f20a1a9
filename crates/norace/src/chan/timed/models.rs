//! Receivers that time feeds, on the timer thread.

#![expect(unused_parens, reason = "the macro's, of which other crates are not told")]

use super::{after, never, tick};
use crate::chan::TryRecvError;
use crate::models::all;
use crate::select_blocking;
use crate::time::thread::queue;
use crate::time::{Duration, Instant};
use norace_prim::thread;

const PERIOD: Duration = Duration::from_millis(5);

#[test]
fn after_tells_the_time_once_and_not_before_it_has_come() {
    all(|| {
        let begun = Instant::now();
        let receiver = after(PERIOD);
        let told = receiver.recv_blocking().expect("nobody closes it");
        assert!(told >= begun + PERIOD && Instant::now() >= told);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    });
}

#[test]
fn a_receiver_that_goes_before_its_time_stops_the_timer() {
    all(|| {
        let receiver = after(PERIOD);
        let other = thread::spawn(move || drop(receiver));
        other.join().unwrap();
        assert_eq!(queue().len(), 0);
    });
}

#[test]
fn ticks_come_a_period_apart_however_late_they_are_looked_at() {
    all(|| {
        let begun = Instant::now();
        let ticks = tick(PERIOD);
        for n in 1..=2 {
            let told = ticks.recv_blocking().expect("nobody closes it");
            assert!(told >= begun + n * PERIOD && Instant::now() >= told);
        }
    });
}

#[test]
fn ticks_end_with_their_receiver() {
    all(|| {
        let ticks = tick(PERIOD);
        let other = {
            let ticks = ticks.clone();
            thread::spawn(move || ticks.recv_blocking().is_ok())
        };
        drop(ticks);
        assert!(other.join().unwrap());
        // A tick that goes on has no end, and the model none.
    });
}

#[test]
fn an_arm_that_never_comes_leaves_the_other_one() {
    all(|| {
        let silent = never::<Instant>();
        let told = select_blocking! {
            _ = silent.recv() => false,
            told = after(PERIOD).recv() => told.is_ok(),
        };
        assert!(told);
    });
}
