//! What the journal asks of a disk: a flat directory of files.
//!
//! The trait is as thin as the promises the journal relies on, so that [`SimStorage`](crate::sim::SimStorage) can break
//! everything that is not promised:
//!
//! - Written bytes are durable once [`StorageFile::sync_data`] has returned `Ok` after the write, and so is the length
//!   they gave the file. Until then any of them may be lost, alone or with others, in units of 512 bytes.
//! - Names (created, renamed, removed) are durable once [`Storage::sync_dir`] has returned `Ok`. A rename takes effect
//!   whole or not at all.
//! - After an `Err` of a write or a sync nothing is promised about the bytes in question; asking again proves nothing.

use std::{fmt, io};

mod dir;

pub use dir::DirStorage;

/// A directory of files.
pub trait Storage: Send + Sync + 'static {
    /// An open file.
    type File: StorageFile;
    /// Keeps other processes out while it lives.
    type Lock: Send + fmt::Debug + 'static;

    /// Takes the lock named `name`, or answers `None` at once when somebody else has it.
    fn lock(&self, name: &str) -> io::Result<Option<Self::Lock>>;
    /// The names of all files, in any order. What cannot be a name of ours may be left out.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Creates `name` for reading and writing; what was in it before is gone.
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Opens `name`.
    fn open(&self, name: &str, access: Access) -> io::Result<Self::File>;
    /// Gives the file `from` the name `to`; a file that had it before is gone.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes `name`.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes all names durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// A number that no other journal has.
    fn fresh_id(&self) -> u64;
}

/// An open file. Positions are explicit, so that threads may share it.
pub trait StorageFile: Send + Sync + fmt::Debug + 'static {
    /// Writes all of `bytes` at `offset`, as one call to the system where it takes them all.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Fills `buffer` from `offset`; `UnexpectedEof` when the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Returns when all that was written is durable.
    fn sync_data(&self) -> io::Result<()>;
    /// The file's length in bytes.
    fn bytes(&self) -> io::Result<u64>;
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading alone.
    Read,
    /// Reading and writing.
    Write,
}
