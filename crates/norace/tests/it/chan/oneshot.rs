//! One answer to one question.

use crate::support::{LiveCount, WakeCount, poll, poll_with};
use norace::block_on;
use norace::chan::oneshot::channel;
use norace::chan::{RecvError, RecvTimeoutError, TryRecvError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

#[test]
fn the_answer_arrives_sent_before_or_after_the_wait_began() {
    let (tx, rx) = channel();
    assert_eq!(tx.send(1), Ok(()));
    assert_eq!(block_on(rx), Ok(1));

    let (tx, mut rx) = channel();
    let (woken, waker) = WakeCount::new();
    assert!(poll_with(&mut rx, &waker).is_pending());
    assert_eq!(tx.send(2), Ok(()));
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut rx), Poll::Ready(Ok(2)));
}

#[test]
fn a_sender_dropped_without_an_answer_ends_the_wait() {
    let (tx, mut rx) = channel::<u8>();
    let (woken, waker) = WakeCount::new();
    assert!(poll_with(&mut rx, &waker).is_pending());
    drop(tx);
    assert_eq!(woken.get(), 1);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn the_sender_sees_that_the_receiver_is_gone_and_gets_its_value_back() {
    let (tx, rx) = channel();
    assert!(!tx.is_closed());
    drop(rx);
    assert!(tx.is_closed());
    assert_eq!(tx.send(3), Err(3));
}

#[test]
fn an_answer_nobody_took_is_dropped_with_the_receiver() {
    let live = LiveCount::default();
    let (tx, rx) = channel();
    tx.send(live.value()).unwrap();
    assert_eq!(live.get(), 1);
    drop(rx);
    assert_eq!(live.get(), 0);
}

#[test]
fn a_wait_given_up_can_be_taken_up_again() {
    let (tx, mut rx) = channel();
    assert!(poll(&mut &mut rx).is_pending());
    assert_eq!(rx.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    tx.send('a').unwrap();
    assert_eq!(rx.try_recv(), Ok('a'));
}

#[test]
#[should_panic(expected = "a oneshot was asked after it had completed")]
fn asking_a_second_time_panics() {
    let (tx, mut rx) = channel();
    tx.send(1).unwrap();
    assert!(rx.try_recv().is_ok());
    let _ = rx.try_recv();
}

#[test]
fn threads_ask_and_answer() {
    thread::scope(|scope| {
        for n in 0..200 {
            let (tx, rx) = channel();
            scope.spawn(move || tx.send(n).unwrap());
            assert_eq!(rx.recv_blocking(), Ok(n));
            let (tx, rx) = channel::<u8>();
            scope.spawn(move || drop(tx));
            assert_eq!(rx.recv_blocking(), Err(RecvError));
        }
    });
}
