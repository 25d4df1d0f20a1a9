//! An answer, and both ends that leave, at every moment.

use super::{Receiver, Sender, channel};
use crate::chan::{RecvError, RecvTimeoutError, TryRecvError};
use crate::models::{all, finds, outcomes, poll};
use crate::wait::block_on;
use norace_check::Tracked;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread::{self, JoinHandle};
use norace_prim::time::Duration;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::task::{Poll, Waker};

fn answer(sender: Sender<Tracked<u32>>) -> JoinHandle<bool> {
    thread::spawn(move || sender.send(Tracked::new(42)).is_ok())
}

fn value(received: Result<Tracked<u32>, RecvError>) -> u32 {
    *received.expect("the sender answers")
}

#[test]
fn an_answer_comes_to_who_waits_or_will_wait() {
    all(|| {
        let (sender, receiver) = channel();
        let answering = answer(sender);
        assert_eq!(value(receiver.recv_blocking()), 42);
        assert!(answering.join().unwrap());
    });
}

#[test]
fn a_sender_that_leaves_ends_the_wait() {
    all(|| {
        let (sender, receiver) = channel::<u32>();
        let leaving = thread::spawn(move || drop(sender));
        assert_eq!(receiver.recv_blocking(), Err(RecvError));
        leaving.join().unwrap();
    });
}

#[test]
fn an_answer_to_a_receiver_that_leaves_comes_back_or_is_dropped() {
    let seen = outcomes(|| {
        let (sender, mut receiver) = channel();
        let answering = thread::spawn(move || {
            let closed = sender.is_closed();
            (closed, sender.send(Tracked::new(42)).is_ok())
        });
        let taken = poll(&mut receiver).is_ready();
        drop(receiver);
        let (closed, sent) = answering.join().unwrap();
        (taken, closed, sent)
    });
    // An answer that was sent and not taken is dropped with the receiver: `Tracked` tells of one that is not.
    let left = [(false, false, true), (false, false, false), (false, true, false)];
    assert_eq!(seen, BTreeSet::from([left[0], left[1], left[2], (true, false, true)]));
}

#[test]
fn once_the_receiver_is_gone_an_answer_comes_back() {
    let seen = outcomes(|| {
        let (sender, receiver) = channel();
        let leaving = thread::spawn(move || drop(receiver));
        let early = sender.is_closed();
        leaving.join().unwrap();
        assert!(sender.is_closed());
        assert_eq!(sender.send(42), Err(42));
        early
    });
    assert_eq!(seen, BTreeSet::from([false, true]));
}

#[test]
fn a_receive_that_runs_out_of_time_can_be_taken_up_again() {
    all(|| {
        let (sender, mut receiver) = channel();
        let answering = answer(sender);
        let first = receiver.recv_timeout(Duration::from_millis(1));
        let got = match first {
            Ok(answer) => *answer,
            Err(RecvTimeoutError::Timeout) => value(receiver.recv_blocking()),
            Err(RecvTimeoutError::Closed) => panic!("it answers"),
        };
        assert_eq!(got, 42);
        assert!(answering.join().unwrap());
    });
}

#[test]
fn the_one_who_polled_last_is_woken() {
    all(|| {
        let (sender, receiver) = channel();
        let answering = answer(sender);
        let mut receiver: Receiver<_> = receiver;
        // For nobody, then for another thread, then for this one.
        let first = poll(&mut receiver);
        let moved = thread::spawn(move || match first {
            Poll::Ready(received) => value(received),
            Poll::Pending => value(block_on(receiver)),
        });
        assert_eq!(moved.join().unwrap(), 42);
        assert!(answering.join().unwrap());
    });
}

#[test]
fn an_answer_is_there_or_not_yet_and_then_for_good() {
    all(|| {
        let (sender, mut receiver) = channel();
        let answering = answer(sender);
        let early = receiver.try_recv();
        assert!(answering.join().unwrap());
        match early {
            Ok(answer) => assert_eq!(*answer, 42),
            Err(TryRecvError::Empty) => assert_eq!(receiver.try_recv().map(|got| *got), Ok(42)),
            Err(TryRecvError::Closed) => panic!("it answers"),
        }
    });
}

/// An answer without the channel: the value is put down and the waker taken in one step, or in two.
fn the_value_and_the_waker(in_one_step: bool) {
    let core = Arc::new((Mutex::new(None), Mutex::new(None::<Waker>)));
    let answers = core.clone();
    let answering = thread::spawn(move || {
        let (value, waker) = &*answers;
        let mut put = lock(value);
        let early = (!in_one_step).then(|| lock(waker).take());
        if early.is_some() {
            drop(put);
            put = lock(value);
        }
        *put = Some(42);
        let woken = early.unwrap_or_else(|| lock(waker).take());
        drop(put);
        woken.into_iter().for_each(Waker::wake);
    });
    let received = block_on(poll_fn(|cx| {
        let mut value = lock(&core.0);
        match value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                *lock(&core.1) = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }));
    assert_eq!(received, 42);
    answering.join().expect("it answers");
}

#[test]
fn who_waits_is_woken_by_the_step_that_answers() {
    all(|| the_value_and_the_waker(true));
}

#[test]
fn mutant_who_comes_between_the_waker_and_the_answer_is_not_woken() {
    finds(|| the_value_and_the_waker(false));
}
