//! Parking: wakes are not lost, deadlines are met, nested waits are apart.

use super::{Respite, block_on, block_until};
use norace_prim::sync::{Arc, Mutex};
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::{Poll, Waker};

#[test]
fn a_ready_future_is_polled_once() {
    let mut polls = 0;
    let output = block_on(poll_fn(|_| {
        polls += 1;
        Poll::Ready(7)
    }));
    assert_eq!((output, polls), (7, 1));
}

#[test]
fn a_thread_that_looks_in_vain_looks_more_and_more_rarely_until_it_finds_a_wake() {
    let mut respite = Respite::NONE;
    let mut parks_to_look = |finds: bool| {
        let (mut parks, mut looked) = (0, false);
        while !looked {
            parks += 1;
            respite = respite.next(|| {
                looked = true;
                finds
            });
        }
        parks
    };
    let in_vain: Vec<_> = (0..9).map(|_| parks_to_look(false)).collect();
    assert_eq!(in_vain, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
    assert_eq!(parks_to_look(true), 64);
    assert_eq!([parks_to_look(true), parks_to_look(false), parks_to_look(false)], [1, 1, 2]);
}

#[test]
fn a_wake_from_inside_the_poll_is_not_lost() {
    let mut polls = 0;
    block_on(poll_fn(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        if polls < 1_000 { Poll::Pending } else { Poll::Ready(()) }
    }));
    assert_eq!(polls, 1_000);
}

#[test]
fn a_wake_from_another_thread_ends_the_wait() {
    let slot: Arc<Mutex<Option<Waker>>> = Arc::default();
    let waking = slot.clone();
    let waker = thread::spawn(move || {
        loop {
            if let Some(waker) = waking.lock().unwrap().take() {
                return waker.wake();
            }
            thread::yield_now();
        }
    });
    let mut armed = false;
    block_on(poll_fn(|cx| {
        if armed {
            return Poll::Ready(());
        }
        armed = true;
        *slot.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }));
    waker.join().unwrap();
}

#[test]
fn a_wait_inside_a_wait_does_not_swallow_the_outer_wake() {
    let mut polls = 0;
    block_on(poll_fn(|outer| {
        polls += 1;
        if polls == 2 {
            return Poll::Ready(());
        }
        outer.waker().wake_by_ref();
        let mut inner_polls = 0;
        block_on(poll_fn(|inner| {
            inner_polls += 1;
            inner.waker().wake_by_ref();
            if inner_polls < 10 { Poll::Pending } else { Poll::Ready(()) }
        }));
        Poll::Pending
    }));
    assert_eq!(polls, 2);
}

#[test]
fn a_deadline_ends_the_wait_and_not_before() {
    let start = Instant::now();
    let deadline = start + Duration::from_millis(5);
    assert_eq!(block_until(pin!(pending::<()>()), Some(deadline)), None);
    assert!(start.elapsed() >= Duration::from_millis(5));
}
