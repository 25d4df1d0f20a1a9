//! A write-ahead journal: checksummed frames, zero-filled segments, one sync per append, recovery.
//!
//! It keeps opaque payloads in order and durable. [`Journal::append`] returns when its frame is on disk: one write, one
//! `fdatasync`. [`Journal::open`] hands back every acknowledged frame, or says which segment and offset is damaged; it
//! never guesses. What it asks of a disk is the trait [`Storage`](storage::Storage):
//! [`DirStorage`](storage::DirStorage) is a directory, [`SimStorage`](sim::SimStorage) a disk in memory that loses,
//! tears and reorders what it was not told to sync.
//!
//! ```
//! use norace_journal::{Journal, Options, sim::SimStorage};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let disk = SimStorage::new(42);
//! let ignore = |_: norace_journal::RecoveredFrame<'_>| Ok::<(), std::convert::Infallible>(());
//! let (mut journal, report) = Journal::open(disk.clone(), Options::small(16), ignore)?;
//! assert_eq!(report.last_sequence, 0);
//! journal.append(1, 2, b"two records")?;
//! journal.append(3, 1, b"one more")?;
//! drop(journal);
//!
//! disk.crash();
//! let mut found = Vec::new();
//! let (journal, report) = Journal::open(disk, Options::small(16), |frame| {
//!     found.push((frame.first_sequence, frame.payload.to_vec()));
//!     Ok::<(), std::convert::Infallible>(())
//! })?;
//! assert_eq!(found, [(1, b"two records".to_vec()), (3, b"one more".to_vec())]);
//! assert_eq!(report.last_sequence, 3);
//! journal.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! **Invariants.** Acknowledged frames are found again, whole and in order, or opening fails. Nothing is found that was
//! not appended. At most one frame that was not acknowledged is found, as the last. After the first failed write or
//! sync nothing is acknowledged any more. The limit, by design: damage to the very last frame looks like a torn write
//! until something vouches for the frame, the next frame, a seal or a roll; see [`Journal::seal`].
//!
//! The format is described byte by byte in `format.rs`, and for operators in `docs/design/journal.md`.

#![forbid(unsafe_code)]

mod error;
mod format;
mod journal;
mod names;
mod options;
mod reader;
mod recover;
mod room;
mod scan;
mod segment;
pub mod sim;
pub mod storage;
mod suspect;
mod window;

pub use error::{AppendError, Corruption, Damage, FileError, FindError, OpenError, ReadError};
pub use format::{FIRST_SEQUENCE, PAGE_BYTES};
pub use journal::Journal;
pub use options::{Options, Prepare};
pub use reader::Reader;
pub use recover::{RecoveredFrame, RecoveryReport, read_only};
pub use room::{NoRoom, RoomHandle};
