//! Whichever comes first, of arms of every kind: one arm takes effect, and any ready one may be it.

#![expect(unused_parens, reason = "the macro's, of which other crates are not told")]

use crate::chan::{TryCancel, TryRecvError, bounded, oneshot};
use crate::context::Context;
use crate::models::{all, outcomes};
use crate::wait::block_on;
use crate::{select, select_blocking, time};
use norace_prim::thread;
use norace_prim::time::Duration;
use std::collections::BTreeSet;

const SOON: Duration = Duration::from_millis(1);

#[test]
fn each_of_several_ready_arms_is_taken_in_some_execution_and_alone() {
    let seen = outcomes(|| {
        let (a_tx, a) = bounded(1);
        let (b_tx, b) = bounded(1);
        let (c_tx, c) = bounded(1);
        a_tx.try_send(0).unwrap();
        b_tx.try_send(1).unwrap();
        let taken = select_blocking! {
            _ = a.recv() => 0,
            _ = b.recv() => 1,
            sent = c_tx.send(2) => if sent.is_ok() { 2 } else { 3 },
        };
        let left = [a.len(), b.len(), c.len()];
        let expected = [[0, 1, 0], [1, 0, 0], [1, 1, 1]];
        assert_eq!(left, expected[taken]);
        taken
    });
    assert_eq!(seen, BTreeSet::from([0, 1, 2]));
}

#[test]
fn a_value_and_the_end_of_a_context_come_in_either_order() {
    let seen = outcomes(|| {
        let (tx, rx) = bounded(0);
        let context = Context::new();
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let canceller = {
            let context = context.clone();
            thread::spawn(move || context.cancel())
        };
        let got = select_blocking! {
            value = rx.recv() => value.ok(),
            _ = context.cancelled() => None,
        };
        // What the select did not take is still to be had.
        assert_eq!(got.or_else(|| rx.recv_blocking().ok()), Some('a'));
        assert!(sender.join().unwrap() && canceller.join().unwrap());
        assert!(context.is_cancelled());
        got
    });
    assert_eq!(seen, BTreeSet::from([None, Some('a')]));
}

#[test]
fn two_answers_of_which_one_is_looked_at_leave_the_other() {
    all(|| {
        let (one, mut first) = oneshot::channel();
        let (two, mut second) = oneshot::channel();
        let answering = thread::spawn(move || (one.send(1).is_ok(), two.send(2).is_ok()));
        let got = select_blocking! {
            answer = &mut first => answer.unwrap(),
            answer = &mut second => answer.unwrap(),
        };
        let other = if got == 1 { second } else { first };
        assert_eq!(other.recv_blocking(), Ok(3 - got));
        assert_eq!(answering.join().unwrap(), (true, true));
    });
}

#[test]
fn a_receive_that_goes_on_from_select_to_select_keeps_its_place() {
    all(|| {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let mut receive = rx.recv();
        let mut got = None;
        for _ in 0..2 {
            got = select_blocking! {
                value = &mut receive => value.ok(),
                default => None,
            };
            if got.is_some() {
                break;
            }
        }
        if got.is_none() {
            got = block_on(receive).ok();
        } else {
            drop(receive);
        }
        assert!(sender.join().unwrap());
        assert_eq!(got, Some('a'));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    });
}

#[test]
fn a_send_that_is_not_chosen_keeps_its_value() {
    all(|| {
        let (tx, rx) = bounded(0);
        let receiver = thread::spawn(move || rx.recv_blocking().ok());
        let mut send = tx.send('a');
        let (go, goes) = bounded(1);
        go.try_send(()).unwrap();
        let chosen = block_on(async {
            select! {
                sent = &mut send => sent.is_ok(),
                _ = goes.recv() => false,
            }
        });
        let kept = if chosen { None } else { Some(send.try_cancel()) };
        match kept {
            None => {}
            Some(TryCancel::Cancelled(back)) => {
                assert_eq!(back, 'a');
                tx.send_blocking('b').unwrap();
            }
            Some(TryCancel::Sent) => panic!("it was sent although it was not chosen"),
        }
        assert_eq!(receiver.join().unwrap(), Some(if chosen { 'a' } else { 'b' }));
    });
}

#[test]
fn a_select_of_nothing_that_is_ready_takes_its_default_and_leaves_no_trace() {
    all(|| {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.try_send('a').is_ok());
        let got = select_blocking! {
            value = rx.recv() => value.ok(),
            default => None,
        };
        let sent = sender.join().unwrap();
        assert!(got.is_none());
        // A receive that was dropped with the select gives back what it was handed.
        assert_eq!(rx.try_recv().ok(), sent.then_some('a'));
    });
}

#[test]
fn an_arm_whose_condition_does_not_hold_takes_no_part() {
    all(|| {
        let (tx, rx) = bounded(1);
        let (other_tx, other) = bounded(0);
        tx.try_send('a').unwrap();
        let sender = thread::spawn(move || other_tx.send_blocking('b').is_ok());
        let got = select_blocking! {
            value = rx.recv(), if rx.is_closed() => value.ok(),
            value = other.recv() => value.ok(),
        };
        assert_eq!((got, rx.len()), (Some('b'), 1));
        assert!(sender.join().unwrap());
    });
}

#[test]
fn time_that_passes_is_an_arm_like_others() {
    let seen = outcomes(|| {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let got = block_on(async {
            select! {
                value = rx.recv() => value.ok(),
                () = time::sleep(SOON) => None,
            }
        });
        assert_eq!(got.or_else(|| rx.recv_blocking().ok()), Some('a'));
        assert!(sender.join().unwrap());
        got
    });
    assert_eq!(seen, BTreeSet::from([None, Some('a')]));
}

#[test]
fn a_default_is_not_taken_while_some_arm_is_ready_at_every_moment() {
    all(|| {
        let ((a_tx, a), (b_tx, b)) = (bounded(1), bounded(1));
        a_tx.try_send('a').unwrap();
        let other = {
            let a = a.clone();
            // First there are both, then only the second.
            thread::spawn(move || {
                b_tx.try_send('b').unwrap();
                a.try_recv().is_ok()
            })
        };
        let got = select_blocking! {
            value = a.recv() => value.ok(),
            value = b.recv() => value.ok(),
            default => panic!("there was always one"),
        };
        let theirs = other.join().unwrap();
        assert!(got == Some('b') || !theirs);
    });
}
