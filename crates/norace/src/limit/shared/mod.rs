//! The protocol of a limit that several processes share, as two state machines without clock and socket.
//!
//! `Central` is the shared side, `Node` one process's side of one key. They exchange one kind of message: *charge
//! what I admitted, take back what I return, grant me up to this much*. The store runs `Central::exchange` as one
//! step (in Redis as a script, which a test compares with it); whoever carries the messages may lose, repeat, delay and
//! reorder them.
//!
//! # What a node may do
//!
//! | mode | it admits | it stops | it sends |
//! | --- | --- | --- | --- |
//! | delayed | up to `batch` beyond the last answer | a message is under way | a full batch; each `every` the rest |
//! | leased | what it was granted, up to `batch` | with nothing left | half is gone; what lies idle |
//!
//! # Why the bounds hold
//!
//! *Delayed, window.* Say `L` is the limit, `B` the batch, `N` the nodes. Take the first message that brings the shared
//! count to `L` or above, and the node `m` that was answered last before it. `m` knew the count, and has admitted at
//! most what was left of it. Each other node has admitted at most `B` since it was last answered, and its next answer
//! stops it. Together: at most `L + (N - 1) * B`. A crash loses at most one batch of counts, and begins a node that has
//! not been answered: `B` more for each. Nothing else enters: a repeated message is recognised by its number, a lost
//! one is sent again with the same number, and what is charged late or twice makes the count larger, never smaller.
//!
//! *Delayed, bucket.* The same holds of the level of the bucket as long as it carries debt: what was admitted is
//! charged whether or not it fits. If the level stopped at "empty" instead, each node would see the refill for
//! itself, and `N` nodes would be admitted `N` times the rate, for ever.
//!
//! *Leased, window.* Grants of a window minus returns never exceed `L`; a grant ends with its window, by the node's own
//! clock: counted from before its request was sent, hence before the store answered.
//!
//! *Leased, bucket.* Grants fit a bucket whose burst is smaller by `N * B`, and nodes hold at most `N * B`: in any time
//! no more is admitted than the whole bucket allows.
//!
//! *A store that lost its memory* is recognised by its epoch, and admits nothing until everything that was admitted
//! before would be forgotten anyway.

#[cfg(test)]
mod central;
mod gate;
mod node;
mod outage;
mod terms;

#[cfg(test)]
pub(crate) use central::Central;
#[cfg(any(feature = "redis", norace))]
pub(crate) use gate::{Gate, Passage};
#[cfg(feature = "redis")]
pub(crate) use node::Dry;
#[cfg(test)]
pub(crate) use node::Node;
pub use outage::WhenDown;
#[cfg(feature = "redis")]
pub(crate) use terms::narrow;
pub(crate) use terms::{Answer, Mode, Request, Shape, Terms};

#[cfg(test)]
mod explore;
#[cfg(all(test, norace))]
mod models;
