//! The kit's channels under the names of concurrent-queue: a queue is a channel on which nobody waits.

use norace::chan::{self, Receiver, Sender};
pub use norace::chan::{
    SendError as ForcePushError, TryRecvError as PopError, TrySendError as PushError,
};

#[derive(Debug)]
pub struct ConcurrentQueue<T> {
    tx: Sender<T>,
    rx: Receiver<T>,
}

impl<T> ConcurrentQueue<T> {
    pub fn bounded(capacity: usize) -> Self {
        assert!(capacity > 0, "capacity must be positive");
        let (tx, rx) = chan::bounded(capacity);
        Self { tx, rx }
    }

    pub fn unbounded() -> Self {
        let (tx, rx) = chan::unbounded();
        Self { tx, rx }
    }

    pub fn push(&self, value: T) -> Result<(), PushError<T>> {
        self.tx.try_send(value)
    }

    /// Takes the oldest value out when there is no room, in a step of its own.
    pub fn force_push(&self, mut value: T) -> Result<Option<T>, ForcePushError<T>> {
        let mut replaced = None;
        loop {
            match self.tx.try_send(value) {
                Ok(()) => return Ok(replaced),
                Err(PushError::Closed(back)) => return Err(ForcePushError(back)),
                Err(PushError::Full(back)) => value = back,
            }
            replaced = self.rx.try_recv().ok();
        }
    }

    pub fn pop(&self) -> Result<T, PopError> {
        self.rx.try_recv()
    }

    pub fn try_iter(&self) -> impl Iterator<Item = T> + '_ {
        std::iter::from_fn(|| self.pop().ok())
    }

    pub fn is_empty(&self) -> bool {
        self.rx.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.capacity() == Some(self.len())
    }

    pub fn len(&self) -> usize {
        self.rx.len()
    }

    pub fn capacity(&self) -> Option<usize> {
        self.rx.capacity()
    }

    pub fn close(&self) -> bool {
        self.tx.close()
    }

    pub fn is_closed(&self) -> bool {
        self.tx.is_closed()
    }
}
