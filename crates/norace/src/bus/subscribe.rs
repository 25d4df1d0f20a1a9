//! The subscribing end.

use super::error::{RecvError, TryRecvError};
use super::policy::{Policy, Start};
use super::shared::Ring;
use crate::budget;
use crate::raw::bus::{Look, Reader};
use crate::wait::{BlockedOn, Key, block_for, block_on, note};
use norace_prim::hint;
use norace_prim::probe::Site;
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use std::fmt;
use std::ops::Deref;
use std::task::{Context, Poll, ready};

/// The receiving end of a bus: one subscriber, which sees every event from its start on.
///
/// Dropping it leaves the bus; a publisher that waited for it goes on. One that is kept and not read holds publishers
/// back, if its policy is to block.
pub struct Subscriber<T> {
    reader: Reader<T, super::shared::Shared>,
    /// What is lost and has not been reported.
    unreported: u64,
    /// How often it was overtaken since it last read anything.
    overtaken: u32,
    /// With `DropNewest`: where what it gets ends.
    end: Option<u64>,
    /// How much it had lost when it was disconnected.
    disconnected: Option<u64>,
    /// Its place at the bell, which it has from its first wait on.
    key: Option<Key>,
}

impl<T> Subscriber<T> {
    #[cfg_attr(norace, track_caller)]
    pub(super) fn new(ring: &Arc<Ring<T>>, policy: Policy, start: Start) -> Self {
        if let Policy::DropNewest { keep } = policy {
            let all = ring.capacity();
            assert!(keep > 0 && keep as u64 <= all, "{keep} events to keep of a ring of {all}");
        }
        let (reader, unreported) = ring.join(policy, start);
        Self { reader, unreported, overtaken: 0, end: None, disconnected: None, key: None }
    }

    /// Receives the next event by reference, waiting for one.
    ///
    /// The event is received when the guard is dropped. Until then the slot is held: publishers wait for it a ring
    /// later if this subscriber blocks, and pass over the slot otherwise.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has received nothing.
    ///
    /// # Ordering
    ///
    /// Events come in the order of their sequences, which is the same for all subscribers. Publishing an event happens
    /// before receiving it.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the bus is closed and everything was received; once for each time in which something was
    /// lost; or when this subscriber is disconnected.
    #[expect(
        clippy::should_implement_trait,
        reason = "a future, which lends: no iterator has that"
    )]
    #[track_caller]
    pub fn next(&mut self) -> Next<'_, T> {
        Next::new(self, Site::here())
    }

    /// As [`next`](Self::next), but this thread sleeps until there is an event.
    ///
    /// # Errors
    ///
    /// As those of [`next`](Self::next).
    #[track_caller]
    pub fn next_blocking(&mut self) -> Result<Event<'_, T>, RecvError> {
        match self.hold() {
            Ok(()) => Ok(Event { subscriber: self }),
            Err(error) => match error.ended() {
                Some(error) => Err(error),
                None => block_on(self.next()),
            },
        }
    }

    /// As [`next`](Self::next), but this thread sleeps for at most `timeout`; `None` when time ran out.
    ///
    /// # Errors
    ///
    /// As those of [`next`](Self::next).
    #[track_caller]
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<Event<'_, T>, RecvError>> {
        block_for(std::pin::Pin::new(&mut self.next()), timeout)
    }

    /// As [`next`](Self::next), but this thread burns its processor until there is an event: the shortest delay, for
    /// who has a processor to spare.
    ///
    /// # Errors
    ///
    /// As those of [`next`](Self::next).
    #[inline]
    pub fn next_spinning(&mut self) -> Result<Event<'_, T>, RecvError> {
        loop {
            match self.hold() {
                Ok(()) => return Ok(Event { subscriber: self }),
                Err(error) => match error.ended() {
                    Some(error) => return Err(error),
                    None => hint::spin_loop(),
                },
            }
        }
    }

    /// As [`next`](Self::next), if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]; `Empty` also while a publisher is still at work on the next event.
    #[inline]
    pub fn try_next(&mut self) -> Result<Event<'_, T>, TryRecvError> {
        self.hold()?;
        Ok(Event { subscriber: self })
    }

    /// Receives a clone of the next event, waiting for one. It is received even if cloning panics. Otherwise as
    /// [`next`](Self::next).
    ///
    /// # Errors
    ///
    /// As those of [`next`](Self::next).
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv::new(self.next())
    }

    /// As [`recv`](Self::recv), but this thread sleeps until there is an event.
    ///
    /// # Errors
    ///
    /// As those of [`next`](Self::next).
    #[track_caller]
    pub fn recv_blocking(&mut self) -> Result<T, RecvError>
    where
        T: Clone,
    {
        self.next_blocking().map(|event| T::clone(&event))
    }

    /// As [`recv`](Self::recv), if that needs no waiting.
    ///
    /// # Errors
    ///
    /// As those of [`try_next`](Self::try_next).
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError>
    where
        T: Clone,
    {
        self.try_next().map(|event| T::clone(&event))
    }

    /// Waits for an event, then calls `each` with the sequence and value of what there is, at most `max`; says how
    /// many. Publishers that wait hear of it at the end of the batch.
    ///
    /// # Cancel safety
    ///
    /// `each` is called only in the poll that is ready.
    ///
    /// # Errors
    ///
    /// As those of [`next`](Self::next), when there was no event before.
    ///
    /// # Panics
    ///
    /// When `each` does: the event that it was given counts as received, those after it do not.
    #[track_caller]
    pub fn drain<F>(&mut self, max: usize, each: F) -> Drain<'_, T, F>
    where
        F: FnMut(u64, &T),
    {
        Drain::new(self, Site::here(), max, each)
    }

    /// As [`drain`](Self::drain), but this thread sleeps until there is an event.
    ///
    /// # Errors
    ///
    /// As those of [`drain`](Self::drain).
    #[track_caller]
    pub fn drain_blocking(
        &mut self,
        max: usize,
        mut each: impl FnMut(u64, &T),
    ) -> Result<usize, RecvError> {
        match self.try_drain(max, &mut each) {
            Ok(count) => Ok(count),
            Err(error) => match error.ended() {
                Some(error) => Err(error),
                None => block_on(self.drain(max, each)),
            },
        }
    }

    /// As [`drain`](Self::drain), if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`] when there was no event before.
    #[inline]
    pub fn try_drain(
        &mut self,
        max: usize,
        mut each: impl FnMut(u64, &T),
    ) -> Result<usize, TryRecvError> {
        let mut batch = Batch { subscriber: self, count: 0 };
        while batch.count < max {
            if let Err(error) = batch.subscriber.hold() {
                return batch.end(error);
            }
            batch.count += 1;
            let held = Held(&mut batch.subscriber.reader);
            each(held.0.position(), held.0.get());
        }
        Ok(batch.count)
    }

    /// The events to come as a [`Stream`](futures_core::Stream), with an error for each time that something was lost.
    #[cfg(feature = "futures")]
    #[track_caller]
    pub fn into_stream(self) -> super::EventStream<T>
    where
        T: Clone,
    {
        super::EventStream::new(self)
    }

    /// Another subscriber with the same policy, which begins where this one is.
    #[must_use]
    #[cfg_attr(norace, track_caller)]
    pub fn fork(&self) -> Self {
        Self::new(&self.reader.ring, self.policy(), Start::At(self.position()))
    }

    /// The sequence that it looks at next.
    pub fn position(&self) -> u64 {
        self.reader.position()
    }

    /// How many sequences it is behind, void ones and those that are being published included.
    pub fn depth(&self) -> u64 {
        self.reader.ring.next().saturating_sub(self.position())
    }

    /// How many sequences it has lost, all in all, because it was slow or asked for what was no longer there. Every
    /// sequence from its start to its position was received, missed, or skipped.
    pub fn missed(&self) -> u64 {
        self.reader.seat.missed.get()
    }

    /// How many void sequences it came by: slots that were held by a reader when their turn came, publications that
    /// panicked or left their slot empty. Nothing was lost with them: a value that meets a held slot gets the next
    /// sequence.
    pub fn skipped(&self) -> u64 {
        self.reader.seat.skipped.get()
    }

    /// What happens when it is slow.
    pub fn policy(&self) -> Policy {
        self.reader.seat.policy
    }

    /// Whether nothing more is published. There may be events left to receive.
    pub fn is_closed(&self) -> bool {
        self.reader.ring.is_closed()
    }

    /// Holds the next event.
    #[inline]
    fn hold(&mut self) -> Result<(), TryRecvError> {
        if self.reader.holds() {
            return Ok(());
        }
        if self.unreported > 0 {
            return Err(self.report(0));
        }
        if let Policy::DropNewest { keep } = self.policy() {
            let missed = self.leave_out_newest(keep as u64);
            if missed > 0 {
                return Err(TryRecvError::Lagged(missed));
            }
        }
        if let Some(missed) = self.disconnected {
            return Err(TryRecvError::Disconnected(missed));
        }
        loop {
            match self.reader.look() {
                Look::Value => {
                    self.overtaken = 0;
                    return Ok(());
                }
                Look::Void => self.reader.pass(),
                Look::Empty => return Err(TryRecvError::Empty),
                Look::Closed => return Err(TryRecvError::Closed),
                Look::Overtaken => return Err(self.catch_up()),
            }
        }
    }

    /// Goes on where there is still something, after it was overtaken.
    #[cold]
    fn catch_up(&mut self) -> TryRecvError {
        // Who is overtaken again and again does not come to read: the oldest is the next to be overwritten.
        let ring = &self.reader.ring;
        let ahead = match self.overtaken {
            0 => 0,
            times => (ring.capacity() / 16) << times.min(3),
        };
        self.overtaken = self.overtaken.saturating_add(1);
        self.end = None;
        let position = (self.reader.oldest() + ahead).min(ring.next());
        let missed = self.reader.skip_to(position);
        self.report(missed)
    }

    /// What is said of `missed` more lost sequences.
    fn report(&mut self, missed: u64) -> TryRecvError {
        let missed = std::mem::take(&mut self.unreported) + missed;
        if self.policy() != Policy::Disconnect {
            return TryRecvError::Lagged(missed);
        }
        self.disconnected = Some(missed);
        self.reader.leave();
        TryRecvError::Disconnected(missed)
    }

    /// Keeps what `DropNewest` says and leaves out the rest; how much that was.
    fn leave_out_newest(&mut self, keep: u64) -> u64 {
        let next = self.reader.ring.next();
        let position = self.reader.position();
        match self.end {
            None => {
                if next > position + keep {
                    self.end = Some(position + keep);
                }
                0
            }
            Some(end) if position < end => 0,
            Some(_) => {
                self.end = None;
                self.reader.skip_to(next)
            }
        }
    }

    /// Holds the next event, or waits for it.
    pub(super) fn poll_hold(
        &mut self,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<Result<(), RecvError>> {
        ready!(budget::poll_left(cx));
        let mut held = self.hold();
        if held == Err(TryRecvError::Empty) {
            self.reader.ring.shared.published.wait(&mut self.key, cx.waker());
            held = self.hold();
        }
        let result = match held {
            Ok(()) => Ok(()),
            Err(error) => match error.ended() {
                Some(error) => Err(error),
                None => {
                    note(BlockedOn::Receive, site);
                    return Poll::Pending;
                }
            },
        };
        budget::spend();
        Poll::Ready(result)
    }

    /// Takes back the waker of a wait that is given up.
    pub(super) fn stop_waiting(&mut self) {
        self.reader.ring.shared.published.forget(&mut self.key);
    }
}

impl<T> Drop for Subscriber<T> {
    fn drop(&mut self) {
        self.stop_waiting();
    }
}

impl<T> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("policy", &self.policy())
            .field("position", &self.position())
            .field("depth", &self.depth())
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}

/// An event of the bus, in its slot. Dropping it is receiving it.
pub struct Event<'a, T> {
    subscriber: &'a mut Subscriber<T>,
}

impl<'a, T> Event<'a, T> {
    /// Of a subscriber that holds one.
    pub(super) fn of(subscriber: &'a mut Subscriber<T>) -> Self {
        Self { subscriber }
    }

    /// Its number: the same for all subscribers.
    pub fn sequence(event: &Self) -> u64 {
        event.subscriber.position()
    }
}

impl<T> Deref for Event<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.subscriber.reader.get()
    }
}

impl<T> Drop for Event<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.subscriber.reader.release(false);
    }
}

impl<T: fmt::Debug> fmt::Debug for Event<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("sequence", &Self::sequence(self))
            .field("value", &**self)
            .finish()
    }
}

/// A held event of a batch.
struct Held<'a, T>(&'a mut Reader<T, super::shared::Shared>);

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.release(true);
    }
}

/// A batch under way, of which publishers hear in the end.
struct Batch<'a, T> {
    subscriber: &'a mut Subscriber<T>,
    count: usize,
}

impl<T> Batch<'_, T> {
    /// Ends a batch in front of `error`. What is lost is reported at the next call, if this one has received something.
    #[inline]
    fn end(&mut self, error: TryRecvError) -> Result<usize, TryRecvError> {
        if self.count == 0 {
            return Err(error);
        }
        if let TryRecvError::Lagged(missed) = error {
            self.subscriber.unreported += missed;
        }
        Ok(self.count)
    }
}

impl<T> Drop for Batch<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.count > 0 {
            self.subscriber.reader.end_batch();
        }
    }
}

mod futures;
pub use futures::{Drain, Next, Recv};
