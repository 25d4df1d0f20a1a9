//! The timer thread: starts, lingers, ends and starts again, and nobody waits beside it.

use super::{LINGER, TimerQueue, TimerThread, new_queue, queue};
use crate::models::{all, join, poll, some, spawn};
use crate::time::models::Alarm;
use crate::time::{Duration, Instant, sleep, sleep_until};
use crate::wait::block_on;
use norace_prim::sync::lock;
use norace_prim::thread;
use std::future::poll_fn;
use std::task::{Poll, Waker};

const SOON: Duration = Duration::from_millis(1);

/// Waits for a timer of `queue`, on this thread.
fn wait_in(queue: &TimerQueue, deadline: Instant) {
    let mut key = None;
    block_on(poll_fn(|cx| {
        let fired = key.is_some_and(|key| !queue.set_waker(key, cx.waker()));
        if fired {
            return Poll::Ready(());
        }
        key.get_or_insert_with(|| queue.insert(deadline, cx.waker().clone()));
        Poll::Pending
    }));
    assert!(Instant::now() >= deadline);
}

#[test]
fn two_threads_that_set_the_first_timers_are_served_by_one() {
    some(|| {
        let waiting = spawn(2, |n| move || wait_in(&queue(), Instant::now() + SOON * (n + 1)));
        join(waiting);
    });
}

#[test]
fn a_timer_that_comes_when_the_thread_is_about_to_end_is_served() {
    all(|| {
        wait_in(&queue(), Instant::now() + SOON);
        // Anything may have happened by now.
        thread::sleep(LINGER);
        wait_in(&queue(), Instant::now() + SOON);
    });
}

#[test]
fn a_queue_that_was_let_go_is_served_again_while_another_one_waits() {
    all(|| {
        let far = queue().insert(Instant::now() + LINGER * 10, Waker::noop().clone());
        let own = new_queue();
        for _ in 0..2 {
            wait_in(&own, Instant::now() + SOON);
        }
        queue().remove(far);
    });
}

#[test]
fn a_timer_that_is_earlier_than_the_sleep_cuts_it_short() {
    all(|| {
        let far = Instant::now() + LINGER * 10;
        let key = queue().insert(far, Waker::noop().clone());
        let (alarm, waker) = Alarm::new();
        let own = new_queue();
        own.insert(Instant::now() + SOON, waker);
        // The thread may have slept through everything before.
        let set_in_time = Instant::now() < far;
        assert!(alarm.wait() < far || !set_in_time, "it waited for another queue's timer");
        queue().remove(key);
    });
}

#[cfg(feature = "rt")]
#[test]
fn timers_that_outlive_their_server_are_served_here() {
    use norace_prim::sync::Arc;
    all(|| {
        // Nobody serves it: its kick goes nowhere.
        let orphan = Arc::new(TimerQueue::new(Arc::new(|| {})));
        let waiting = {
            let orphan = orphan.clone();
            thread::spawn(move || wait_in(&orphan, Instant::now() + SOON))
        };
        super::adopt(&orphan);
        waiting.join().unwrap();
    });
}

#[test]
fn the_thread_ends_when_there_is_nothing_to_serve() {
    all(|| {
        wait_in(&queue(), Instant::now() + SOON);
        let dropped = {
            let mut nap = sleep(SOON);
            thread::spawn(move || poll(&mut nap).is_ready())
        };
        dropped.join().unwrap();
        // A thread that stays for ever would be reported as a leak.
        let state = lock(&TimerThread::get().state);
        assert!(state.queues.len() <= 1);
    });
}

#[test]
fn a_nap_that_moves_to_another_thread_wakes_that_one() {
    all(|| {
        let deadline = Instant::now() + SOON;
        let mut nap = sleep_until(deadline);
        let done = poll(&mut nap).is_ready();
        let other = thread::spawn(move || {
            if !done {
                block_on(nap);
            }
            assert!(Instant::now() >= deadline);
        });
        other.join().unwrap();
    });
}
