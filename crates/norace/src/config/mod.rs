//! A value that many read and few replace: configuration, routing tables, feature switches.
//!
//! A [`Hot`] holds the current version of a `T`. Publishing replaces the whole value, so that nobody sees half of a
//! change, and gives it the next version. A [`Reader`] reads at the cost of one atomic load; whoever reads now and then
//! uses [`Hot::load`]. Works on any executor and on plain threads.
//!
//! ```
//! use norace::config::Hot;
//!
//! struct Limits { connections: usize, body_bytes: usize }
//!
//! let hot = Hot::new(Limits { connections: 100, body_bytes: 1 << 20 });
//! let mut reader = hot.reader(); // One for each thread or task that reads often.
//! assert_eq!(reader.get().connections, 100);
//!
//! let Ok(version) = hot.publish(Limits { connections: 200, body_bytes: 1 << 20 });
//! assert_eq!((version, reader.get().connections), (2, 200));
//!
//! // Only if nobody else has published since.
//! let late = Limits { connections: 300, ..Limits { connections: 0, body_bytes: 1 } };
//! assert!(hot.compare_publish(1, late).is_err());
//! ```
//!
//! # When to use it, and when not
//!
//! For values that are read far more often than they change and are replaced as a whole. Not for a counter
//! (an atomic), not for state that each request changes (a mutex, or one owner behind a channel), and not to tell every
//! reader of every change: readers see the newest value and may skip some.
//!
//! # Cost
//!
//! | | |
//! | --- | --- |
//! | [`Reader::get`], nothing new | one atomic load, no allocation; wait-free |
//! | [`Reader::get`] after a publication | a [`Hot::load`] and a reference count |
//! | [`Hot::load`] and its end | two atomic exchanges on a line that the thread shares with few others, no allocation |
//! | publishing | one or two allocations, a lock among publishers, a look at 64 slots |
//!
//! [`Hot::load`] waits for no other reader. It takes the publishers' lock, which they hold for the few
//! instructions of the exchange itself, when publications got between its steps four times in a row, or when the
//! threads of its line hold eight [`Loaded`] of this value already.
//!
//! # What lives how long
//!
//! A value that was replaced is dropped when nothing holds it: no [`Loaded`], no [`Snapshot`], not the history, if
//! there is one, and no [`Reader`] that has not read since. So a reader keeps at most one former version; one that will
//! not read for long is better dropped and made anew. The drop runs on whatever thread let go last.
//!
//! # Order
//!
//! Publishing happens before every read that gives that version or a later one. Who has read a version, or was told of
//! it through any synchronisation, never reads an older one afterwards, neither by a loan nor by a cached reader.
//!
//! # Cancel safety
//!
//! Reading and publishing are no futures. Waiting for a change may be given up at any time: the next wait tells of it.
//!
//! # Parts
//!
//! A check of each new value against the one in force, and a history to roll back to: [`Builder`]. Waiting for a change
//! of one part: [`Hot::subscribe`]. A file that is followed: [`file`](mod@file).

mod changes;
mod error;
pub mod file;
mod hot;
#[cfg(all(test, norace))]
mod models;
mod publish;
mod reader;
mod shared;
mod snapshot;
#[cfg(all(test, not(norace)))]
mod tests;

pub use changes::{Changed, Changes};
pub use error::{Closed, CompareError, RollbackError, Stale};
pub use hot::{Builder, Hot};
pub use reader::{Loaded, Reader};
pub use snapshot::Snapshot;
