//! Selects over four channels, each with a sender of its own.

use std::thread;

use crate::runtimes::{self, Runtime};

const MESSAGES: u64 = 100_000;
const EACH: u64 = MESSAGES / 4;

/// `norace::select!`.
pub async fn norace(capacity: usize) -> u64 {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..4).map(|_| norace::chan::bounded::<u64>(capacity)).unzip();
    for sender in senders {
        drop(norace::task::spawn(async move {
            for value in 0..EACH {
                sender.send(value).await.expect("somebody receives");
            }
        }));
    }
    let (mut count, mut sum) = (0, 0);
    let never = norace::chan::never();
    let mut open: Vec<_> = receivers.iter().collect();
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
    assert_eq!(sum, expected(), "each message comes once");
    MESSAGES
}

fn expected() -> u64 {
    4 * (EACH * (EACH - 1) / 2)
}

/// `tokio::select!` over `tokio::sync::mpsc`.
pub async fn tokio(capacity: usize) -> u64 {
    let (senders, mut receivers): (Vec<_>, Vec<_>) =
        (0..4).map(|_| tokio::sync::mpsc::channel::<u64>(capacity)).unzip();
    for sender in senders {
        drop(tokio::spawn(tokio::task::unconstrained(async move {
            for value in 0..EACH {
                sender.send(value).await.expect("somebody receives");
            }
        })));
    }
    let [a, b, c, d] = &mut receivers[..] else { unreachable!("there are four") };
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
    assert_eq!((count, sum), (MESSAGES, expected()), "each message comes once");
    MESSAGES
}

/// crossbeam's `select!` on threads.
pub fn crossbeam(capacity: usize) -> u64 {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..4).map(|_| crossbeam_channel::bounded::<u64>(capacity)).unzip();
    let threads: Vec<_> = senders
        .into_iter()
        .map(|sender| {
            thread::spawn(move || {
                for value in 0..EACH {
                    sender.send(value).expect("somebody receives");
                }
            })
        })
        .collect();
    let [a, b, c, d] = &receivers[..] else { unreachable!("there are four") };
    let (mut count, mut sum) = (0, 0);
    let never = crossbeam_channel::never();
    let mut open = [a, b, c, d];
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
    assert_eq!(sum, expected(), "each message comes once");
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    MESSAGES
}

/// `norace::select_blocking!` on threads.
pub fn norace_threads(capacity: usize) -> u64 {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..4).map(|_| norace::chan::bounded::<u64>(capacity)).unzip();
    let threads: Vec<_> = senders
        .into_iter()
        .map(|sender| {
            thread::spawn(move || {
                for value in 0..EACH {
                    sender.send_blocking(value).expect("somebody receives");
                }
            })
        })
        .collect();
    let (mut count, mut sum) = (0, 0);
    let never = norace::chan::never();
    let mut open: Vec<_> = receivers.iter().collect();
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
    assert_eq!(sum, expected(), "each message comes once");
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    MESSAGES
}

/// A wait that a timer would end, and never does.
pub async fn norace_timeout() -> u64 {
    let (sender, receiver) = norace::chan::bounded::<u64>(1);
    let sending = runtimes::Norace::spawn(async move {
        for value in 0..MESSAGES {
            sender.send(value).await.expect("somebody receives");
        }
    });
    for _ in 0..MESSAGES {
        norace::time::timeout(std::time::Duration::from_secs(60), receiver.recv())
            .await
            .expect("it is in time")
            .expect("it is open");
    }
    sending.await;
    MESSAGES
}

/// As [`norace_timeout`].
pub async fn tokio_timeout() -> u64 {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<u64>(1);
    let sending = runtimes::Tokio::spawn(async move {
        for value in 0..MESSAGES {
            sender.send(value).await.expect("somebody receives");
        }
    });
    for _ in 0..MESSAGES {
        tokio::time::timeout(std::time::Duration::from_secs(60), receiver.recv())
            .await
            .expect("it is in time")
            .expect("it is open");
    }
    sending.await;
    MESSAGES
}
