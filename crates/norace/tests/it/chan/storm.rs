//! A storm of cancellations: both sides give up at random moments, and the books must balance to the value.

use crate::support::{Pool, poll};
use norace::chan::{Receiver, RecvTimeoutError, Sender, TryCancel, bounded, unbounded};
use norace::prim::rand::below;
use norace::{block_on, select};
use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

const PRODUCERS: u64 = 2;
const CONSUMERS: u64 = 2;
const VALUES: u64 = 20_000;

/// What became of each value.
#[derive(Default)]
struct Books {
    sent: Vec<u64>,
    cancelled: Vec<u64>,
    received: Vec<u64>,
}

impl Books {
    fn add(&mut self, other: Self) {
        self.sent.extend(other.sent);
        self.cancelled.extend(other.cancelled);
        self.received.extend(other.received);
    }

    fn check(&self, values: u64) {
        let received: HashSet<u64> = self.received.iter().copied().collect();
        let sent: HashSet<u64> = self.sent.iter().copied().collect();
        assert_eq!(received.len(), self.received.len(), "a value was received twice");
        assert_eq!(sent.difference(&received).count(), 0, "a value was sent and lost");
        let undead = self.cancelled.iter().filter(|value| received.contains(value)).count();
        assert_eq!(undead, 0, "a cancelled send was delivered");
        assert_eq!(received.difference(&sent).count(), 0, "a value came from nowhere");
        let accounted = self.sent.len() + self.cancelled.len();
        assert_eq!(accounted as u64, values, "a value is unaccounted for");
        assert!(!sent.is_empty() && !self.cancelled.is_empty(), "both fates are tried");
    }
}

/// Sends values of its own; gives up on most of them after a few polls.
fn produce(tx: &Sender<u64>, values: impl Iterator<Item = u64>) -> Books {
    let mut books = Books::default();
    for value in values {
        let mut send = tx.send(value);
        if below(8) == 0 {
            block_on(&mut send).expect("the consumers stay");
            books.sent.push(value);
            continue;
        }
        for _ in 0..below(4) {
            if let Poll::Ready(result) = poll(&mut send) {
                result.expect("the consumers stay");
                break;
            }
            thread::yield_now();
        }
        match send.try_cancel() {
            TryCancel::Sent => books.sent.push(value),
            TryCancel::Cancelled(same) => {
                assert_eq!(same, value);
                books.cancelled.push(value);
            }
        }
    }
    books
}

/// Receives until the channel is closed and drained; gives up on most receives after a few polls.
fn consume(rx: &Receiver<u64>) -> Books {
    let mut books = Books::default();
    loop {
        let mut receive = rx.recv();
        if below(8) == 0 {
            match block_on(receive) {
                Ok(value) => books.received.push(value),
                Err(_) => return books,
            }
            continue;
        }
        for _ in 0..below(4) {
            match poll(&mut receive) {
                Poll::Ready(Ok(value)) => {
                    books.received.push(value);
                    break;
                }
                Poll::Ready(Err(_)) => return books,
                Poll::Pending => thread::yield_now(),
            }
        }
    }
}

#[test]
fn between_threads_nothing_is_lost_doubled_or_sent_against_its_will() {
    for capacity in [Some(0), Some(1), Some(4), None] {
        let (tx, rx) = capacity.map_or_else(unbounded, bounded);
        let mut books = Books::default();
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for producer in 0..PRODUCERS {
                let tx = tx.clone();
                let values = (0..VALUES).map(move |n| n * PRODUCERS + producer);
                threads.push(scope.spawn(move || produce(&tx, values)));
            }
            drop(tx);
            for _ in 0..CONSUMERS {
                threads.push(scope.spawn(|| consume(&rx)));
            }
            threads.into_iter().for_each(|thread| books.add(thread.join().unwrap()));
        });
        if capacity.is_some() {
            books.check(PRODUCERS * VALUES);
        } else {
            assert_eq!(books.received.len(), books.sent.len());
        }
    }
}

/// Lets others run `times` times.
async fn yields(times: u64) {
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn produce_in_a_task(tx: Sender<u64>, values: impl Iterator<Item = u64>) -> Books {
    let mut books = Books::default();
    for value in values {
        let mut send = tx.send(value);
        let sent = select! {
            result = &mut send => Some(result),
            () = yields(below(6)) => None,
        };
        match sent {
            Some(result) => {
                result.expect("the consumers stay");
                books.sent.push(value);
            }
            None => match send.try_cancel() {
                TryCancel::Sent => books.sent.push(value),
                TryCancel::Cancelled(_) => books.cancelled.push(value),
            },
        }
    }
    books
}

async fn consume_in_a_task(rx: Receiver<u64>) -> Books {
    let mut books = Books::default();
    loop {
        let received = select! {
            result = rx.recv() => Some(result),
            () = yields(below(6)) => None,
        };
        match received {
            Some(Ok(value)) => books.received.push(value),
            Some(Err(_)) => return books,
            None => {}
        }
    }
}

#[test]
fn between_tasks_that_select_nothing_is_lost_doubled_or_sent_against_its_will() {
    for capacity in [0, 1, 4] {
        let books = Arc::new(Mutex::new(Books::default()));
        Pool::run(2, |pool| {
            let (tx, rx) = bounded(capacity);
            for producer in 0..PRODUCERS {
                let (books, tx) = (books.clone(), tx.clone());
                let values = (0..VALUES).map(move |n| n * PRODUCERS + producer);
                pool.spawn(async move {
                    let own = produce_in_a_task(tx, values).await;
                    books.lock().unwrap().add(own);
                });
            }
            for _ in 0..CONSUMERS {
                let (books, rx) = (books.clone(), rx.clone());
                pool.spawn(async move {
                    let own = consume_in_a_task(rx).await;
                    books.lock().unwrap().add(own);
                });
            }
        });
        books.lock().unwrap().check(PRODUCERS * VALUES);
    }
}

#[test]
fn time_outs_lose_nothing() {
    for capacity in [0, 1, 4] {
        let (tx, rx) = bounded(capacity);
        let mut books = Books::default();
        thread::scope(|scope| {
            let producer = scope.spawn(move || {
                let mut books = Books::default();
                for value in 0..5_000 {
                    match tx.send_timeout_blocking(value, Duration::from_micros(below(40))) {
                        Ok(()) => books.sent.push(value),
                        Err(error) => books.cancelled.push(error.into_inner()),
                    }
                }
                books
            });
            let consumer = scope.spawn(move || {
                let mut books = Books::default();
                loop {
                    match rx.recv_timeout(Duration::from_micros(below(40))) {
                        Ok(value) => books.received.push(value),
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Closed) => return books,
                    }
                }
            });
            books.add(producer.join().unwrap());
            books.add(consumer.join().unwrap());
        });
        books.check(5_000);
    }
}

#[test]
fn a_close_in_the_middle_leaves_each_value_with_one_side() {
    for round in 0..2_000u64 {
        let capacity = usize::try_from(round % 4).unwrap();
        let (tx, rx) = bounded(capacity);
        let (mut sent, mut back, mut received) = (0u64, 0u64, 0u64);
        thread::scope(|scope| {
            let producer = scope.spawn(|| {
                (1..=20).fold((0, 0), |(sent, back), value| match tx.send_blocking(value) {
                    Ok(()) => (sent + value, back),
                    Err(error) => (sent, back + error.into_inner()),
                })
            });
            let consumer = scope.spawn(|| rx.iter().sum::<u64>());
            let closer = scope.spawn(|| {
                (0..below(50)).for_each(|_| thread::yield_now());
                assert!(rx.close());
            });
            (sent, back) = producer.join().unwrap();
            received = consumer.join().unwrap();
            closer.join().unwrap();
        });
        assert_eq!((sent, sent + back), (received, 210));
    }
}
