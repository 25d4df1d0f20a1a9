//! A subscriber as the `futures` crates' trait knows it.

use super::error::RecvError;
use super::subscribe::{Event, Subscriber};
use futures_core::Stream;
use norace_prim::probe::Site;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Clones of the events to come, until the bus is closed and all have been received; see [`Subscriber::into_stream`].
///
/// An item is an error each time that something was lost ([`RecvError::Lagged`]), and the last one is when the
/// subscriber is disconnected ([`RecvError::Disconnected`]).
///
/// # Cancel safety
///
/// An event is received only in the poll that is ready.
#[must_use = "streams do nothing unless polled"]
pub struct EventStream<T> {
    subscriber: Subscriber<T>,
    site: Site,
    ended: bool,
}

impl<T> EventStream<T> {
    #[track_caller]
    pub(super) fn new(subscriber: Subscriber<T>) -> Self {
        Self { subscriber, site: Site::here(), ended: false }
    }

    /// The subscriber, where the stream has come to.
    pub fn into_inner(mut self) -> Subscriber<T> {
        self.subscriber.stop_waiting();
        self.subscriber
    }
}

impl<T: Clone> Stream for EventStream<T> {
    type Item = Result<T, RecvError>;

    /// # Panics
    ///
    /// When cloning does; the event is received.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Self { subscriber, site, ended } = &mut *self;
        let held = ready!(subscriber.poll_hold(cx, *site));
        *ended = matches!(held, Err(RecvError::Closed | RecvError::Disconnected(_)));
        Poll::Ready(match held {
            Ok(()) => Some(Ok(T::clone(&Event::of(subscriber)))),
            Err(RecvError::Closed) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

impl<T> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventStream").field(&self.subscriber).finish()
    }
}
