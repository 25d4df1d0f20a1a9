//! `tokio::sync::broadcast`.

use std::future::{poll_fn, Future};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use norace::bus::{self, Bus, Policy, Start, Subscriber, WeakBus};

pub mod error {
    //! Errors, as tokio has them.

    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    pub struct SendError<T>(pub T);

    #[derive(Debug, PartialEq, Eq, Clone)]
    pub enum RecvError {
        Closed,
        Lagged(u64),
    }

    #[derive(Debug, PartialEq, Eq, Clone)]
    pub enum TryRecvError {
        Empty,
        Closed,
        Lagged(u64),
    }
}

use error::{RecvError, SendError, TryRecvError};

/// Who waits until there is no receiver.
type Waiting = Arc<Mutex<Vec<Waker>>>;

#[derive(Debug)]
pub struct Sender<T> {
    bus: Bus<T>,
    waiting: Waiting,
}

#[derive(Debug)]
pub struct WeakSender<T> {
    bus: WeakBus<T>,
    waiting: Waiting,
}

#[derive(Debug)]
pub struct Receiver<T> {
    /// Always there, until it is dropped.
    subscriber: Option<Subscriber<T>>,
    bus: WeakBus<T>,
    waiting: Waiting,
}

pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}

impl<T> Sender<T> {
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0 && capacity <= usize::MAX >> 1, "no capacity: {capacity}");
        let bus = Bus::new(capacity.next_power_of_two());
        Self { bus, waiting: Waiting::default() }
    }

    /// The one step that the kit does not have: between the look at the receivers and the publication one may come or
    /// go.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let receivers = self.bus.subscriber_count();
        if receivers == 0 {
            return Err(SendError(value));
        }
        self.bus.publish_blocking(value).map_err(|error| SendError(error.0))?;
        Ok(receivers)
    }

    pub fn subscribe(&self) -> Receiver<T> {
        Receiver {
            subscriber: Some(self.bus.subscribe(Policy::DropOldest, Start::Tail)),
            bus: self.bus.downgrade(),
            waiting: self.waiting.clone(),
        }
    }

    /// What one receiver has still to get, as far as it is there.
    pub fn len(&self) -> usize {
        let depths = self.bus.metrics().subscribers.into_iter().map(|it| it.depth);
        let depth = usize::try_from(depths.max().unwrap_or(0)).unwrap_or(usize::MAX);
        depth.min(self.bus.capacity())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn receiver_count(&self) -> usize {
        self.bus.subscriber_count()
    }

    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { bus: self.bus.downgrade(), waiting: self.waiting.clone() }
    }

    pub fn closed(&self) -> impl Future<Output = ()> + '_ {
        poll_fn(|cx| {
            let mut waiting = self.waiting.lock().unwrap();
            if self.bus.subscriber_count() == 0 {
                return Poll::Ready(());
            }
            waiting.push(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { bus: self.bus.clone(), waiting: self.waiting.clone() }
    }
}

impl<T> WeakSender<T> {
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let bus = self.bus.upgrade()?;
        Some(Sender { bus, waiting: self.waiting.clone() })
    }
}

impl<T> Receiver<T> {
    fn subscriber(&mut self) -> &mut Subscriber<T> {
        self.subscriber.as_mut().unwrap()
    }

    pub fn len(&self) -> usize {
        usize::try_from(self.subscriber.as_ref().unwrap().depth()).unwrap()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn is_closed(&self) -> bool {
        self.subscriber.as_ref().unwrap().is_closed()
    }

    /// A receiver of what is to come.
    pub fn resubscribe(&self) -> Self {
        let old = self.subscriber.as_ref().unwrap();
        let subscriber = match self.bus.upgrade() {
            Some(bus) => bus.subscribe(Policy::DropOldest, Start::Tail),
            // Nothing is to come.
            None => {
                let mut fork = old.fork();
                while !matches!(fork.try_next(), Err(bus::TryRecvError::Closed)) {}
                fork
            }
        };
        let (bus, waiting) = (self.bus.clone(), self.waiting.clone());
        Self { subscriber: Some(subscriber), bus, waiting }
    }
}

impl<T: Clone> Receiver<T> {
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.subscriber().try_recv().map_err(|error| match error {
            bus::TryRecvError::Empty => TryRecvError::Empty,
            bus::TryRecvError::Lagged(missed) => TryRecvError::Lagged(missed),
            _ => TryRecvError::Closed,
        })
    }

    pub async fn recv(&mut self) -> Result<T, RecvError> {
        self.subscriber().recv().await.map_err(of)
    }

    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        self.subscriber().recv_blocking().map_err(of)
    }
}

fn of(error: bus::RecvError) -> RecvError {
    match error {
        bus::RecvError::Lagged(missed) => RecvError::Lagged(missed),
        _ => RecvError::Closed,
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        drop(self.subscriber.take());
        if self.bus.upgrade().is_some_and(|bus| bus.subscriber_count() > 0) {
            return;
        }
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap());
        waiting.into_iter().for_each(Waker::wake);
    }
}
