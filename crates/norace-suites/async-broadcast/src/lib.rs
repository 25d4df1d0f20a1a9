//! The kit's bus with the rules of async-broadcast: it is closed when the last receiver goes, one that is inactive
//! counts among them, and who sends waits until one is active.
//!
//! Whether the oldest is overwritten is a matter of each receiver and its clones here, not of the channel.

mod error;

pub use error::{RecvError, SendError, TryRecvError, TrySendError};

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use norace::bus::{Bus, Policy, Start, Subscriber, TryPublishError, WeakBus};

pub fn broadcast<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let bus = Bus::new(capacity.next_power_of_two());
    let subscriber = bus.subscribe(Policy::Block, Start::Tail);
    let waiting = Arc::new(Mutex::new(Vec::new()));
    let channel = Arc::new(Channel { bus: bus.downgrade(), waiting: waiting.clone() });
    (Sender { bus, waiting }, Receiver { subscriber, channel })
}

/// Who waits until a receiver is active.
type Waiting = Arc<Mutex<Vec<Waker>>>;

/// What receivers have, inactive ones too.
struct Channel<T> {
    bus: WeakBus<T>,
    waiting: Waiting,
}

impl<T> Channel<T> {
    fn wake(&self) {
        let waiting = mem::take(&mut *self.waiting.lock().unwrap());
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<T> Drop for Channel<T> {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.upgrade() {
            bus.close();
        }
        self.wake();
    }
}

pub struct Sender<T> {
    bus: Bus<T>,
    waiting: Waiting,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { bus: self.bus.clone(), waiting: self.waiting.clone() }
    }
}

impl<T> Sender<T> {
    pub fn is_closed(&self) -> bool {
        self.bus.is_closed()
    }

    /// The one step that the kit does not have: between the look at the receivers and the publication one may come or
    /// go.
    fn is_inactive(&self) -> bool {
        self.bus.subscriber_count() == 0 && !self.is_closed()
    }

    pub fn try_broadcast(&self, value: T) -> Result<Option<T>, TrySendError<T>> {
        if self.is_inactive() {
            return Err(TrySendError::Inactive(value));
        }
        match self.bus.try_publish(value) {
            Ok(_) => Ok(None),
            Err(TryPublishError::Full(value)) => Err(TrySendError::Full(value)),
            Err(TryPublishError::Closed(value)) => Err(TrySendError::Closed(value)),
        }
    }

    pub async fn broadcast(&self, value: T) -> Result<Option<T>, SendError<T>> {
        poll_fn(|cx| {
            let mut waiting = self.waiting.lock().unwrap();
            if self.is_inactive() {
                waiting.push(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        let published = self.bus.publish(value).await;
        published.map(|_| None).map_err(|error| SendError(error.0))
    }

    pub fn broadcast_blocking(&self, value: T) -> Result<Option<T>, SendError<T>> {
        norace::block_on(self.broadcast(value))
    }
}

pub struct Receiver<T> {
    subscriber: Subscriber<T>,
    channel: Arc<Channel<T>>,
}

/// A clone gets what this one has still to get.
impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self { subscriber: self.subscriber.fork(), channel: self.channel.clone() }
    }
}

impl<T> Receiver<T> {
    pub fn set_overflow(&mut self, overflow: bool) {
        let policy = if overflow { Policy::DropOldest } else { Policy::Block };
        let start = Start::At(self.subscriber.position());
        if let Some(bus) = self.channel.bus.upgrade() {
            self.subscriber = bus.subscribe(policy, start);
        }
    }

    pub fn set_capacity(&mut self, capacity: usize) {
        panic!("a ring that was made cannot be made {capacity} long");
    }

    pub fn deactivate(self) -> InactiveReceiver<T> {
        InactiveReceiver { channel: self.channel }
    }
}

impl<T: Clone> Receiver<T> {
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.subscriber.try_recv().map_err(TryRecvError::from)
    }

    pub async fn recv(&mut self) -> Result<T, RecvError> {
        self.subscriber.recv().await.map_err(RecvError::from)
    }

    pub fn recv_blocking(&mut self) -> Result<T, RecvError> {
        self.subscriber.recv_blocking().map_err(RecvError::from)
    }

    pub fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, RecvError>>> {
        let mut recv = self.subscriber.recv();
        let polled = Pin::new(&mut recv).poll(cx);
        if polled.is_pending() {
            // Dropped, it would take its waker back. So the subscriber does, if it is not woken before.
            mem::forget(recv);
            return Poll::Pending;
        }
        polled.map(|received| match received.map_err(RecvError::from) {
            Err(RecvError::Closed) => None,
            other => Some(other),
        })
    }
}

impl<T: Clone> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            match ready!(self.as_mut().poll_recv(cx)) {
                Some(Ok(value)) => return Poll::Ready(Some(value)),
                Some(Err(_)) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

pub struct InactiveReceiver<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Clone for InactiveReceiver<T> {
    fn clone(&self) -> Self {
        Self { channel: self.channel.clone() }
    }
}

impl<T> InactiveReceiver<T> {
    pub fn activate(self) -> Receiver<T> {
        self.activate_cloned()
    }

    pub fn activate_cloned(&self) -> Receiver<T> {
        let bus = self.channel.bus.upgrade().expect("a sender");
        let subscriber = bus.subscribe(Policy::Block, Start::Tail);
        self.channel.wake();
        Receiver { subscriber, channel: self.channel.clone() }
    }
}
