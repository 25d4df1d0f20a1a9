//! What is known about one source: whether reading and writing may succeed, and who waits.
//!
//! Events are edge-triggered: the operating system says once that a socket became readable and not again until
//! somebody found it empty. So a direction stays *ready* until an operation reports that it would block, or moved
//! fewer bytes than asked (which empties a stream), and each operation goes through the same steps:
//!
//! 1. [`Readiness::poll_ready`]: not ready leaves the waker and waits; ready gives the number of events seen so far;
//! 2. the operation;
//! 3. would block: [`Readiness::exhausted`] takes the readiness back, but only when no event came since step 1 (the
//!    number tells); then again from step 1. An event that comes between the operation and the waker is therefore
//!    either counted, and step 1 finds the direction still ready, or finds the waker.
//!
//! A peer's close is reported once, perhaps together with the last bytes: it is kept beside the readiness and
//! survives a short read, so that the read after it sees the end.
//!
//! One task waits per direction; a later one takes its place.
use norace_prim::sync::{Mutex, MutexGuard, lock};
use std::io;
use std::task::{Context, Poll, Waker};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// How an operation found the end of what was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It would block.
    WouldBlock,
    /// It moved fewer bytes than it could have.
    Short,
}

#[derive(Debug)]
struct Side {
    /// An operation may succeed. True at first: to try costs less than to wait for the first event.
    ready: bool,
    /// The peer has closed this direction, or the source has failed.
    closed: bool,
    /// The runtime is gone; no event will ever come.
    orphaned: bool,
    /// Events so far, wrapping.
    events: u32,
    waker: Option<Waker>,
}

impl Default for Side {
    fn default() -> Self {
        Self { ready: true, closed: false, orphaned: false, events: 0, waker: None }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Readiness {
    read: Mutex<Side>,
    write: Mutex<Side>,
}

/// The error of every operation on a source whose runtime has ended.
pub(crate) fn runtime_gone() -> io::Error {
    io::Error::other("use a socket: the runtime it was registered with has shut down")
}

impl Readiness {
    fn side(&self, direction: Direction) -> MutexGuard<'_, Side> {
        match direction {
            Direction::Read => lock(&self.read),
            Direction::Write => lock(&self.write),
        }
    }

    /// Ready with the number of events so far when an operation may succeed.
    pub(crate) fn poll_ready(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<u32>> {
        let mut fresh: Option<Waker> = None;
        loop {
            let mut side = self.side(direction);
            if side.orphaned {
                return Poll::Ready(Err(runtime_gone()));
            }
            if side.ready || side.closed {
                return Poll::Ready(Ok(side.events));
            }
            if side.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            if fresh.is_some() {
                let former = std::mem::replace(&mut side.waker, fresh);
                drop(side);
                drop(former);
                return Poll::Pending;
            }
            drop(side);
            // Cloned without the lock: it is foreign code.
            fresh = Some(cx.waker().clone());
        }
    }

    /// Notes that an operation which saw `events` found the end.
    pub(crate) fn exhausted(&self, direction: Direction, events: u32, end: End) {
        let mut side = self.side(direction);
        if side.events == events {
            side.ready = false;
            // A source that is closed answers at once and does not block; if it did, the news was stale.
            side.closed &= end == End::Short;
        }
    }

    /// Takes in what the operating system reports, and gives the wakers to call.
    pub(crate) fn update(&self, event: &mio::event::Event, wakers: &mut Vec<Waker>) {
        let failed = event.is_error();
        let read_closed = event.is_read_closed() || failed;
        let write_closed = event.is_write_closed() || failed;
        if event.is_readable() || read_closed {
            wakers.extend(self.side(Direction::Read).event(read_closed));
        }
        if event.is_writable() || write_closed {
            wakers.extend(self.side(Direction::Write).event(write_closed));
        }
    }

    /// No event will come any more: everybody fails.
    pub(crate) fn close(&self) {
        for direction in [Direction::Read, Direction::Write] {
            let mut side = self.side(direction);
            side.orphaned = true;
            let waker = side.waker.take();
            drop(side);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Side {
    fn event(&mut self, closed: bool) -> Option<Waker> {
        self.ready = true;
        self.closed |= closed;
        self.events = self.events.wrapping_add(1);
        self.waker.take()
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
