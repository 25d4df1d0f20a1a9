//! Who is served when: values in order, waiting ends first come first served, nobody starved.

use crate::support::{Pool, poll};
use norace::chan::{TryRecvError, TrySendError, bounded};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

#[test]
fn waiting_receivers_are_served_in_the_order_in_which_they_came() {
    let (tx, rx) = bounded(1);
    let mut receives: Vec<_> = (0..10).map(|_| rx.recv()).collect();
    assert!(receives.iter_mut().all(|receive| poll(receive).is_pending()));
    for n in 0..10 {
        tx.try_send(n).unwrap();
    }
    // A newcomer finds nothing: all ten were given away.
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    for (n, receive) in receives.iter_mut().enumerate() {
        assert_eq!(poll(receive), Poll::Ready(Ok(n)));
    }
}

#[test]
fn waiting_senders_are_served_in_the_order_in_which_they_came() {
    for capacity in [0, 1, 3] {
        let (tx, rx) = bounded(capacity);
        let mut sends: Vec<_> = (0..10).map(|n| tx.send(n)).collect();
        let done = sends.iter_mut().filter_map(|send| poll(send).is_ready().then_some(())).count();
        assert_eq!(done, capacity);
        for n in 0..10 {
            assert_eq!(rx.try_recv(), Ok(n));
            // Room that appears is theirs, not a newcomer's.
            if n + capacity < 9 {
                assert_eq!(tx.try_send(99), Err(TrySendError::Full(99)));
            }
        }
    }
}

#[test]
fn a_sender_that_gave_up_loses_its_turn_and_nobody_elses() {
    let (tx, rx) = bounded(0);
    let mut sends: Vec<_> = (0..5).map(|n| Some(tx.send(n))).collect();
    assert!(sends.iter_mut().flatten().all(|send| poll(send).is_pending()));
    sends[2] = None;
    sends[0] = None;
    assert_eq!((rx.try_recv(), rx.try_recv(), rx.try_recv()), (Ok(1), Ok(3), Ok(4)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn each_producers_values_arrive_in_its_order_at_one_consumer() {
    for capacity in [0, 1, 16] {
        let (tx, rx) = bounded(capacity);
        thread::scope(|scope| {
            for producer in 0..3 {
                let tx = tx.clone();
                scope.spawn(move || {
                    (0..1_000).for_each(|n| tx.send_blocking((producer, n)).unwrap());
                });
            }
            drop(tx);
            let mut next = [0; 3];
            for (producer, n) in &rx {
                assert_eq!(n, next[producer]);
                next[producer] += 1;
            }
            assert_eq!(next, [1_000; 3]);
        });
    }
}

// Tasks take turns by being polled, so who is served how often does not depend on the clock.
#[test]
fn consumers_that_keep_coming_back_share_evenly() {
    const CONSUMERS: usize = 5;
    const VALUES: usize = 10_000;
    for capacity in [0, 4] {
        let counts = Arc::new(Mutex::new(vec![0usize; CONSUMERS]));
        Pool::run(1, |pool| {
            let (tx, rx) = bounded(capacity);
            for consumer in 0..CONSUMERS {
                let (rx, counts) = (rx.clone(), counts.clone());
                pool.spawn(async move {
                    while rx.recv().await.is_ok() {
                        counts.lock().unwrap()[consumer] += 1;
                    }
                });
            }
            pool.spawn(async move {
                for n in 0..VALUES {
                    tx.send(n).await.unwrap();
                }
            });
        });
        let counts = counts.lock().unwrap();
        assert_eq!(counts.iter().sum::<usize>(), VALUES);
        let even = VALUES / CONSUMERS;
        assert!(counts.iter().all(|&count| count >= even / 2), "capacity {capacity}: {counts:?}");
    }
}
