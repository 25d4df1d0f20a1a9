//! Selects over four channels, each with a sender of its own; and waits that a timer would end, and never does.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::channels::{self, TaskChannel, ThreadChannel};
use crate::runtimes::{self, Runtime};

const MESSAGES: u64 = 100_000;
const EACH: u64 = MESSAGES / 4;

/// What the numbers from all senders add up to.
const SUM: u64 = 4 * (EACH * (EACH - 1) / 2);

/// Channels that a task each sends to; the ends to receive from.
fn from_tasks<R: Runtime, C: TaskChannel>(capacity: usize) -> [C::Receiver; 4] {
    std::array::from_fn(|_| {
        let (sender, receiver) = C::new(Some(capacity));
        drop(R::spawn(async move {
            for value in 0..EACH {
                C::send(&sender, value).await;
            }
        }));
        receiver
    })
}

/// Channels that a thread each sends to.
fn from_threads<C: ThreadChannel>(capacity: usize) -> ([C::Receiver; 4], Vec<JoinHandle<()>>) {
    let mut threads = Vec::new();
    let receivers = std::array::from_fn(|_| {
        let (sender, receiver) = C::new(Some(capacity));
        threads.push(thread::spawn(move || {
            for value in 0..EACH {
                C::send(&sender, value);
            }
        }));
        receiver
    });
    (receivers, threads)
}

fn ends(threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
}

/// `norace::select!`.
pub async fn norace(capacity: usize) -> u64 {
    let receivers = from_tasks::<runtimes::Norace, channels::Norace>(capacity);
    let (mut count, mut sum) = (0, 0);
    let never = norace::chan::never();
    let mut open = receivers.each_ref();
    while count < MESSAGES {
        let (arm, value) = norace::select! {
            value = open[0].recv() => (0, value),
            value = open[1].recv() => (1, value),
            value = open[2].recv() => (2, value),
            value = open[3].recv() => (3, value),
        };
        match value {
            Ok(value) => (count, sum) = (count + 1, sum + value),
            Err(_) => open[arm] = &never,
        }
    }
    assert_eq!(sum, SUM, "each message comes once");
    MESSAGES
}

/// `tokio::select!` over `tokio::sync::mpsc`.
pub async fn tokio(capacity: usize) -> u64 {
    let [mut a, mut b, mut c, mut d] = from_tasks::<runtimes::Tokio, channels::Mpsc>(capacity);
    let (mut count, mut sum) = (0, 0);
    while count < MESSAGES {
        let value = tokio::select! {
            Some(value) = a.recv() => value,
            Some(value) = b.recv() => value,
            Some(value) = c.recv() => value,
            Some(value) = d.recv() => value,
            else => break,
        };
        (count, sum) = (count + 1, sum + value);
    }
    assert_eq!((count, sum), (MESSAGES, SUM), "each message comes once");
    MESSAGES
}

/// crossbeam's `select!` on threads.
pub fn crossbeam(capacity: usize) -> u64 {
    let (receivers, threads) = from_threads::<channels::Crossbeam>(capacity);
    let (mut count, mut sum) = (0, 0);
    let never = crossbeam_channel::never();
    let mut open = receivers.each_ref();
    while count < MESSAGES {
        let (arm, value) = crossbeam_channel::select! {
            recv(open[0]) -> value => (0, value),
            recv(open[1]) -> value => (1, value),
            recv(open[2]) -> value => (2, value),
            recv(open[3]) -> value => (3, value),
        };
        match value {
            Ok(value) => (count, sum) = (count + 1, sum + value),
            Err(_) => open[arm] = &never,
        }
    }
    assert_eq!(sum, SUM, "each message comes once");
    ends(threads);
    MESSAGES
}

/// `norace::select_blocking!` on threads.
pub fn norace_threads(capacity: usize) -> u64 {
    let (receivers, threads) = from_threads::<channels::Norace>(capacity);
    let (mut count, mut sum) = (0, 0);
    let never = norace::chan::never();
    let mut open = receivers.each_ref();
    while count < MESSAGES {
        let (arm, value) = norace::select_blocking! {
            value = open[0].recv() => (0, value),
            value = open[1].recv() => (1, value),
            value = open[2].recv() => (2, value),
            value = open[3].recv() => (3, value),
        };
        match value {
            Ok(value) => (count, sum) = (count + 1, sum + value),
            Err(_) => open[arm] = &never,
        }
    }
    assert_eq!(sum, SUM, "each message comes once");
    ends(threads);
    MESSAGES
}

const NEVER: Duration = Duration::from_secs(60);

/// A task that sends, and the end to receive from.
fn sends<R: Runtime, C: TaskChannel>() -> (C::Receiver, impl Future<Output = ()>) {
    let (sender, receiver) = C::new(Some(1));
    let sending = R::spawn(async move {
        for value in 0..MESSAGES {
            C::send(&sender, value).await;
        }
    });
    (receiver, sending)
}

pub async fn norace_timeout() -> u64 {
    let (receiver, sending) = sends::<runtimes::Norace, channels::Norace>();
    let mut sum = 0;
    for _ in 0..MESSAGES {
        let received = norace::time::timeout(NEVER, receiver.recv()).await;
        sum += received.expect("it is in time").expect("it is open");
    }
    sending.await;
    assert_eq!(sum, MESSAGES * (MESSAGES - 1) / 2, "each message comes once");
    MESSAGES
}

pub async fn tokio_timeout() -> u64 {
    let (mut receiver, sending) = sends::<runtimes::Tokio, channels::Mpsc>();
    let mut sum = 0;
    for _ in 0..MESSAGES {
        let received = tokio::time::timeout(NEVER, receiver.recv()).await;
        sum += received.expect("it is in time").expect("it is open");
    }
    sending.await;
    assert_eq!(sum, MESSAGES * (MESSAGES - 1) / 2, "each message comes once");
    MESSAGES
}
