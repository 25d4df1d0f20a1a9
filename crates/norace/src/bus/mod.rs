//! A broadcast bus: every event goes to every subscriber, in one order, through one ring of slots.
//!
//! Any number of publishers, each a [`Bus`]; any number of [`Subscriber`]s, which come and go at run time, start with
//! the oldest event, the next one or a given sequence, and say each for itself what happens when they are slow
//! ([`Policy`]). Events are read in their slots, by reference; nothing is cloned or allocated per event, unless you
//! ask for a clone. Each operation exists as a future, for threads that sleep, and for threads that spin, in any mix
//! on one bus and on any executor.
//!
//! ```
//! use norace::bus::{Bus, Event, Policy, RecvError, Start};
//!
//! let bus = Bus::new(4);
//! let mut ledger = bus.subscribe(Policy::Block, Start::Tail);
//! let mut screen = bus.subscribe(Policy::DropOldest, Start::Tail);
//! norace::block_on(async {
//!     for n in 0..4 {
//!         bus.publish(n).await?;
//!     }
//!     while let Ok(event) = ledger.try_next() {
//!         println!("{}: {}", Event::sequence(&event), *event);
//!     }
//!     // The ledger has room again. The screen, which has not looked, is overtaken and says by how much.
//!     bus.publish(4).await?;
//!     assert_eq!(screen.recv().await, Err(RecvError::Lagged(1)));
//!     assert_eq!(screen.recv().await, Ok(1));
//!     Ok::<_, norace::bus::PublishError<i32>>(())
//! })
//! # .unwrap();
//! ```
//!
//! # When to use it, and when not
//!
//! For one stream of events that several parties follow: events of an engine, ticks, notices of change. Not for work
//! that one of several takes: that is a [channel](crate::chan). Not for a state of which only the latest value counts.
//!
//! # Policies
//!
//! | policy | when it is a whole ring behind | it costs others |
//! | --- | --- | --- |
//! | [`Block`](Policy::Block) | publishers wait, or are refused | room |
//! | [`DropOldest`](Policy::DropOldest) | loses what is overwritten, and learns how much | nothing |
//! | [`DropNewest`](Policy::DropNewest) | gets the next `keep`, loses what came meanwhile | nothing |
//! | [`Disconnect`](Policy::Disconnect) | is ended | nothing |
//!
//! A subscriber that does not block, and stalls, is noticed by nobody. While it holds an event, that slot is skipped:
//! the value that should have gone there gets the next sequence, and the one skipped is *void*. Subscribers pass over
//! void sequences and count them ([`Subscriber::skipped`]); nothing is lost with them.
//!
//! The counts are exact: each sequence between a subscriber's start and its position was received, missed or skipped.
//!
//! # Order
//!
//! Sequences are given out one after the other, and each subscriber sees its events by rising sequence. A publication
//! happens before every reception of its event; what is received from a closed bus is followed by `Closed` only after
//! every publication that was begun before the close. With a subscriber that blocks, on a ring of `C` slots, its
//! reception of sequence `s` happens before the publication of `s + C`.
//!
//! # Cost
//!
//! Memory: the ring, allocated once, and a few words per subscriber and per wait. Values live until they are
//! overwritten or the bus is gone: what a value holds on to, it holds for a lap.
//!
//! Publishing: one compare-and-exchange for a batch or a single event, one store for each event, one look whether
//! somebody sleeps; one more compare-and-exchange for each event while there are subscribers that do not block. Once
//! in a lap a lock and a look at all positions; for nearly each publication where a subscriber that blocks is nearly a
//! lap behind. Receiving: one load for a subscriber that blocks, two atomic steps for
//! others. Nobody takes a lock but for sleeping, waking sleepers, joining and leaving.
//!
//! # Closing
//!
//! [`Bus::close`], or dropping the last [`Bus`], closes: publications fail and give their value back, waiting ones
//! included; subscribers receive what there is, then [`RecvError::Closed`]. A bus without subscribers takes events all
//! the same: who subscribes later with [`Start::Oldest`] finds the last of them.
//!
//! # Cancelling
//!
//! Futures may be dropped at any time: a publication that was not ready has published nothing, a reception has received
//! nothing.
//!
//! # Panics
//!
//! A closure that panics while it fills a slot leaves that sequence void, and the bus goes on. A closure that panics
//! while it handles an event has received it. The panic goes on to the caller.
//!
//! # Where it comes from
//!
//! The LMAX Disruptor's ring, with readers that come and go. How it works, and why two buffers that are swapped by
//! pointer would lose events, is told in `docs/design/bus.md`; the protocol itself, step by step, at the head of
//! `raw/bus.rs`.

mod bell;
mod error;
mod metrics;
#[cfg(all(test, norace))]
mod models;
mod policy;
mod publish;
mod shared;
#[cfg(feature = "futures")]
mod stream;
mod subscribe;

pub use error::{PublishError, RecvError, TryPublishError, TryRecvError};
pub use metrics::{BusMetrics, SubscriberMetrics};
pub use policy::{Policy, Start};
pub use publish::{Bus, Publish, PublishMany, WeakBus};
#[cfg(feature = "futures")]
pub use stream::EventStream;
pub use subscribe::{Drain, Event, Next, Recv, Subscriber};
