//! Ends that do not count, and the end of a channel.

use crate::chan::{RecvError, bounded, unbounded};
use crate::models::{all, join};
use norace_check::Tracked;
use norace_prim::thread;

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
