//! The futures of a subscriber.

use super::{Event, Subscriber};
use crate::bus::RecvError;
use norace_prim::probe::Site;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The future of [`Subscriber::next`].
#[must_use = "futures do nothing unless polled"]
pub struct Next<'a, T> {
    /// Gone when it is ready.
    subscriber: Option<&'a mut Subscriber<T>>,
    site: Site,
    waits: bool,
}

impl<'a, T> Next<'a, T> {
    pub(super) fn new(subscriber: &'a mut Subscriber<T>, site: Site) -> Self {
        Self { subscriber: Some(subscriber), site, waits: false }
    }

    /// Gives the subscriber back when it holds an event.
    fn poll_held(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<&'a mut Subscriber<T>, RecvError>> {
        let subscriber = self.subscriber.as_mut().expect("polled until it is ready");
        let polled = subscriber.poll_hold(cx, self.site);
        self.waits = polled.is_pending();
        let held = ready!(polled);
        let subscriber = self.subscriber.take().expect("it was there just now");
        Poll::Ready(held.map(|()| subscriber))
    }
}

impl<'a, T> Future for Next<'a, T> {
    type Output = Result<Event<'a, T>, RecvError>;

    /// # Panics
    ///
    /// When it was ready before.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().poll_held(cx).map_ok(Event::of)
    }
}

impl<T> Drop for Next<'_, T> {
    fn drop(&mut self) {
        if let Some(subscriber) = self.subscriber.as_mut().filter(|_| self.waits) {
            subscriber.stop_waiting();
        }
    }
}

impl<T> fmt::Debug for Next<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

/// The future of [`Subscriber::recv`].
#[must_use = "futures do nothing unless polled"]
pub struct Recv<'a, T> {
    next: Next<'a, T>,
}

impl<'a, T> Recv<'a, T> {
    pub(super) fn new(next: Next<'a, T>) -> Self {
        Self { next }
    }
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    /// # Panics
    ///
    /// When it was ready before, or cloning panics.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let next = Pin::new(&mut self.get_mut().next);
        next.poll(cx).map_ok(|event| T::clone(&event))
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").finish_non_exhaustive()
    }
}

/// The future of [`Subscriber::drain`].
#[must_use = "futures do nothing unless polled"]
pub struct Drain<'a, T, F> {
    next: Next<'a, T>,
    max: usize,
    each: F,
}

impl<'a, T, F> Drain<'a, T, F> {
    pub(super) fn new(subscriber: &'a mut Subscriber<T>, site: Site, max: usize, each: F) -> Self {
        Self { next: Next::new(subscriber, site), max, each }
    }
}

impl<T, F: FnMut(u64, &T)> Future for Drain<'_, T, F> {
    type Output = Result<usize, RecvError>;

    /// # Panics
    ///
    /// When it was ready before, or the closure panics.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { next, max, each } = self.get_mut();
        if *max == 0 {
            return Poll::Ready(Ok(0));
        }
        let subscriber = match ready!(next.poll_held(cx)) {
            Ok(subscriber) => subscriber,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let drained = subscriber.try_drain(*max, each);
        Poll::Ready(Ok(drained.expect("one event is held")))
    }
}

// The closure is never pinned.
impl<T, F> Unpin for Drain<'_, T, F> {}

impl<T, F> fmt::Debug for Drain<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("max", &self.max).finish_non_exhaustive()
    }
}
