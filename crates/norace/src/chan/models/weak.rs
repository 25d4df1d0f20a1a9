//! Ends that do not count, and the end of a channel.

use crate::chan::{RecvError, bounded, unbounded};
use crate::models::{all, join, outcomes_at};
use norace_check::{Level, Tracked};
use norace_prim::thread;
use std::collections::BTreeSet;

#[test]
fn a_weak_sender_sends_before_the_end_or_not_at_all() {
    all(|| {
        let (tx, rx) = unbounded();
        let weak = tx.downgrade();
        let upgrading = thread::spawn(move || {
            let sent = weak.upgrade().map(|tx| tx.try_send(Tracked::new(1)).is_ok());
            assert_ne!(sent, Some(false), "a sender has its channel open");
            sent.is_some()
        });
        let dropping = thread::spawn(move || drop(tx));
        let received = rx.iter().count();
        let sent = upgrading.join().unwrap();
        assert_eq!(received, usize::from(sent));
        dropping.join().unwrap();
    });
}

#[test]
fn of_two_weak_senders_each_may_be_the_last_to_go() {
    all(|| {
        let (tx, rx) = bounded::<u8>(0);
        let weak = tx.downgrade();
        let upgrading = [weak.clone(), weak.clone()]
            .map(|weak| thread::spawn(move || weak.upgrade().is_some()));
        drop(tx);
        assert_eq!(rx.recv_blocking(), Err(RecvError));
        join(upgrading);
        assert!(weak.upgrade().is_none(), "the last sender does not come back");
    });
}

#[test]
fn a_weak_receiver_takes_what_is_buffered_or_finds_it_dropped() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send(Tracked::new(1)).unwrap();
        let weak = rx.downgrade();
        let upgrading = thread::spawn(move || {
            weak.upgrade().map(|rx| rx.try_recv().expect("it is there while a receiver is"))
        });
        drop(rx);
        drop(upgrading.join().unwrap());
        assert!(tx.is_closed() && tx.try_send(Tracked::new(2)).is_err());
    });
}

/// What `model` comes to where each thing that is done to a channel at once is one step.
#[track_caller]
fn outcomes<T: Ord>(model: impl Fn() -> T) -> BTreeSet<T> {
    outcomes_at(Level::App, model)
}

#[test]
fn an_upgrade_beside_the_last_drop_is_seen_before_and_after_it() {
    let sender_here = outcomes(|| {
        let (tx, _rx) = bounded::<u8>(1);
        let weak = tx.downgrade();
        let dropping = thread::spawn(move || drop(tx));
        let revived = weak.upgrade();
        dropping.join().unwrap();
        revived.is_some()
    });
    let sender_there = outcomes(|| {
        let (tx, _rx) = bounded::<u8>(1);
        let weak = tx.downgrade();
        let upgrading = thread::spawn(move || weak.upgrade());
        drop(tx);
        upgrading.join().unwrap().is_some()
    });
    let receiver_here = outcomes(|| {
        let (_tx, rx) = bounded::<u8>(1);
        let weak = rx.downgrade();
        let dropping = thread::spawn(move || drop(rx));
        let revived = weak.upgrade();
        dropping.join().unwrap();
        revived.is_some()
    });
    let receiver_there = outcomes(|| {
        let (_tx, rx) = bounded::<u8>(1);
        let weak = rx.downgrade();
        let upgrading = thread::spawn(move || weak.upgrade());
        drop(rx);
        upgrading.join().unwrap().is_some()
    });
    let seen = [sender_here, sender_there, receiver_here, receiver_there];
    assert!(seen.iter().all(|seen| seen.len() == 2), "{seen:?}");
}

#[test]
fn an_end_that_was_revived_may_be_the_last_and_an_upgrade_after_it_fails() {
    let seen = outcomes(|| {
        let (tx, rx) = bounded::<u8>(1);
        let weak = tx.downgrade();
        let dropping = thread::spawn(move || drop(tx));
        let revived = weak.upgrade();
        let open = !rx.is_closed();
        let first = revived.is_some();
        drop(revived);
        let again = weak.upgrade().is_some();
        dropping.join().unwrap();
        (first, open, again)
    });
    let expected = [(false, false, false), (true, true, false), (true, true, true)];
    assert_eq!(seen, expected.into());
}

#[test]
fn a_count_beside_a_drop_is_taken_before_and_after_it() {
    let clone_there = outcomes(|| {
        let (tx, _rx) = bounded::<u8>(1);
        let other = tx.clone();
        let dropping = thread::spawn(move || drop(other));
        let count = tx.sender_count();
        dropping.join().unwrap();
        count
    });
    let clone_here = outcomes(|| {
        let (_tx, rx) = bounded::<u8>(1);
        let other = rx.clone();
        let counting = thread::spawn(move || other.receiver_count());
        drop(rx);
        counting.join().unwrap()
    });
    assert_eq!([clone_there, clone_here], [[1, 2].into(), [1, 2].into()]);
    let last_there = outcomes(|| {
        let (tx, rx) = bounded::<u8>(1);
        let dropping = thread::spawn(move || drop(tx));
        let count = rx.sender_count();
        dropping.join().unwrap();
        count
    });
    let last_here = outcomes(|| {
        let (tx, rx) = bounded::<u8>(1);
        let counting = thread::spawn(move || tx.receiver_count());
        drop(rx);
        counting.join().unwrap()
    });
    assert_eq!([last_there, last_here], [[0, 1].into(), [0, 1].into()]);
}

#[test]
fn a_count_beside_two_drops_sees_each_of_them() {
    let seen = outcomes(|| {
        let (tx, rx) = bounded::<u8>(1);
        let dropping = [tx.clone(), tx].map(|tx| thread::spawn(move || drop(tx)));
        let count = rx.sender_count();
        join(dropping);
        count
    });
    assert_eq!(seen, [0, 1, 2].into());
}

#[test]
fn a_count_beside_an_upgrade_is_taken_before_and_after_it() {
    let seen = outcomes(|| {
        let (tx, rx) = bounded::<u8>(1);
        let weak = tx.downgrade();
        let upgrading = thread::spawn(move || weak.upgrade());
        let count = rx.sender_count();
        let revived = upgrading.join().unwrap();
        assert!(revived.is_some(), "the sender is there");
        drop(tx);
        count
    });
    assert_eq!(seen, [1, 2].into());
}

#[test]
fn who_asks_how_many_there_are_until_few_are_left_waits_for_the_drops() {
    let seen = outcomes(|| {
        let (tx, rx) = bounded::<u8>(1);
        let dropping = [tx.clone(), tx].map(|tx| thread::spawn(move || drop(tx)));
        while rx.sender_count() > 0 {
            thread::yield_now();
        }
        join(dropping);
    });
    assert_eq!(seen, [()].into());
}
