//! Ends as the `futures` crates' traits know them.

use super::error::SendError;
use super::recv::{self, Receiver, cancel_receive, poll_receive};
use super::send::{self, Sender, cancel_send, poll_send};
use futures_core::Stream;
use futures_sink::Sink;
use norace_prim::probe::Site;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The values to come, until the channel is closed and every one has been received; see [`Receiver::into_stream`].
///
/// # Cancel safety
///
/// Not awaiting `next()` to its end loses nothing: a value that was handed to the stream is its next item. Until it is
/// polled again, or dropped, nobody else receives that value.
#[must_use = "streams do nothing unless polled"]
pub struct RecvStream<T> {
    receiver: Receiver<T>,
    site: Site,
    stage: recv::Stage,
}

impl<T> RecvStream<T> {
    #[track_caller]
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self { receiver, site: Site::here(), stage: recv::Stage::New }
    }

    /// The receiver; a value that was handed to the stream goes to the next receiver or back to the front.
    pub fn into_inner(self) -> Receiver<T> {
        self.receiver.clone()
    }
}

impl<T> Stream for RecvStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { receiver, site, stage } = &mut *self;
        let item = ready!(poll_receive(&receiver.core, *site, stage, cx, |value, _, _| value));
        *stage = recv::Stage::New;
        Poll::Ready(item.ok())
    }
}

impl<T> Drop for RecvStream<T> {
    fn drop(&mut self) {
        cancel_receive(&self.receiver.core, self.site, &self.stage);
    }
}

impl<T> fmt::Debug for RecvStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvStream").field(&self.receiver).finish()
    }
}

/// Takes values one at a time; see [`Sender::into_sink`].
///
/// It holds one value beside the channel's own room: the one that is being sent. Flushing waits until that is sent, as
/// does asking whether it is ready for the next. Closing it flushes and drops its sender; that closes the channel if no
/// other sender is left.
///
/// # Cancel safety
///
/// A flush that is not awaited to its end goes on with the next one. Dropping the sink drops the value that it holds,
/// which is then never delivered, unless a receiver has taken it already.
///
/// # Errors
///
/// [`SendError`] with the value that was not sent when the channel is closed, and from then on.
///
/// # Panics
///
/// When a value is given to it before it said that it is ready, or after it was closed.
#[must_use = "sinks do nothing unless polled"]
pub struct SendSink<T> {
    /// `None` once it was closed.
    sender: Option<Sender<T>>,
    site: Site,
    stage: send::Stage<T>,
}

impl<T> SendSink<T> {
    #[track_caller]
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self { sender: Some(sender), site: Site::here(), stage: send::Stage::Sent }
    }

    /// Whether nothing is being sent; waits until it is so.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let Some(sender) = &self.sender else { return Poll::Ready(Ok(())) };
        match self.stage {
            send::Stage::Sent | send::Stage::Failed => Poll::Ready(Ok(())),
            _ => poll_send(&sender.core, self.site, &mut self.stage, cx),
        }
    }
}

// Nothing is pinned: a value that waits is in the core.
impl<T> Unpin for SendSink<T> {}

impl<T> Sink<T> for SendSink<T> {
    type Error = SendError<T>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_sent(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, value: T) -> Result<(), Self::Error> {
        let sender = self.sender.as_ref().expect("a sink takes nothing after it was closed");
        if sender.core.is_closed_at(self.site) {
            sender.core.refused_send(self.site);
            return Err(SendError(value));
        }
        match self.stage {
            send::Stage::Sent | send::Stage::Failed => self.stage = send::Stage::New(value),
            _ => panic!("a sink was given a value before it was ready for it"),
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_sent(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        ready!(self.poll_sent(cx))?;
        self.sender = None;
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for SendSink<T> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            let stage = std::mem::replace(&mut self.stage, send::Stage::Failed);
            drop(cancel_send(&sender.core, self.site, stage));
        }
    }
}

impl<T> fmt::Debug for SendSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendSink").field(&self.sender).finish()
    }
}

#[cfg(all(test, norace))]
mod models;
