//! Sets of cases: one is taken, the others are as if nobody had asked.

use super::Select;
use crate::chan::{TryCancel, TryRecvError, bounded};
use crate::context::Context;
use crate::models::{all, join, outcomes, poll, some, spawn};
use crate::time::Duration;
use crate::wait::block_on;
use norace_prim::thread;
use std::collections::BTreeSet;
use std::task::Poll;

const SOON: Duration = Duration::from_millis(1);

#[test]
fn each_of_several_ready_cases_is_taken_in_some_execution_and_alone() {
    let seen = outcomes(|| {
        let ((a_tx, a), (b_tx, b), (c_tx, c)) = (bounded(1), bounded(1), bounded(1));
        a_tx.try_send(0).unwrap();
        b_tx.try_send(1).unwrap();
        let mut select = Select::new();
        select.recv(&a, |value| value.unwrap());
        select.recv(&b, |value| value.unwrap());
        select.send(&c_tx, 2, |sent| if sent.is_ok() { 2 } else { 3 });
        let taken = select.wait_blocking();
        assert_eq!([a.len(), b.len(), c.len()], [[0, 1, 0], [1, 0, 0], [1, 1, 1]][taken]);
        taken
    });
    assert_eq!(seen, BTreeSet::from([0, 1, 2]));
}

#[test]
fn waits_in_a_row_receive_each_value_once() {
    for capacity in [0, 1] {
        all(|| {
            let ((a_tx, a), (b_tx, b)) = (bounded(capacity), bounded(capacity));
            // Clones: an end is ready, too, at every wait.
            let senders = [(a_tx.clone(), 'a'), (b_tx.clone(), 'b')]
                .map(|(tx, value)| thread::spawn(move || tx.send_blocking(value).unwrap()));
            let mut select = Select::new();
            let cases = [&a, &b].map(|rx| select.recv(rx, |value| value.ok()));
            let mut got = Vec::new();
            while got.len() < 2 {
                got.extend(block_on(select.wait()));
            }
            got.sort_unstable();
            assert_eq!(got, ['a', 'b']);
            assert!(cases.into_iter().all(|case| select.remove(case)));
            join(senders);
        });
    }
}

#[test]
fn a_value_for_a_case_that_is_not_taken_goes_to_who_waits() {
    all(|| {
        let ((a_tx, a), (b_tx, b)) = (bounded(0), bounded(0));
        let selecting = {
            let (a, b) = (a.clone(), b.clone());
            thread::spawn(move || {
                let mut select = Select::new();
                select.recv(&a, |value| value.ok());
                select.recv(&b, |value| value.ok());
                select.wait_blocking()
            })
        };
        let senders = [
            thread::spawn(move || a_tx.send_blocking('a').is_ok()),
            thread::spawn(move || b_tx.send_blocking('b').is_ok()),
        ];
        let taken = selecting.join().unwrap();
        let left = if taken == Some('a') { b.recv_blocking() } else { a.recv_blocking() };
        let mut got: Vec<_> = taken.into_iter().chain(left).collect();
        got.sort_unstable();
        assert_eq!(got, ['a', 'b']);
        assert_eq!(join(senders), [true, true]);
    });
}

#[test]
fn a_case_that_is_not_taken_holds_up_nobody_while_its_set_lives() {
    all(|| {
        let ((a_tx, a), (b_tx, b)) = (bounded(1), bounded(1));
        a_tx.try_send('z').unwrap();
        b_tx.try_send('b').unwrap();
        // Its send waits for the room of 'z', and is not taken: 'b' is there. Then another one sends.
        let mut select = Select::biased();
        select.send(&a_tx, 'a', |_| 'a');
        select.recv(&b, |value| value.unwrap());
        let receiver = {
            let a = a.clone();
            thread::spawn(move || a.recv_blocking().unwrap())
        };
        let taken = select.wait_blocking();
        let waiting = {
            let a_tx = a_tx.clone();
            thread::spawn(move || a_tx.send_blocking('c').unwrap())
        };
        assert_eq!(receiver.join().unwrap(), 'z');
        if taken == 'b' {
            waiting.join().unwrap();
            assert_eq!((a.try_recv(), a.try_recv()), (Ok('c'), Err(TryRecvError::Empty)));
        } else {
            assert_eq!((a.recv_blocking(), a.recv_blocking()), (Ok('a'), Ok('c')));
            waiting.join().unwrap();
        }
    });
}

#[test]
fn sets_on_both_sides_meet() {
    all(|| {
        let ((a_tx, a), (b_tx, b)) = (bounded(0), bounded(0));
        let offering = {
            let (a_tx, b_tx) = (a_tx.clone(), b_tx.clone());
            thread::spawn(move || {
                let mut select = Select::new();
                select.send(&a_tx, 'a', |sent| sent.ok().map(|()| 'a'));
                select.send(&b_tx, 'b', |sent| sent.ok().map(|()| 'b'));
                select.wait_blocking()
            })
        };
        let mut select = Select::new();
        select.recv(&a, |value| value.ok());
        select.recv(&b, |value| value.ok());
        let received = select.wait_blocking();
        let taken = offering.join().unwrap();
        assert!(taken.is_some() && taken == received, "{taken:?} was taken, {received:?} came");
    });
}

#[test]
fn a_send_of_one_wait_is_sent_by_a_later_one_or_comes_back() {
    all(|| {
        let (tx, rx) = bounded(0);
        let receiver = thread::spawn(move || rx.recv_blocking().ok());
        let mut send = tx.send('a');
        let mut select = Select::new();
        select.future(&mut send, |sent| sent.is_ok());
        let sent = select.try_now() == Some(true)
            || match poll(&mut select.wait()) {
                Poll::Ready(sent) => sent,
                Poll::Pending => false,
            };
        drop(select);
        match send.try_cancel() {
            TryCancel::Sent => assert!(sent),
            TryCancel::Cancelled(value) => {
                assert_eq!((sent, value), (false, 'a'));
                tx.send_blocking('b').unwrap();
            }
        }
        assert_eq!(receiver.join().unwrap(), Some(if sent { 'a' } else { 'b' }));
    });
}

#[test]
fn a_context_and_time_are_cases_like_others() {
    let seen = outcomes(|| {
        let (tx, rx) = bounded(0);
        let context = Context::new();
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let canceller = {
            let context = context.clone();
            thread::spawn(move || context.cancel())
        };
        let mut select = Select::new();
        select.recv(&rx, |value| value.ok());
        select.cancelled(&context, |_| None);
        let got = select.wait_blocking();
        drop(select);
        assert_eq!(got.or_else(|| rx.recv_blocking().ok()), Some('a'));
        assert!(sender.join().unwrap() && canceller.join().unwrap());
        got
    });
    assert_eq!(seen, BTreeSet::from([None, Some('a')]));
    let seen = outcomes(|| {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let mut select = Select::new();
        select.recv(&rx, |value| value.ok());
        select.after(SOON, || None);
        let got = select.wait_blocking();
        drop(select);
        assert_eq!(got.or_else(|| rx.recv_blocking().ok()), Some('a'));
        assert!(sender.join().unwrap());
        got
    });
    assert_eq!(seen, BTreeSet::from([None, Some('a')]));
}

#[test]
fn a_context_and_time_that_have_come_are_taken_at_every_wait() {
    all(|| {
        let context = Context::new();
        let canceller = {
            let context = context.clone();
            thread::spawn(move || context.cancel())
        };
        let mut select = Select::new();
        let case = select.cancelled(&context, |_| 'c');
        assert_eq!((select.wait_blocking(), select.try_now()), ('c', Some('c')));
        assert!(select.remove(case));
        select.after(SOON, || 't');
        assert_eq!((select.wait_blocking(), select.try_now()), ('t', Some('t')));
        assert!(canceller.join().unwrap());
    });
}

#[test]
fn a_wait_that_runs_out_of_time_loses_nothing() {
    all(|| {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let mut select = Select::new();
        select.recv(&rx, |value| value.ok());
        let got = select.wait_timeout_blocking(SOON).flatten();
        assert_eq!(got.or_else(|| select.wait_blocking()), Some('a'));
        assert!(sender.join().unwrap());
        drop(select);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    });
}

#[test]
fn a_set_on_which_nobody_waits_any_more_keeps_nothing() {
    all(|| {
        let (tx, rx) = bounded(0);
        let sender = thread::spawn(move || tx.send_blocking('a').is_ok());
        let mut select = Select::new();
        select.recv(&rx, |value| value.ok());
        let got = select.wait_timeout_blocking(SOON).flatten();
        assert_eq!(got.or_else(|| rx.recv_blocking().ok()), Some('a'));
        assert!(sender.join().unwrap());
        drop(select);
    });
}

#[test]
fn sets_that_share_channels_share_their_values() {
    some(|| {
        let ((a_tx, a), (b_tx, b)) = (bounded(0), bounded(1));
        let senders = [
            thread::spawn(move || a_tx.send_blocking('a').is_ok()),
            thread::spawn(move || b_tx.send_blocking('b').is_ok()),
        ];
        let selecting = spawn(2, |_| {
            let (a, b) = (a.clone(), b.clone());
            move || {
                let mut select = Select::new();
                select.recv(&a, |value| value.ok());
                select.recv(&b, |value| value.ok());
                select.wait_blocking()
            }
        });
        let mut got: Vec<_> = join(selecting).into_iter().flatten().collect();
        // A set that saw an end had nothing else.
        got.extend([a, b].iter().filter_map(|rx| rx.recv_blocking().ok()));
        got.sort_unstable();
        assert_eq!((got, join(senders)), (vec!['a', 'b'], vec![true, true]));
    });
}

#[test]
fn a_look_finds_something_while_some_case_is_ready_at_every_moment() {
    for limit in [None, Some(Duration::ZERO), Some(SOON)] {
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
            let mut select = Select::new();
            select.recv(&a, |value| value.ok());
            select.recv(&b, |value| value.ok());
            let got = match limit {
                None => select.try_now(),
                Some(limit) => select.wait_timeout_blocking(limit),
            };
            let theirs = other.join().unwrap();
            assert!(got == Some(Some('b')) || (got == Some(Some('a')) && !theirs), "{got:?}");
        });
    }
}
