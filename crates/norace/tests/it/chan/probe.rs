//! The cancel probe: two hundred times an end gives up in the worst moment, and the books are exact.

use crate::support::poll;
use norace::chan::{TryCancel, bounded};
use std::task::Poll;

const ROUNDS: usize = 200;

#[test]
fn of_200_receives_that_are_dropped_with_a_value_in_them_none_loses_it() {
    for capacity in [0, 1, 4] {
        let mut lost = ROUNDS;
        for round in 0..ROUNDS {
            let (tx, rx) = bounded(capacity);
            let mut receive = rx.recv();
            assert!(poll(&mut receive).is_pending());
            // The sender is told that it was sent, and it was.
            assert_eq!(poll(&mut tx.send(round)), Poll::Ready(Ok(())));
            drop(receive);
            lost -= usize::from(rx.try_recv() == Ok(round));
        }
        assert_eq!(lost, 0, "of {ROUNDS} at capacity {capacity}");
    }
}

#[test]
fn of_200_sends_that_are_dropped_when_room_has_appeared_none_is_delivered() {
    for capacity in [1, 4] {
        let mut delivered = 0;
        for _ in 0..ROUNDS {
            let (tx, rx) = bounded(capacity);
            (0..capacity).for_each(|_| tx.try_send("before").unwrap());
            let mut send = tx.send("dropped");
            assert!(poll(&mut send).is_pending());
            assert_eq!(rx.try_recv(), Ok("before"));
            drop(send);
            drop(tx);
            delivered += rx.iter().filter(|value| *value == "dropped").count();
        }
        assert_eq!(delivered, 0, "of {ROUNDS} at capacity {capacity}");
    }
}

#[test]
fn of_200_sends_that_are_dropped_while_nobody_receives_none_is_delivered() {
    for capacity in [0, 1, 4] {
        let mut delivered = 0;
        for round in 0..ROUNDS {
            let (tx, rx) = bounded(capacity);
            (0..capacity).for_each(|_| tx.try_send("before").unwrap());
            let mut send = tx.send("dropped");
            assert!(poll(&mut send).is_pending());
            if round % 2 == 0 {
                drop(send);
            } else {
                assert_eq!(send.try_cancel(), TryCancel::Cancelled("dropped"));
            }
            drop(tx);
            delivered += rx.iter().filter(|value| *value == "dropped").count();
        }
        assert_eq!(delivered, 0, "of {ROUNDS} at capacity {capacity}");
    }
}
