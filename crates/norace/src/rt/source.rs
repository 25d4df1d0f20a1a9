//! A socket that a runtime's netpoller watches.
#![cfg_attr(not(feature = "net"), expect(dead_code, reason = "only sockets are registered"))]

use super::current;
use super::readiness::{Direction, End, Readiness};
use super::scheduler::Scheduler;
use crate::budget;
use crate::wait::{self, BlockedOn};
use mio::Token;
use mio::event::Source as Pollable;
#[cfg(feature = "net")]
use norace_prim::probe::Site;
use norace_prim::sync::Arc;
use std::fmt;
#[cfg(feature = "net")]
use std::future::{Future, poll_fn};
use std::io;
use std::task::{Context, Poll, ready};

/// A source, registered from its creation until it is dropped.
pub(crate) struct Source<S: Pollable> {
    io: S,
    token: Token,
    readiness: Arc<Readiness>,
    scheduler: Arc<Scheduler>,
}

impl<S: Pollable> Source<S> {
    /// Registers `io` with the runtime this thread works for.
    pub(crate) fn new(mut io: S) -> io::Result<Self> {
        let scheduler = current::scheduler().ok_or_else(|| {
            io::Error::other("open a socket: this thread is neither a worker nor inside block_on")
        })?;
        let (token, readiness) = scheduler.driver().register(&mut io)?;
        Ok(Self { io, token, readiness, scheduler })
    }

    pub(crate) fn io(&self) -> &S {
        &self.io
    }

    /// Tries `operation` when it may succeed, and waits for the next time when it would block.
    pub(crate) fn poll<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_seen(direction, cx, operation).map_ok(|(result, _)| result)
    }

    /// As [`poll`](Self::poll), for an operation that moves bytes: fewer than `wanted` mean that the stream is
    /// exhausted.
    pub(crate) fn poll_bytes(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        wanted: usize,
        operation: impl FnMut(&S) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let (moved, seen) = ready!(self.poll_seen(direction, cx, operation))?;
        if (1..wanted).contains(&moved) {
            self.readiness.exhausted(direction, seen, End::Short);
        }
        Poll::Ready(Ok(moved))
    }

    /// The result of the operation with the number of events seen before it.
    fn poll_seen<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<(R, u32)>> {
        ready!(budget::poll_left(cx));
        loop {
            let Poll::Ready(seen) = self.readiness.poll_ready(direction, cx) else {
                wait::note_at(BlockedOn::Socket, None);
                return Poll::Pending;
            };
            let seen = seen?;
            match operation(&self.io) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readiness.exhausted(direction, seen, End::WouldBlock);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    budget::spend();
                    return Poll::Ready(result.map(|value| (value, seen)));
                }
            }
        }
    }
}

/// Waits for an operation that was asked for at `site`.
#[cfg(feature = "net")]
pub(crate) fn operation<R>(
    site: Site,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>,
) -> impl Future<Output = R> {
    poll_fn(move |cx| {
        let polled = poll(cx);
        if polled.is_pending() {
            wait::note(BlockedOn::Socket, site);
        }
        polled
    })
}

impl<S: Pollable> Drop for Source<S> {
    fn drop(&mut self) {
        self.scheduler.driver().deregister(&mut self.io, self.token);
    }
}

impl<S: Pollable + fmt::Debug> fmt::Debug for Source<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}
