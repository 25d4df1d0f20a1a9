//! Ends that do not count: they keep no channel open, and can become ends that do while one of their kind is left.

use super::core::Core;
use super::recv::Receiver;
use super::send::Sender;
use norace_prim::sync::{Arc, Weak};
use std::fmt;

/// A [`Sender`] that does not keep the channel open; see [`Sender::downgrade`].
///
/// For who should be able to send as long as somebody else means to: a cache of senders, a task that sends to itself.
///
/// ```
/// let (tx, rx) = norace::chan::bounded(1);
/// let weak = tx.downgrade();
/// weak.upgrade().expect("a sender is left").try_send(1).expect("there is room");
/// drop(tx);
/// assert_eq!(rx.iter().collect::<Vec<_>>(), [1]); // Closed: the weak end does not count.
/// assert!(weak.upgrade().is_none());
/// ```
pub struct WeakSender<T> {
    core: Weak<Core<T>>,
}

impl<T> WeakSender<T> {
    pub(super) fn new(core: &Arc<Core<T>>) -> Self {
        Self { core: Arc::downgrade(core) }
    }

    /// A sender, unless the last one is gone. The channel may have been closed by [`close`](Sender::close).
    #[cfg_attr(norace, track_caller)]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let core = self.core.upgrade()?;
        core.revive_sender().then(|| Sender::new(core))
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone() }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

/// A [`Receiver`] that does not keep the channel open; see [`Receiver::downgrade`].
///
/// ```
/// let (tx, rx) = norace::chan::bounded::<u8>(1);
/// let weak = rx.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(rx);
/// assert!(weak.upgrade().is_none() && tx.is_closed());
/// ```
pub struct WeakReceiver<T> {
    core: Weak<Core<T>>,
}

impl<T> WeakReceiver<T> {
    pub(super) fn new(core: &Arc<Core<T>>) -> Self {
        Self { core: Arc::downgrade(core) }
    }

    /// A receiver, unless the last one is gone. The channel may have been closed.
    #[cfg_attr(norace, track_caller)]
    pub fn upgrade(&self) -> Option<Receiver<T>> {
        let core = self.core.upgrade()?;
        core.revive_receiver().then(|| Receiver::new(core))
    }
}

impl<T> Clone for WeakReceiver<T> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone() }
    }
}

impl<T> fmt::Debug for WeakReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakReceiver").finish_non_exhaustive()
    }
}
