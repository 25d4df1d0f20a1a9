//! The publishing end.

use super::error::{PublishError, TryPublishError};
use super::metrics::{BusMetrics, SubscriberMetrics};
use super::policy::{Policy, Start};
use super::shared::{Ring, Shared};
use super::subscribe::Subscriber;
use crate::budget;
use crate::raw::bus::Refusal;
use crate::wait::{BlockedOn, Key, block_on, note};
use norace_prim::probe::Site;
use norace_prim::sync::{Arc, Weak};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The publishing end of a bus, and where one subscribes. Clone it for more publishers.
///
/// When the last one is dropped the bus closes: subscribers receive what there is, then
/// [`RecvError::Closed`](super::RecvError::Closed).
///
/// See the [module](super) for when to use it, costs and orders.
pub struct Bus<T> {
    ring: Arc<Ring<T>>,
}

impl<T> Bus<T> {
    /// A bus whose ring has `capacity` slots. They are allocated here, and hold the last `capacity` values until those
    /// are overwritten or the bus is gone.
    ///
    /// # Panics
    ///
    /// When `capacity` is not a power of two.
    #[cfg_attr(norace, track_caller)]
    pub fn new(capacity: usize) -> Self {
        Self { ring: Ring::new(capacity, Shared::new()) }
    }

    /// Publishes `value`, waiting while there is no room; says its sequence.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has published nothing; its value is dropped with it.
    ///
    /// # Ordering
    ///
    /// All subscribers see the same order. Publications one after the other, on one thread or by way of others, are in
    /// that order. Publishers that wait for room are woken together, and no order is kept between them.
    ///
    /// # Errors
    ///
    /// [`PublishError`], with the value, when the bus is closed.
    ///
    /// # Panics
    ///
    /// When dropping the value that was in the slot panics; `value` is published then.
    #[track_caller]
    pub fn publish(&self, value: T) -> Publish<'_, T> {
        Publish { wait: Wait::new(self, Site::here()), value: Some(value) }
    }

    /// As [`publish`](Self::publish), but this thread sleeps until there is room.
    ///
    /// # Errors
    ///
    /// [`PublishError`], with the value, when the bus is closed.
    #[track_caller]
    pub fn publish_blocking(&self, value: T) -> Result<u64, PublishError<T>> {
        match self.try_publish(value) {
            Ok(sequence) => Ok(sequence),
            Err(TryPublishError::Closed(value)) => Err(PublishError(value)),
            Err(TryPublishError::Full(value)) => block_on(self.publish(value)),
        }
    }

    /// Publishes `value` without waiting for anybody; says its sequence.
    ///
    /// # Errors
    ///
    /// [`TryPublishError`], with the value, when there is no room, or when the bus is closed.
    ///
    /// # Panics
    ///
    /// When dropping the value that was in the slot panics; `value` is published then.
    ///
    /// ```
    /// use norace::bus::{Bus, Policy, Start, TryPublishError};
    /// let bus = Bus::new(2);
    /// let mut slow = bus.subscribe(Policy::Block, Start::Tail);
    /// assert_eq!((bus.try_publish('a'), bus.try_publish('b')), (Ok(0), Ok(1)));
    /// assert_eq!(bus.try_publish('c'), Err(TryPublishError::Full('c')));
    /// assert_eq!(slow.try_recv(), Ok('a'));
    /// assert_eq!(bus.try_publish('c'), Ok(2));
    /// ```
    #[inline]
    pub fn try_publish(&self, value: T) -> Result<u64, TryPublishError<T>> {
        let mut value = Some(value);
        match self.fill_one(|slot| std::mem::replace(slot, value.take())) {
            // The former value is dropped here, when the new one is published.
            Ok((sequence, _former)) => Ok(sequence),
            Err((refusal, _)) => match (refusal, value) {
                (Refusal::Full, Some(value)) => Err(TryPublishError::Full(value)),
                (Refusal::Closed, Some(value)) => Err(TryPublishError::Closed(value)),
                (_, None) => unreachable!("what was refused was not taken"),
            },
        }
    }

    /// Lets `fill` fill a slot in place, without waiting for anybody; says its sequence.
    ///
    /// The slot holds what it held a lap ago, if it was used: `fill` can use its allocations again. When `fill` leaves
    /// nothing there, or panics, the sequence is void: subscribers pass over it. Others go on publishing meanwhile, but
    /// subscribers get nothing newer before `fill` is done, and a whole ring later publishers wait as well.
    ///
    /// # Errors
    ///
    /// [`TryPublishError`], with `fill`, when there is no room, or when the bus is closed.
    ///
    /// # Panics
    ///
    /// When `fill` does.
    ///
    /// ```
    /// # use norace::bus::{Bus, Policy, Start};
    /// let bus = Bus::<Vec<u8>>::new(8);
    /// let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    /// let filled = bus.try_publish_with(|slot| {
    ///     let bytes = slot.get_or_insert_default();
    ///     bytes.clear();
    ///     bytes.extend(b"in place");
    /// });
    /// assert!(filled.is_ok());
    /// assert_eq!(*subscriber.try_next().expect("published"), *b"in place");
    /// ```
    #[inline]
    pub fn try_publish_with<F>(&self, fill: F) -> Result<u64, TryPublishError<F>>
    where
        F: FnOnce(&mut Option<T>),
    {
        match self.fill_one(fill) {
            Ok((sequence, ())) => Ok(sequence),
            Err((Refusal::Full, fill)) => Err(TryPublishError::Full(fill)),
            Err((Refusal::Closed, fill)) => Err(TryPublishError::Closed(fill)),
        }
    }

    /// Publishes values from the front of `values`, as many as there is room for, in one claim; says how many.
    ///
    /// They are in their order, but other publishers' values, and void sequences, may be between them when slots of the
    /// claim are held by readers.
    ///
    /// # Errors
    ///
    /// [`TryPublishError`] when there is no room for even one, or when the bus is closed.
    ///
    /// # Panics
    ///
    /// When dropping a value that was in a slot panics; the sequences claimed are void from there on.
    pub fn try_publish_many(&self, values: &mut VecDeque<T>) -> Result<usize, TryPublishError<()>> {
        let count = values.len();
        self.try_publish_batch(count, |slot| *slot = values.pop_front())
    }

    /// Lets `fill` fill up to `count` slots in place, one call for each, as many as there is room for, in one claim;
    /// says how many. What is filled is published 32 at a time: `fill` must not wait for somebody to see what it filled
    /// before. Otherwise as [`try_publish_with`](Self::try_publish_with).
    ///
    /// # Errors
    ///
    /// [`TryPublishError`] when there is no room for even one, or when the bus is closed.
    ///
    /// # Panics
    ///
    /// When `fill` does; the sequences claimed are void from there on.
    ///
    /// ```
    /// # use norace::bus::{Bus, Policy, Start};
    /// let bus = Bus::new(8);
    /// let mut subscriber = bus.subscribe(Policy::Block, Start::Tail);
    /// let mut numbers = 1..;
    /// assert_eq!(bus.try_publish_batch(5, |slot| *slot = numbers.next()), Ok(5));
    /// assert_eq!(bus.try_publish_batch(5, |slot| *slot = numbers.next()), Ok(3));
    /// let mut sum = 0;
    /// assert_eq!(subscriber.try_drain(64, |_, number| sum += number), Ok(8));
    /// assert_eq!(sum, 36);
    /// ```
    #[inline]
    pub fn try_publish_batch(
        &self,
        count: usize,
        mut fill: impl FnMut(&mut Option<T>),
    ) -> Result<usize, TryPublishError<()>> {
        if count == 0 {
            return Ok(0);
        }
        loop {
            let claim = self.ring.claim(count as u64);
            let mut claim = claim.map_err(|refusal| match refusal {
                Refusal::Full => {
                    self.ring.shared.refusals.add(1);
                    TryPublishError::Full(())
                }
                Refusal::Closed => TryPublishError::Closed(()),
            })?;
            let mut filled = 0;
            while claim.fill(&mut fill).is_ok() {
                filled += 1;
            }
            // Where all slots of the claim were held, others are not.
            if filled > 0 {
                return Ok(filled);
            }
        }
    }

    /// Publishes all of `values`, waiting while there is no room.
    ///
    /// # Cancel safety
    ///
    /// What was published is no longer in `values`; dropping the future publishes nothing more and loses nothing.
    ///
    /// # Ordering
    ///
    /// As that of [`try_publish_many`](Self::try_publish_many).
    ///
    /// # Errors
    ///
    /// [`PublishError`] when the bus is closed; `values` holds what was not published.
    #[track_caller]
    pub fn publish_many<'a>(&'a self, values: &'a mut VecDeque<T>) -> PublishMany<'a, T> {
        PublishMany { wait: Wait::new(self, Site::here()), values }
    }

    /// As [`publish_many`](Self::publish_many), but this thread sleeps while there is no room.
    ///
    /// # Errors
    ///
    /// [`PublishError`] when the bus is closed; `values` holds what was not published.
    #[track_caller]
    pub fn publish_many_blocking(&self, values: &mut VecDeque<T>) -> Result<(), PublishError<()>> {
        block_on(self.publish_many(values))
    }

    /// Claims a slot that no reader holds, and fills it.
    #[inline]
    fn fill_one<R, F>(&self, fill: F) -> Result<(u64, R), (Refusal, F)>
    where
        F: FnOnce(&mut Option<T>) -> R,
    {
        let mut fill = fill;
        loop {
            let mut claim = match self.ring.claim(1) {
                Ok(claim) => claim,
                Err(refusal) => {
                    if refusal == Refusal::Full {
                        self.ring.shared.refusals.add(1);
                    }
                    return Err((refusal, fill));
                }
            };
            match claim.fill(fill) {
                Ok(filled) => return Ok(filled),
                Err(again) => fill = again,
            }
        }
    }

    /// A new subscriber, which from `start` on sees every event, and for which `policy` says what happens when it is
    /// slow.
    ///
    /// # Panics
    ///
    /// When there are 65,535 subscribers, or [`Policy::DropNewest`] is to keep nothing or more than the capacity.
    #[cfg_attr(norace, track_caller)]
    pub fn subscribe(&self, policy: Policy, start: Start) -> Subscriber<T> {
        Subscriber::new(&self.ring, policy, start)
    }

    /// Closes the bus: nothing more is published, and subscribers receive what there is. Publications that are under
    /// way are finished. True when this call did it, false when it was closed before.
    pub fn close(&self) -> bool {
        self.ring.close()
    }

    /// Whether the bus is closed.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// The sequence that is published next.
    pub fn next_sequence(&self) -> u64 {
        self.ring.next()
    }

    /// How many slots the ring has.
    pub fn capacity(&self) -> usize {
        usize::try_from(self.ring.capacity()).expect("the length of a slice")
    }

    /// How many subscribers there are. One that was disconnected counts until it finds out.
    pub fn subscriber_count(&self) -> usize {
        self.ring.readers()
    }

    /// The state of the bus and of its subscribers.
    pub fn metrics(&self) -> BusMetrics {
        let sequences = self.ring.next();
        let mut subscribers = Vec::new();
        self.ring.for_seats(|seat| {
            let position = seat.position();
            subscribers.push(SubscriberMetrics {
                policy: seat.policy,
                position,
                depth: sequences.saturating_sub(position),
                missed: seat.missed.get(),
                skipped: seat.skipped.get(),
                stalls: seat.stalls.get(),
            });
        });
        let shared = &self.ring.shared;
        BusMetrics {
            sequences,
            voids: self.ring.voids(),
            refusals: shared.refusals.get(),
            wakes: shared.published.wakes() + shared.freed.wakes(),
            subscribers,
        }
    }

    /// An end that does not keep the bus open.
    pub fn downgrade(&self) -> WeakBus<T> {
        WeakBus { ring: Arc::downgrade(&self.ring) }
    }

    /// Whether `other` publishes to the same bus.
    pub fn same_bus(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring)
    }
}

impl<T> Clone for Bus<T> {
    fn clone(&self) -> Self {
        self.ring.shared.add_publisher();
        Self { ring: self.ring.clone() }
    }
}

impl<T> Drop for Bus<T> {
    fn drop(&mut self) {
        if self.ring.shared.drop_publisher() {
            self.ring.close();
        }
    }
}

impl<T> fmt::Debug for Bus<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("capacity", &self.capacity())
            .field("next_sequence", &self.next_sequence())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// A publishing end that does not keep the bus open.
pub struct WeakBus<T> {
    ring: Weak<Ring<T>>,
}

impl<T> WeakBus<T> {
    /// A publishing end, if there is still one.
    pub fn upgrade(&self) -> Option<Bus<T>> {
        let ring = self.ring.upgrade()?;
        ring.shared.revive_publisher().then(|| Bus { ring })
    }
}

impl<T> Clone for WeakBus<T> {
    fn clone(&self) -> Self {
        Self { ring: self.ring.clone() }
    }
}

impl<T> fmt::Debug for WeakBus<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakBus").finish_non_exhaustive()
    }
}

/// A publication that waits for room.
struct Wait<'a, T> {
    bus: &'a Bus<T>,
    site: Site,
    freed: Option<Key>,
    published: Option<Key>,
}

impl<'a, T> Wait<'a, T> {
    fn new(bus: &'a Bus<T>, site: Site) -> Self {
        Self { bus, site, freed: None, published: None }
    }

    /// Polls `attempt`, which gives nothing when there is no room.
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&Bus<T>) -> Option<R>,
    ) -> Poll<R> {
        ready!(budget::poll_left(cx));
        let mut done = attempt(self.bus);
        if done.is_none() {
            let shared = &self.bus.ring.shared;
            shared.freed.wait(&mut self.freed, cx.waker());
            shared.published.wait(&mut self.published, cx.waker());
            done = attempt(self.bus);
        }
        match done {
            Some(done) => {
                budget::spend();
                Poll::Ready(done)
            }
            None => {
                note(BlockedOn::Send, self.site);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Wait<'_, T> {
    fn drop(&mut self) {
        let shared = &self.bus.ring.shared;
        shared.freed.forget(&mut self.freed);
        shared.published.forget(&mut self.published);
    }
}

/// The future of [`Bus::publish`].
#[must_use = "futures do nothing unless polled"]
pub struct Publish<'a, T> {
    wait: Wait<'a, T>,
    value: Option<T>,
}

impl<T> Future for Publish<'_, T> {
    type Output = Result<u64, PublishError<T>>;

    /// # Panics
    ///
    /// When it was ready before.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { wait, value } = self.get_mut();
        wait.poll(cx, |bus| {
            match bus.try_publish(value.take().expect("polled until it is ready")) {
                Ok(sequence) => Some(Ok(sequence)),
                Err(TryPublishError::Closed(value)) => Some(Err(PublishError(value))),
                Err(TryPublishError::Full(refused)) => {
                    *value = Some(refused);
                    None
                }
            }
        })
    }
}

// The value is never pinned: it is moved into a slot.
impl<T> Unpin for Publish<'_, T> {}

impl<T> fmt::Debug for Publish<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish").finish_non_exhaustive()
    }
}

/// The future of [`Bus::publish_many`].
#[must_use = "futures do nothing unless polled"]
pub struct PublishMany<'a, T> {
    wait: Wait<'a, T>,
    values: &'a mut VecDeque<T>,
}

impl<T> Future for PublishMany<'_, T> {
    type Output = Result<(), PublishError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { wait, values } = self.get_mut();
        wait.poll(cx, |bus| {
            while !values.is_empty() {
                match bus.try_publish_many(values) {
                    Ok(_) => {}
                    Err(TryPublishError::Closed(())) => return Some(Err(PublishError(()))),
                    Err(TryPublishError::Full(())) => return None,
                }
            }
            Some(Ok(()))
        })
    }
}

impl<T> fmt::Debug for PublishMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishMany").finish_non_exhaustive()
    }
}
