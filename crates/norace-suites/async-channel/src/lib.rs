//! The kit's channels under the names of async-channel. All that there is to do is to wrap.

use futures_core::Stream;
use norace::chan::{self, RecvStream};
pub use norace::chan::{RecvError, SendError, TryRecvError, TrySendError};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "capacity cannot be zero");
    let (tx, rx) = chan::bounded(capacity);
    (Sender { inner: tx, receiver: rx.downgrade() }, Receiver::new(rx))
}

pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let (tx, rx) = chan::unbounded();
    (Sender { inner: tx, receiver: rx.downgrade() }, Receiver::new(rx))
}

#[derive(Debug)]
pub struct Sender<T> {
    inner: chan::Sender<T>,
    /// For who sends by force.
    receiver: chan::WeakReceiver<T>,
}

impl<T> Sender<T> {
    /// Takes the oldest value out when there is no room. The kit has no forced send, so this one is two steps.
    pub fn force_send(&self, mut value: T) -> Result<Option<T>, SendError<T>> {
        let mut replaced = None;
        loop {
            match self.inner.try_send(value) {
                Ok(()) => return Ok(replaced),
                Err(TrySendError::Closed(back)) => return Err(SendError(back)),
                Err(TrySendError::Full(back)) => value = back,
            }
            assert!(replaced.is_none(), "another sender took the room that was made: two values would go for one");
            replaced = self.receiver.upgrade().and_then(|rx| rx.try_recv().ok());
        }
    }

    pub fn closed(&self) -> impl Future<Output = ()> + '_ {
        std::future::poll_fn(|_| -> Poll<()> { panic!("the kit does not wait for a close alone") })
    }

    pub fn is_full(&self) -> bool {
        self.inner.capacity() == Some(self.inner.len())
    }

    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { inner: self.inner.downgrade(), receiver: self.receiver.clone() }
    }

    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Deref for Sender<T> {
    type Target = chan::Sender<T>;

    fn deref(&self) -> &chan::Sender<T> {
        &self.inner
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), receiver: self.receiver.clone() }
    }
}

#[derive(Debug)]
pub struct Receiver<T> {
    inner: chan::Receiver<T>,
    /// Made when it is first polled as a stream.
    stream: Option<RecvStream<T>>,
}

impl<T> Receiver<T> {
    fn new(inner: chan::Receiver<T>) -> Self {
        Self { inner, stream: None }
    }

    pub fn is_full(&self) -> bool {
        self.inner.capacity() == Some(self.inner.len())
    }

    pub fn downgrade(&self) -> WeakReceiver<T> {
        WeakReceiver(self.inner.downgrade())
    }

    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Deref for Receiver<T> {
    type Target = chan::Receiver<T>;

    fn deref(&self) -> &chan::Receiver<T> {
        &self.inner
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { inner, stream } = &mut *self;
        let stream = stream.get_or_insert_with(|| inner.clone().into_stream());
        Pin::new(stream).poll_next(cx)
    }
}

#[derive(Debug)]
pub struct WeakSender<T> {
    inner: chan::WeakSender<T>,
    receiver: chan::WeakReceiver<T>,
}

impl<T> WeakSender<T> {
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let inner = self.inner.upgrade()?;
        Some(Sender { inner, receiver: self.receiver.clone() })
    }
}

#[derive(Debug)]
pub struct WeakReceiver<T>(chan::WeakReceiver<T>);

impl<T> WeakReceiver<T> {
    pub fn upgrade(&self) -> Option<Receiver<T>> {
        self.0.upgrade().map(Receiver::new)
    }
}
