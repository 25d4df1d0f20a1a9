//! Many values at a time, and ends that give up meanwhile.

#![expect(unused_parens, reason = "the macro's, of which other crates are not told")]

use super::passes_its_room_on;
use crate::chan::{SendError, bounded, unbounded};
use crate::models::{all, join, poll, some, spawn};
use crate::wait::block_on;
use crate::{select, select_blocking};
use norace_check::choose;
use norace_prim::thread;
use std::collections::VecDeque;
use std::task::Poll;

#[test]
fn batches_are_sent_whole_and_received_in_order() {
    for capacity in [0, 1, 2] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let sender = thread::spawn(move || {
                let mut values = VecDeque::from([1, 2, 3]);
                block_on(tx.send_many(&mut values)).unwrap();
                assert!(values.is_empty());
            });
            let mut got = Vec::new();
            while let Ok(count) = block_on(rx.recv_many(&mut got, 2)) {
                assert!((1..=2).contains(&count));
            }
            assert_eq!(got, [1, 2, 3]);
            sender.join().unwrap();
        });
    }
}

#[test]
fn two_batches_mix_and_each_keeps_its_order() {
    for capacity in [0, 1] {
        some(|| {
            let (tx, rx) = bounded(capacity);
            let senders = spawn(2, |sender| {
                let tx = tx.clone();
                move || tx.send_many_blocking(&mut VecDeque::from([(sender, 0), (sender, 1)]))
            });
            drop(tx);
            let mut got = Vec::new();
            while rx.recv_many_blocking(&mut got, 3).is_ok() {}
            for sender in 0..2 {
                let own: Vec<_> = got.iter().filter(|value| value.0 == sender).collect();
                assert_eq!(own, [&(sender, 0), &(sender, 1)]);
            }
            assert!(join(senders).into_iter().all(|sent| sent.is_ok()));
        });
    }
}

#[test]
fn a_batch_that_is_given_up_is_sent_up_to_where_it_says() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let sender = thread::spawn(move || {
                let mut values = VecDeque::from([1, 2, 3]);
                let mut send = tx.send_many(&mut values);
                for _ in 0..2 {
                    if let Poll::Ready(sent) = poll(&mut send) {
                        sent.unwrap();
                        break;
                    }
                }
                drop(send);
                values
            });
            let received: Vec<_> = rx.iter().collect();
            let left = sender.join().unwrap();
            assert_eq!([received, Vec::from(left)].concat(), [1, 2, 3]);
        });
    }
}

#[test]
fn a_batch_that_is_given_up_passes_its_room_on() {
    all(|| {
        let (tx, rx) = bounded(1);
        let mut values = VecDeque::from(['a', 'b']);
        let mut quits = tx.send_many(&mut values);
        assert!(poll(&mut quits).is_pending());
        assert_eq!(passes_its_room_on((&tx, &rx), || drop(quits)), 'a');
        assert_eq!(values, ['b']);
    });
}

#[test]
fn a_batch_that_is_given_up_by_its_receiver_goes_to_the_next() {
    for capacity in [0, 2] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let quitter = {
                let rx = rx.clone();
                thread::spawn(move || {
                    let mut got = Vec::new();
                    let _ = poll(&mut rx.recv_many(&mut got, 2));
                    got
                })
            };
            let sender = thread::spawn(move || {
                tx.send_many_blocking(&mut VecDeque::from([1, 2])).unwrap();
            });
            let mut all = Vec::new();
            loop {
                let mut mine = Vec::new();
                let Ok(count) = rx.recv_many_blocking(&mut mine, 2) else { break };
                assert!(mine.len() == count && mine.is_sorted(), "{mine:?}");
                all.extend(mine);
            }
            sender.join().unwrap();
            all.extend(quitter.join().unwrap());
            all.sort_unstable();
            assert_eq!(all, [1, 2]);
        });
    }
}

#[test]
fn what_comes_back_comes_out_before_what_was_handed_later() {
    all(|| {
        let (tx, rx) = unbounded();
        let (mut first, mut second) = (rx.recv(), rx.recv());
        assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
        let sender = thread::spawn(move || (1..=2).for_each(|n| tx.try_send(n).unwrap()));
        drop(first);
        let mut got = vec![block_on(second).unwrap()];
        sender.join().unwrap();
        got.extend(rx.iter());
        assert_eq!(got, [1, 2]);
    });
}

#[test]
fn a_close_stops_a_batch_where_it_is() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let sender = {
                let tx = tx.clone();
                thread::spawn(move || {
                    let mut values = VecDeque::from([1, 2]);
                    let sent = tx.send_many_blocking(&mut values);
                    assert!(sent.is_ok() == values.is_empty());
                    assert!(matches!(sent, Ok(()) | Err(SendError(()))));
                    values
                })
            };
            let first = if choose(2) == 0 { rx.recv_blocking().ok() } else { None };
            tx.close();
            let received: Vec<_> = first.into_iter().chain(rx.iter()).collect();
            let left = sender.join().unwrap();
            assert_eq!([received, Vec::from(left)].concat(), [1, 2]);
        });
    }
}

#[test]
fn a_batch_in_a_select_is_sent_up_to_where_it_says() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let (go, goes) = bounded::<()>(1);
            let sender = thread::spawn(move || {
                let mut values = VecDeque::from([1, 2]);
                let sent = select_blocking! {
                    sent = tx.send_many(&mut values) => sent.is_ok(),
                    _ = goes.recv() => false,
                };
                assert_eq!(sent, values.is_empty());
                values
            });
            let receiver = thread::spawn(move || rx.iter().collect::<Vec<_>>());
            go.try_send(()).ok();
            let left = sender.join().unwrap();
            assert_eq!([receiver.join().unwrap(), Vec::from(left)].concat(), [1, 2]);
        });
    }
}

#[test]
fn a_batch_whose_select_is_dropped_passes_its_room_on() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('z').unwrap();
        let mut quits = Box::pin(async {
            let mut values = VecDeque::from(['a']);
            select! {
                _ = tx.send_many(&mut values) => {}
                () = std::future::pending() => {}
            }
        });
        assert!(poll(&mut quits).is_pending());
        assert_eq!(passes_its_room_on((&tx, &rx), || drop(quits)), 'z');
    });
}

#[test]
fn a_batch_in_a_select_waits_beside_no_receiver() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let sender = thread::spawn(move || {
                let mut values = VecDeque::from([1, 2]);
                block_on(async {
                    select! {
                        sent = tx.send_many(&mut values) => sent.unwrap(),
                        () = std::future::pending() => {}
                    }
                });
            });
            assert_eq!((rx.recv_blocking(), rx.recv_blocking()), (Ok(1), Ok(2)));
            sender.join().unwrap();
        });
    }
}
