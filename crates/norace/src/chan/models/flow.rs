//! Every value is received once, in the order in which its sender sent it.

use crate::chan::{Receiver, Sender, bounded, unbounded};
use crate::models::{all, join, poll, some, spawn};
use crate::wait::block_on;
use norace_prim::thread;

/// A value: who sent it, and which of its values it is.
type Value = (u32, u32);

fn channel(capacity: Option<usize>) -> (Sender<Value>, Receiver<Value>) {
    capacity.map_or_else(unbounded, bounded)
}

/// How an end waits.
#[derive(Clone, Copy)]
enum By {
    /// The operations for threads, which try before they wait.
    Blocking,
    /// The futures.
    Future,
}

fn send(by: By, tx: &Sender<Value>, value: Value) {
    let sent = match by {
        By::Blocking => tx.send_blocking(value),
        By::Future => block_on(tx.send(value)),
    };
    sent.expect("nobody closes while there is something to send");
}

/// What is received until the end.
fn receive(by: By, rx: &Receiver<Value>) -> Vec<Value> {
    match by {
        By::Blocking => rx.iter().collect(),
        By::Future => std::iter::from_fn(|| block_on(rx.recv()).ok()).collect(),
    }
}

/// Sends `each` values by each of `senders` threads to `receivers`, one of which is the main thread.
fn flow(by: By, capacity: Option<usize>, senders: u32, each: u32, receivers: u32) {
    let (tx, rx) = channel(capacity);
    let sending = spawn(senders, |sender| {
        let tx = tx.clone();
        move || (0..each).for_each(|number| send(by, &tx, (sender, number)))
    });
    drop(tx);
    let receiving = spawn(receivers - 1, |_| {
        let rx = rx.clone();
        move || receive(by, &rx)
    });
    let mut received = vec![receive(by, &rx)];
    join(sending);
    received.extend(join(receiving));
    for values in &received {
        for sender in 0..senders {
            let numbers = values.iter().filter(|value| value.0 == sender).map(|value| value.1);
            assert!(numbers.is_sorted_by(|one, next| one < next), "out of order: {values:?}");
        }
    }
    let mut got: Vec<Value> = received.concat();
    got.sort_unstable();
    let sent: Vec<Value> =
        (0..senders).flat_map(|sender| (0..each).map(move |n| (sender, n))).collect();
    assert_eq!(got, sent, "each value comes out once");
}

#[test]
fn one_sender_and_one_receiver_at_every_capacity() {
    for capacity in [Some(0), Some(1), Some(2), None] {
        all(|| flow(By::Blocking, capacity, 1, 3, 1));
        all(|| flow(By::Future, capacity, 1, 3, 1));
    }
}

#[test]
fn two_senders_and_one_receiver_at_every_capacity() {
    for capacity in [Some(0), Some(1), Some(2), None] {
        all(|| flow(By::Blocking, capacity, 2, 1, 1));
        all(|| flow(By::Future, capacity, 2, 1, 1));
    }
}

#[test]
fn one_sender_and_two_receivers_at_every_capacity() {
    for capacity in [Some(0), Some(1), Some(2), None] {
        all(|| flow(By::Future, capacity, 1, 2, 2));
    }
    // To try before waiting makes many more executions where there is no buffer.
    all(|| flow(By::Blocking, Some(2), 1, 2, 2));
    all(|| flow(By::Blocking, Some(1), 1, 1, 2));
    some(|| flow(By::Blocking, Some(0), 1, 2, 2));
}

#[test]
fn two_senders_and_two_receivers_at_every_capacity() {
    for capacity in [Some(0), Some(1), Some(2), None] {
        some(|| flow(By::Blocking, capacity, 2, 2, 2));
    }
}

#[test]
fn many_values_are_taken_in_one_step_and_in_order() {
    for capacity in [Some(0), Some(2), None] {
        all(|| {
            let (tx, rx) = channel(capacity);
            let sender = thread::spawn(move || {
                for number in 0..3 {
                    send(By::Blocking, &tx, (0, number));
                }
            });
            let mut values = Vec::new();
            while let Ok(count) = rx.recv_many_blocking(&mut values, 2) {
                assert!((1..=2).contains(&count));
            }
            assert_eq!(values, [(0, 0), (0, 1), (0, 2)]);
            sender.join().unwrap();
        });
    }
}

#[test]
fn who_waits_first_is_served_first() {
    all(|| {
        let (tx, rx) = channel(Some(0));
        let mut first = tx.send((0, 0));
        assert!(poll(&mut first).is_pending());
        let second = {
            let tx = tx.clone();
            thread::spawn(move || tx.send_blocking((1, 0)).unwrap())
        };
        assert_eq!(rx.recv_blocking(), Ok((0, 0)));
        assert_eq!(rx.recv_blocking(), Ok((1, 0)));
        block_on(first).unwrap();
        second.join().unwrap();
    });
}
