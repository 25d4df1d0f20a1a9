//! Ends that do not keep a channel open.

use crate::support::{LiveCount, poll};
use norace::chan::{self, RecvError, SendError, bounded, unbounded};
use std::task::Poll;
use std::time::Duration;

#[test]
fn a_weak_sender_sends_while_a_sender_is_left() {
    let (tx, rx) = unbounded();
    let weak = tx.downgrade();
    let again = weak.upgrade().unwrap();
    drop(tx);
    again.try_send(1).unwrap();
    weak.clone().upgrade().unwrap().try_send(2).unwrap();
    assert_eq!((rx.sender_count(), rx.receiver_count()), (1, 1));
    drop(again);
    assert!(weak.upgrade().is_none());
    assert!(rx.is_closed());
    assert_eq!((rx.recv_blocking(), rx.recv_blocking()), (Ok(1), Ok(2)));
    assert_eq!(rx.recv_blocking(), Err(RecvError));
}

#[test]
fn a_weak_receiver_receives_while_a_receiver_is_left() {
    let live = LiveCount::default();
    let (tx, rx) = unbounded();
    let weak = rx.downgrade();
    tx.try_send(live.value()).unwrap();
    tx.try_send(live.value()).unwrap();
    drop(weak.upgrade().unwrap().recv_blocking().unwrap());
    let other = weak.upgrade().unwrap();
    assert_eq!(tx.receiver_count(), 2);
    drop(rx);
    assert_eq!((tx.is_closed(), live.get()), (false, 1));
    drop(other);
    assert_eq!((tx.is_closed(), live.get()), (true, 0));
    assert!(weak.upgrade().is_none());
    assert!(matches!(tx.send_blocking(live.value()), Err(SendError(_))));
}

#[test]
fn a_waiting_receive_ends_with_the_last_sender_whatever_weak_ends_there_are() {
    let (tx, rx) = bounded::<u8>(0);
    let weak = tx.downgrade();
    let mut receive = rx.recv();
    assert!(poll(&mut receive).is_pending());
    drop(tx);
    assert_eq!(poll(&mut receive), Poll::Ready(Err(RecvError)));
    drop(receive);
    drop(rx);
    assert!(weak.upgrade().is_none(), "nothing is left of the channel");
}

#[test]
fn a_channel_closed_by_hand_has_its_ends_still() {
    let (tx, rx) = bounded::<u8>(1);
    let (weak_tx, weak_rx) = (tx.downgrade(), rx.downgrade());
    tx.close();
    assert!(weak_tx.upgrade().unwrap().try_send(1).is_err());
    assert!(weak_rx.upgrade().unwrap().try_recv().is_err());
}

#[test]
fn a_weak_end_of_a_timer_keeps_no_timer() {
    let ticks = chan::tick(Duration::from_millis(1));
    let weak = ticks.downgrade();
    assert!(weak.upgrade().unwrap().recv_blocking().is_ok());
    drop(ticks);
    assert!(weak.upgrade().is_none());
}
