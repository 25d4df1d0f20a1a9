//! The cancel probe: two hundred times an end gives up in the worst moment, and the books are exact.

use crate::support::poll;
use norace::chan::{Receiver, Sender, TryCancel, TryRecvError, bounded};
use std::task::Poll;

const ROUNDS: usize = 200;

#[test]
fn of_200_receives_that_are_dropped_with_a_value_in_them_none_loses_it() {
    for capacity in [0, 1, 4] {
        for round in 0..ROUNDS {
            let (tx, rx) = bounded(capacity);
            let mut receive = rx.recv();
            assert!(poll(&mut receive).is_pending());
            // The sender is told that it was sent, and it was.
            assert_eq!(poll(&mut tx.send(round)), Poll::Ready(Ok(())));
            drop(receive);
            assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(round), Err(TryRecvError::Empty)));
        }
    }
}

/// A channel that is full.
fn full(capacity: usize) -> (Sender<&'static str>, Receiver<&'static str>) {
    let (tx, rx) = bounded(capacity);
    (0..capacity).for_each(|_| tx.try_send("before").expect("there is room"));
    (tx, rx)
}

#[test]
fn of_200_sends_that_are_dropped_when_room_has_appeared_none_is_delivered() {
    for capacity in [1, 4] {
        for _ in 0..ROUNDS {
            let (tx, rx) = full(capacity);
            let mut send = tx.send("dropped");
            assert!(poll(&mut send).is_pending());
            assert_eq!(rx.try_recv(), Ok("before"));
            drop(send);
            // The room is free again.
            assert_eq!(tx.try_send("after"), Ok(()));
            drop(tx);
            let left: Vec<_> = rx.iter().collect();
            assert_eq!(left, [vec!["before"; capacity - 1], vec!["after"]].concat());
        }
    }
}

#[test]
fn of_200_sends_that_are_dropped_while_nobody_receives_none_is_delivered() {
    for capacity in [0, 1, 4] {
        for round in 0..ROUNDS {
            let (tx, rx) = full(capacity);
            let mut send = tx.send("dropped");
            assert!(poll(&mut send).is_pending());
            if round % 2 == 0 {
                drop(send);
            } else {
                assert_eq!(send.try_cancel(), TryCancel::Cancelled("dropped"));
            }
            drop(tx);
            assert_eq!(rx.iter().collect::<Vec<_>>(), vec!["before"; capacity]);
        }
    }
}
