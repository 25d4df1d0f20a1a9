//! The netpoller's news against a task that reads: no event is lost, and nobody spins on stale ones.

use super::{Direction, End, Readiness};
use crate::models::{all, finds, join};
use crate::wait::block_on;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

/// What a socket has received, and what is known of it.
#[derive(Default)]
struct Socket {
    bytes: Mutex<(usize, bool)>,
    readiness: Readiness,
}

/// Steps that a reader leaves out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mutant {
    None,
    /// It notes the end without looking whether there was news since.
    IgnoresNews,
}

impl Socket {
    /// As the system and then the netpoller, when bytes come, or the end.
    fn receive(&self, bytes: usize, end: bool) {
        {
            let mut all = lock(&self.bytes);
            all.0 += bytes;
            all.1 |= end;
        }
        let waker = self.readiness.side(Direction::Read).event(end);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// As `read` of a socket that does not block: at most `max` bytes, 0 at the end, none when there are none yet.
    fn try_read(&self, max: usize) -> Option<usize> {
        let mut all = lock(&self.bytes);
        if all.0 == 0 && !all.1 {
            return None;
        }
        let read = all.0.min(max);
        all.0 -= read;
        Some(read)
    }

    /// As [`Source`](crate::rt::source::Source).
    fn poll_read(
        &self,
        max: usize,
        mutant: Mutant,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let seen = match self.readiness.poll_ready(Direction::Read, cx) {
                Poll::Ready(Ok(seen)) => seen,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            let read = self.try_read(max);
            let end = match read {
                None => End::WouldBlock,
                Some(read) if (1..max).contains(&read) => End::Short,
                Some(read) => return Poll::Ready(Ok(read)),
            };
            let seen = match mutant {
                Mutant::None => seen,
                Mutant::IgnoresNews => self.readiness.side(Direction::Read).events,
            };
            self.readiness.exhausted(Direction::Read, seen, end);
            if let Some(read) = read {
                return Poll::Ready(Ok(read));
            }
        }
    }

    /// Reads to the end, so many bytes at once; how many came.
    fn read_all(&self, max: usize, mutant: Mutant) -> usize {
        let mut count = 0;
        loop {
            match block_on(poll_fn(|cx| self.poll_read(max, mutant, cx))) {
                Ok(0) => return count,
                Ok(read) => count += read,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn transfer(max: usize, mutant: Mutant) {
    let socket = Arc::new(Socket::default());
    let poller = {
        let socket = socket.clone();
        thread::spawn(move || {
            socket.receive(1, false);
            socket.receive(1, false);
            socket.receive(0, true);
        })
    };
    assert_eq!(socket.read_all(max, mutant), 2);
    join([poller]);
}

#[test]
fn everything_that_comes_is_read() {
    for max in [1, 4] {
        all(|| transfer(max, Mutant::None));
    }
}

#[test]
fn the_end_may_come_with_the_last_bytes() {
    for max in [1, 4] {
        all(|| {
            let socket = Arc::new(Socket::default());
            let poller = {
                let socket = socket.clone();
                thread::spawn(move || {
                    socket.receive(1, false);
                    socket.receive(1, true);
                })
            };
            assert_eq!(socket.read_all(max, Mutant::None), 2);
            poller.join().unwrap();
        });
    }
}

#[test]
fn mutant_a_reader_that_takes_news_for_old_waits_beside_bytes() {
    for max in [1, 4] {
        let found = finds(|| transfer(max, Mutant::IgnoresNews));
        assert_eq!(found.kind, "deadlock", "{}", found.to_text());
    }
}

#[test]
fn the_latest_of_two_readers_is_woken_and_wakes_are_for_one_direction() {
    all(|| {
        let socket = Arc::new(Socket::default());
        let poller = {
            let socket = socket.clone();
            thread::spawn(move || {
                assert!(socket.readiness.side(Direction::Write).event(false).is_none());
                socket.receive(1, true);
            })
        };
        // One that has given up leaves its waker behind.
        let early =
            crate::models::poll(&mut Box::pin(poll_fn(|cx| socket.poll_read(1, Mutant::None, cx))));
        let came = match early {
            Poll::Ready(read) => read.expect("the runtime is there"),
            Poll::Pending => 0,
        };
        assert_eq!(came + socket.read_all(1, Mutant::None), 1);
        poller.join().unwrap();
    });
}

#[test]
fn who_waits_when_the_runtime_ends_fails() {
    all(|| {
        let socket = Arc::new(Socket::default());
        let waiting = [Direction::Read, Direction::Write].map(|direction| {
            let socket = socket.clone();
            thread::spawn(move || {
                let seen = block_on(poll_fn(|cx| socket.readiness.poll_ready(direction, cx)));
                let Ok(seen) = seen else { return };
                socket.readiness.exhausted(direction, seen, End::WouldBlock);
                let after = block_on(poll_fn(|cx| socket.readiness.poll_ready(direction, cx)));
                assert!(after.is_err());
            })
        });
        socket.readiness.close();
        join(waiting);
    });
}
