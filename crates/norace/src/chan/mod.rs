//! Channels: values go in at any [`Sender`] and each comes out at exactly one [`Receiver`].
//!
//! One type for everything: [`bounded`] with capacity 0 (a rendezvous), 1 or n, and [`unbounded`]; both ends can be
//! cloned, and each operation exists as a future and for plain threads, in any mix on one channel. Channels work on
//! any executor; a waiting task is woken, a waiting thread sleeps, after a look of some microseconds.
//!
//! ```
//! use norace::chan;
//!
//! let (tx, rx) = chan::bounded(2);
//! let worker = std::thread::spawn(move || rx.iter().sum::<u32>());
//! norace::block_on(async {
//!     for n in 1..=4 {
//!         tx.send(n).await.expect("the worker receives");
//!     }
//! });
//! assert!(tx.close()); // Dropping the last sender closes, too.
//! assert_eq!(worker.join().expect("summing does not panic"), 10);
//! ```
//!
//! # Closing
//!
//! [`close`](Sender::close) works from both ends, is idempotent and says whether it was the first. After it every
//! send fails and gives its value back, waiting ones included; what is buffered can still be received, then receives
//! fail, as soon as no value is left that a dropped receive could give back. Dropping the last sender closes the
//! channel. So does dropping the last receiver, which also drops what is buffered.
//!
//! # Cancelling
//!
//! Futures may be dropped at any time. A send delivers its value only by completing: into a receiver, or into the
//! buffer when the sender is polled; dropped before that it delivers nothing, and [`Send::try_cancel`] gives the
//! value back. A receive that is dropped after a value was handed to it passes the value on to the next receiver, or
//! puts it back in front. At capacity 0 a send completes when a receiver is chosen; should that one give up, the
//! value goes to the next.
//!
//! A send that is one of several arms of a [`select!`](crate::select!) only offers its value until the select takes
//! that arm. At capacity 0 such an offer meets receivers that wait, but not [`try_recv`](Receiver::try_recv).
//!
//! # Batches
//!
//! [`recv_many`](Receiver::recv_many) and [`send_many`](Sender::send_many) move as many values in a step as there are,
//! or as there is room for. What is not sent stays with the caller.
//!
//! # Ends that do not count
//!
//! [`Sender::downgrade`] and [`Receiver::downgrade`] give weak ends, which keep no channel open. With the feature
//! `futures` a receiver is a `Stream` and a sender a `Sink`.
//!
//! # Order and fairness
//!
//! Values come out in the order in which they went in. Ends that wait are served in the order in which they came.
//!
//! # What happens before what
//!
//! A send happens before the receive of its value, and at capacity `C` the k-th receive before the k + C-th send
//! completes. A close, and whatever the ends did that were dropped before, happens before every call that says that the
//! channel is closed. An attempt that comes to nothing because the channel is full or empty orders nothing, and neither
//! do `len` and `is_empty`: who finds a value in the buffer has not received it.
//!
//! # When not to use it
//!
//! One answer to one question: [`oneshot`], which is lighter. One value to many readers: a broadcast.

mod core;
mod error;
#[cfg(all(test, norace))]
mod models;
pub mod oneshot;
mod recv;
mod send;
mod send_many;
mod state;
#[cfg(feature = "futures")]
mod streams;
mod timed;
mod weak;

pub use error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
pub use recv::{IntoIter, Iter, Receiver, Recv, RecvMany};
pub use send::{Send, Sender, TryCancel};
pub use send_many::SendMany;
#[cfg(feature = "futures")]
pub use streams::{RecvStream, SendSink};
pub use timed::{after, never, tick};
pub use weak::{WeakReceiver, WeakSender};

use self::core::Core;
use norace_prim::sync::Arc;

/// A channel whose buffer takes `capacity` values; with 0 each send waits for a receiver.
///
/// Memory is taken as it is needed, not in advance.
///
/// ```
/// use norace::chan::{self, TrySendError};
/// let (tx, rx) = chan::bounded(1);
/// assert_eq!(tx.try_send('a'), Ok(()));
/// assert_eq!(tx.try_send('b'), Err(TrySendError::Full('b')));
/// assert_eq!(rx.try_recv(), Ok('a'));
/// ```
#[cfg_attr(norace, track_caller)]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    with_capacity(Some(capacity))
}

/// A channel that takes every value at once. Its memory is bounded only by its receivers keeping up.
///
/// ```
/// let (tx, rx) = norace::chan::unbounded();
/// (0..1000).for_each(|n| tx.try_send(n).expect("never full"));
/// assert_eq!(rx.len(), 1000);
/// ```
#[cfg_attr(norace, track_caller)]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    with_capacity(None)
}

#[cfg_attr(norace, track_caller)]
fn with_capacity<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let core = Arc::new(Core::new(capacity));
    (Sender::new(core.clone()), Receiver::new(core))
}
