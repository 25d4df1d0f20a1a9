//! Many values at a time: in order, in as few steps as room allows, and nothing lost by giving up.

use crate::support::{LiveCount, WakeCount, poll, poll_with};
use norace::chan::{RecvError, SendError, TryRecvError, TrySendError, bounded, unbounded};
use norace::{block_on, select};
use std::collections::VecDeque;
use std::task::Poll;
use std::thread;

#[test]
fn a_receive_of_many_takes_what_is_there_and_waits_for_the_first_only() {
    let (tx, rx) = unbounded();
    let mut got = Vec::new();
    let mut receive = rx.recv_many(&mut got, 3);
    let (woken, waker) = WakeCount::new();
    assert!(poll_with(&mut receive, &waker).is_pending());
    for n in 0..5 {
        tx.try_send(n).unwrap();
    }
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut receive), Poll::Ready(Ok(3)));
    drop(receive);
    assert_eq!(got, [0, 1, 2]);
    tx.close();
    assert_eq!(poll(&mut rx.recv_many(&mut got, 9)), Poll::Ready(Ok(2)));
    assert_eq!(poll(&mut rx.recv_many(&mut got, 9)), Poll::Ready(Err(RecvError)));
    assert_eq!(got, [0, 1, 2, 3, 4]);
}

#[test]
fn a_receive_of_none_is_ready_and_gets_nothing() {
    let (tx, rx) = bounded(1);
    let mut got = Vec::new();
    assert_eq!(poll(&mut rx.recv_many(&mut got, 0)), Poll::Ready(Ok(0)));
    assert_eq!(rx.recv_many_blocking(&mut got, 0), Ok(0));
    tx.try_send(1).unwrap();
    assert_eq!(rx.try_recv_many(&mut got, 0), Ok(0));
    assert_eq!((got.len(), rx.len()), (0, 1));
}

#[test]
fn a_receive_of_many_takes_from_senders_that_wait() {
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let mut sends: Vec<_> = (1..4).map(|n| tx.send(n)).collect();
    assert!(sends.iter_mut().all(|send| poll(send).is_pending()));
    let mut got = Vec::new();
    assert_eq!(block_on(rx.recv_many(&mut got, 3)), Ok(3));
    assert_eq!(got, [0, 1, 2]);
    assert!(sends.iter_mut().all(|send| poll(send) == Poll::Ready(Ok(()))));
    assert_eq!(rx.try_recv(), Ok(3));
}

#[test]
fn a_receive_of_many_that_is_dropped_gives_back_what_it_was_handed() {
    for capacity in [0, 4] {
        let (tx, rx) = bounded(capacity);
        let mut got = Vec::new();
        let mut receive = rx.recv_many(&mut got, 4);
        assert!(poll(&mut receive).is_pending());
        tx.try_send(0).unwrap();
        let sent = (1..4).take_while(|n| tx.try_send(*n).is_ok()).count();
        assert_eq!(sent, capacity.min(3));
        drop(receive);
        assert_eq!(got, []);
        assert_eq!(rx.try_recv_many(&mut got, 9), Ok(1 + sent));
        assert!(got.is_sorted() && got[0] == 0);
    }
}

#[test]
fn the_values_of_one_receive_stand_in_order_also_when_an_earlier_one_came_back() {
    let (tx, rx) = bounded(0);
    let mut gives_up = rx.recv();
    assert!(poll(&mut gives_up).is_pending());
    let mut got = Vec::new();
    let mut receive = rx.recv_many(&mut got, 2);
    assert!(poll(&mut receive).is_pending());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    drop(gives_up);
    assert_eq!(poll(&mut receive), Poll::Ready(Ok(2)));
    drop(receive);
    assert_eq!(got, [1, 2]);
}

#[test]
fn a_receive_takes_an_earlier_value_that_came_back_before_the_one_it_was_handed() {
    let (tx, rx) = bounded(0);
    let mut receives: Vec<_> = (0..3).map(|_| rx.recv()).collect();
    assert!(receives.iter_mut().all(|receive| poll(receive).is_pending()));
    (1..=3).for_each(|n| tx.try_send(n).unwrap());
    drop(receives.remove(1));
    assert_eq!(poll(&mut receives[1]), Poll::Ready(Ok(2)));
    assert_eq!(poll(&mut receives[0]), Poll::Ready(Ok(1)));
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(3), Err(TryRecvError::Empty)));
}

#[test]
fn a_receive_of_many_is_an_arm_that_loses_nothing() {
    let (tx, rx) = unbounded();
    (0..4).for_each(|n| tx.try_send(n).unwrap());
    let (go, goes) = bounded(1);
    go.try_send(()).unwrap();
    let (mut batches, mut got) = (0, Vec::new());
    block_on(async {
        while got.len() < 4 {
            select! {
                count = rx.recv_many(&mut got, 2) => batches += count.unwrap(),
                _ = goes.recv() => go.try_send(()).unwrap(),
            }
        }
    });
    assert_eq!((batches, got.as_slice()), (4, [0, 1, 2, 3].as_slice()));
}

#[test]
fn a_send_of_many_fills_the_room_hands_over_and_waits_with_the_rest() {
    let (tx, rx) = bounded(2);
    let mut waiting = rx.recv();
    assert!(poll(&mut waiting).is_pending());
    let mut values = VecDeque::from_iter(0..6);
    let mut send = tx.send_many(&mut values);
    let (woken, waker) = WakeCount::new();
    assert!(poll_with(&mut send, &waker).is_pending());
    assert_eq!(poll(&mut waiting), Poll::Ready(Ok(0)));
    assert_eq!((rx.len(), rx.try_recv(), woken.get()), (2, Ok(1), 1));
    let mut got = Vec::new();
    while poll(&mut send).is_pending() {
        rx.try_recv_many(&mut got, 9).unwrap();
    }
    rx.try_recv_many(&mut got, 9).unwrap();
    assert_eq!(got, [2, 3, 4, 5]);
    drop(send);
    assert!(values.is_empty());
}

#[test]
fn a_send_of_many_that_is_dropped_leaves_what_was_not_sent() {
    for capacity in [0, 1, 2] {
        let (tx, rx) = bounded(capacity);
        let mut values = VecDeque::from_iter(0..5);
        let mut send = tx.send_many(&mut values);
        assert!(poll(&mut send).is_pending());
        drop(send);
        assert_eq!(Vec::from(values.clone()), Vec::from_iter(capacity..5));

        // With room promised to it.
        let mut send = tx.send_many(&mut values);
        assert!(poll(&mut send).is_pending());
        for n in 0..capacity {
            assert_eq!(rx.try_recv(), Ok(n));
        }
        drop(send);
        assert_eq!(Vec::from(values.clone()), Vec::from_iter(capacity..5));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));

        // After a receiver took the one at which it waited.
        let mut send = tx.send_many(&mut values);
        assert!(poll(&mut send).is_pending());
        for n in 0..=capacity {
            assert_eq!(rx.try_recv(), Ok(capacity + n));
        }
        drop(send);
        assert_eq!(Vec::from(values), Vec::from_iter(2 * capacity + 1..5));
    }
}

#[test]
fn a_send_of_many_that_meets_the_close_leaves_what_was_not_sent() {
    let live = LiveCount::default();
    let (tx, rx) = bounded(1);
    let mut values: VecDeque<_> = (0..3).map(|_| live.value()).collect();
    let mut send = tx.send_many(&mut values);
    assert!(poll(&mut send).is_pending());
    rx.close();
    assert!(matches!(poll(&mut send), Poll::Ready(Err(SendError(())))));
    drop(send);
    assert_eq!((values.len(), live.get()), (2, 3));
    assert!(matches!(tx.try_send_many(&mut values), Err(TrySendError::Closed(()))));
    assert!(matches!(tx.send_many_blocking(&mut values), Err(SendError(()))));
    assert_eq!(values.len(), 2);
    assert_eq!(tx.try_send_many(&mut VecDeque::new()), Ok(0), "nothing is sent to nobody");
}

#[test]
fn an_attempt_to_send_many_tells_how_many_went_in() {
    let (tx, rx) = bounded(2);
    let mut values = VecDeque::from_iter(0..3);
    assert_eq!(tx.try_send_many(&mut values), Ok(2));
    assert_eq!(tx.try_send_many(&mut values), Err(TrySendError::Full(())));
    assert_eq!((values, rx.iter().take(2).collect()), (VecDeque::from([2]), vec![0, 1]));
}

#[test]
fn a_send_of_many_offers_in_a_select_and_keeps_what_was_not_taken() {
    for capacity in [0, 1] {
        let (tx, rx) = bounded(capacity);
        let mut values = VecDeque::from_iter(0..4);
        let (go, goes) = bounded(1);
        go.try_send(()).unwrap();
        let done = block_on(async {
            select! {
                biased;
                sent = tx.send_many(&mut values) => sent.is_ok(),
                _ = goes.recv() => false,
            }
        });
        assert!(!done);
        assert_eq!((values.len(), rx.len()), (4 - capacity, capacity));
        let receiver = thread::spawn(move || rx.iter().collect::<Vec<_>>());
        block_on(async {
            select! {
                sent = tx.send_many(&mut values) => sent.unwrap(),
                () = std::future::pending() => {}
            }
        });
        drop(tx);
        assert_eq!(receiver.join().unwrap(), [0, 1, 2, 3]);
    }
}

#[test]
fn a_send_of_many_moves_into_a_select_and_out_of_it() {
    let (tx, rx) = bounded(0);
    let mut values = VecDeque::from_iter(0..3);
    let mut send = tx.send_many(&mut values);
    for round in 0..4 {
        if round % 2 == 0 {
            assert!(poll(&mut send).is_pending());
        } else {
            let taken = block_on(async {
                select! {
                    sent = &mut send => sent.is_ok(),
                    default => false,
                }
            });
            assert!(!taken);
        }
    }
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "it offers");
    assert!(poll(&mut send).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    drop(send);
    assert_eq!(values, [1, 2]);
}

#[test]
fn batches_flow_between_threads_whole_and_in_order() {
    for capacity in [0, 1, 7] {
        let (tx, rx) = bounded(capacity);
        let sender = thread::spawn(move || {
            for batch in 0..100 {
                let mut values = (batch * 10..batch * 10 + 10).collect();
                tx.send_many_blocking(&mut values).unwrap();
            }
        });
        let mut got = Vec::new();
        while let Ok(count) = rx.recv_many_blocking(&mut got, 4) {
            assert!((1..=4).contains(&count));
        }
        sender.join().unwrap();
        assert_eq!(got, Vec::from_iter(0..1000));
    }
}
