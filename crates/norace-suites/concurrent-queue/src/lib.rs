//! The kit's channels under the names of concurrent-queue: a queue is a channel on which nobody waits.

use norace::chan::{self, Receiver, Sender};
use std::sync::RwLock;
pub use norace::chan::{
    SendError as ForcePushError, TryRecvError as PopError, TrySendError as PushError,
};

#[derive(Debug)]
pub struct ConcurrentQueue<T> {
    tx: Sender<T>,
    rx: Receiver<T>,
    /// Shared by who pushes or pops. A forced push, which may do both, has it alone: in between nobody finds a value
    /// gone or the room that it has made.
    alone: RwLock<()>,
}

impl<T> ConcurrentQueue<T> {
    pub fn bounded(capacity: usize) -> Self {
        assert!(capacity > 0, "capacity must be positive");
        let (tx, rx) = chan::bounded(capacity);
        Self { tx, rx, alone: RwLock::new(()) }
    }

    pub fn unbounded() -> Self {
        let (tx, rx) = chan::unbounded();
        Self { tx, rx, alone: RwLock::new(()) }
    }

    pub fn push(&self, value: T) -> Result<(), PushError<T>> {
        let _shared = self.alone.read().unwrap();
        self.tx.try_send(value)
    }

    /// Takes the oldest value out when there is no room.
    pub fn force_push(&self, value: T) -> Result<Option<T>, ForcePushError<T>> {
        let _alone = self.alone.write().unwrap();
        let (value, replaced) = match self.tx.try_send(value) {
            Err(PushError::Full(value)) => (value, self.rx.try_recv().ok()),
            Err(PushError::Closed(value)) => return Err(ForcePushError(value)),
            Ok(()) => return Ok(None),
        };
        match self.tx.try_send(value) {
            Ok(()) => Ok(replaced),
            Err(error) => Err(ForcePushError(error.into_inner())),
        }
    }

    pub fn pop(&self) -> Result<T, PopError> {
        let _shared = self.alone.read().unwrap();
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
