//! The kit's channels under the names of crossbeam-channel.
//!
//! crossbeam's `Select` has two phases: it chooses an operation, which is then completed with a value. The kit has one.
//! So what goes through a channel here is a packet, and one that was sent by a select is empty until the operation is
//! completed. Everything else is a change of names.

mod error;
mod macros;
mod packet;
mod receiver;
mod select;
mod sender;

pub use error::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError,
};
pub use receiver::{IntoIter, Iter, Receiver, TryIter};
#[doc(hidden)]
pub use select::MacroSelect;
pub use select::{Select, SelectedOperation};
pub use sender::Sender;

use norace::chan;
use std::time::{Duration, Instant};

pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (tx, rx) = chan::bounded(capacity);
    (Sender::new(tx), Receiver::of_packets(rx))
}

pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let (tx, rx) = chan::unbounded();
    (Sender::new(tx), Receiver::of_packets(rx))
}

pub fn after(duration: Duration) -> Receiver<Instant> {
    Receiver::of_values(chan::after(duration))
}

pub fn at(when: Instant) -> Receiver<Instant> {
    after(when.saturating_duration_since(Instant::now()))
}

pub fn tick(duration: Duration) -> Receiver<Instant> {
    Receiver::of_values(chan::tick(duration))
}

pub fn never<T>() -> Receiver<T> {
    Receiver::of_values(chan::never())
}
