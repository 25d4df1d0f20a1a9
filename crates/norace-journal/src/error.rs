//! What can go wrong, one type per operation.

use std::{error::Error, fmt, io};

use norace_prim::sync::Arc;

/// Something that was acknowledged is no longer as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corruption {
    /// Index of the segment.
    pub segment: u64,
    /// Where in the segment, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub what: Damage,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {} at offset {}: {}", self.segment, self.offset, self.what)
    }
}

impl Error for Corruption {}

/// The kinds of damage recovery tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// A segment that must exist does not.
    MissingSegment,
    /// The file is not as long as its header says.
    WrongLength {
        /// What the header says; 0 when it is cut off.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The segment header is damaged.
    SegmentHeader,
    /// The segment was written by another format version.
    Version {
        /// That version.
        found: u32,
    },
    /// The segment belongs to another journal.
    ForeignSegment,
    /// The segment carries another segment's index.
    Renumbered {
        /// The index in its header.
        found: u64,
    },
    /// The segment does not begin where the one before it ended.
    Discontinued,
    /// No frame header where one must be.
    FrameHeader,
    /// A frame whose payload does not match its checksum.
    Payload,
    /// A frame of this journal that was written for another place.
    Misplaced,
    /// A frame that reaches beyond what a segment can hold.
    Length,
    /// A frame that does not continue the frame before it.
    Chain,
    /// A frame whose sequence is not the next one.
    Sequence {
        /// The next one.
        expected: u64,
        /// The frame's.
        found: u64,
    },
    /// The segment ends without a roll frame although a later one was begun.
    MissingRoll,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingSegment => f.write_str("the segment is missing"),
            Self::WrongLength { expected, found } => {
                write!(f, "the file has {found} bytes instead of {expected}")
            }
            Self::SegmentHeader => f.write_str("the segment header is damaged"),
            Self::Version { found } => write!(f, "format version {found} is not known"),
            Self::ForeignSegment => f.write_str("the segment belongs to another journal"),
            Self::Renumbered { found } => write!(f, "the segment was written as number {found}"),
            Self::Discontinued => f.write_str("the segment does not continue the one before it"),
            Self::FrameHeader => f.write_str("a frame header is damaged or missing"),
            Self::Payload => f.write_str("a frame's payload does not match its checksum"),
            Self::Misplaced => f.write_str("a frame was written for another place"),
            Self::Length => f.write_str("a frame reaches beyond its segment"),
            Self::Chain => f.write_str("a frame does not continue the one before it"),
            Self::Sequence { expected, found } => {
                write!(f, "a frame begins at sequence {found} instead of {expected}")
            }
            Self::MissingRoll => f.write_str("the segment ends early though a later one was begun"),
        }
    }
}

/// An operation on a file that the storage refused.
#[derive(Debug)]
pub struct FileError {
    /// What was tried, as an infinitive: "sync".
    pub tried: &'static str,
    /// On which file.
    pub file: String,
    /// The storage's answer.
    pub source: io::Error,
}

/// What [`FileError::tried`] says of a directory.
pub(crate) const SYNC_DIRECTORY: &str = "sync the directory of";

impl FileError {
    /// Whether it is a failed write or sync, after which the system's cache is not to be believed.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self.tried, "write" | "sync")
    }

    /// Whether it says that there is no room, on the disk or among the open files, which passes, and not that the
    /// storage is broken, which does not. A failed sync of the directory is never the former: the name may be lost
    /// although the next one succeeds.
    pub(crate) fn is_full(&self) -> bool {
        let full =
            matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        (full && self.tried != SYNC_DIRECTORY) || self.is_out_of_files()
    }

    /// Whether a file or directory was not even opened, because the process or the machine has too many open: whatever
    /// was tried, nothing was done.
    fn is_out_of_files(&self) -> bool {
        const ENFILE: i32 = 23;
        const EMFILE: i32 = 24;
        cfg!(unix) && matches!(self.source.raw_os_error(), Some(ENFILE | EMFILE))
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.tried, self.file, self.source)
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Gives an [`io::Error`] the operation and the file it belongs to.
pub(crate) trait Tried<T> {
    fn tried(self, tried: &'static str, file: &str) -> Result<T, FileError>;
}

impl<T> Tried<T> for io::Result<T> {
    fn tried(self, tried: &'static str, file: &str) -> Result<T, FileError> {
        self.map_err(|source| FileError { tried, file: file.to_owned(), source })
    }
}

/// Why a journal could not be opened. Nothing was appended.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError<E> {
    /// The options contradict each other; the text says how.
    Options(&'static str),
    /// Another process, or another `Journal` in this one, has the journal open.
    Locked,
    /// The storage failed.
    Io(FileError),
    /// Acknowledged data is damaged. Nothing was changed on disk.
    Corruption(Corruption),
    /// The caller's callback refused a frame.
    Caller(E),
}

impl<E: fmt::Display> fmt::Display for OpenError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(why) => write!(f, "unusable journal options: {why}"),
            Self::Locked => f.write_str("the journal is open elsewhere"),
            Self::Io(error) => error.fmt(f),
            Self::Corruption(corruption) => write!(f, "the journal is damaged: {corruption}"),
            Self::Caller(error) => write!(f, "a frame was refused: {error}"),
        }
    }
}

impl<E: Error + 'static> Error for OpenError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Options(_) | Self::Locked => None,
            Self::Io(error) => Some(&error.source),
            Self::Corruption(corruption) => Some(corruption),
            Self::Caller(error) => Some(error),
        }
    }
}

/// Why a journal could not be read. Damage is no error here: the report names it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// No segment is there: not a journal's directory, or a journal that was never begun.
    NoJournal,
    /// The storage failed.
    Io(FileError),
    /// The caller's callback refused a frame.
    Caller(E),
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoJournal => f.write_str("no journal is here"),
            Self::Io(error) => error.fmt(f),
            Self::Caller(error) => write!(f, "a frame was refused: {error}"),
        }
    }
}

impl<E: Error + 'static> Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoJournal => None,
            Self::Io(error) => Some(&error.source),
            Self::Caller(error) => Some(error),
        }
    }
}

/// Why a frame was not found.
#[derive(Debug)]
#[non_exhaustive]
pub enum FindError {
    /// The journal no longer goes back so far.
    Gone {
        /// The first sequence it holds.
        oldest: u64,
    },
    /// The storage failed.
    Io(FileError),
    /// The frame, or what leads to it, is not as it was written.
    Corruption(Corruption),
}

impl From<FileError> for FindError {
    fn from(error: FileError) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { oldest } => write!(f, "the journal begins at sequence {oldest}"),
            Self::Io(error) => error.fmt(f),
            Self::Corruption(corruption) => write!(f, "the journal is damaged: {corruption}"),
        }
    }
}

impl Error for FindError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Gone { .. } => None,
            Self::Io(error) => Some(&error.source),
            Self::Corruption(corruption) => Some(corruption),
        }
    }
}

/// Why a frame was not acknowledged.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppendError {
    /// The payload is larger than [`Options::max_frame_bytes`](crate::Options::max_frame_bytes). Nothing was written.
    TooLarge {
        /// The payload's bytes.
        bytes: usize,
        /// The bound.
        max: u32,
    },
    /// The frame does not begin at the next sequence, or holds none. Nothing was written.
    OutOfOrder {
        /// The next sequence.
        expected: u64,
        /// The frame's first sequence.
        found: u64,
        /// How many sequences the frame claims.
        count: u32,
    },
    /// The next segment could not be made for want of space. Nothing was written; the same call may succeed later.
    StorageFull,
    /// This call's write or sync failed: whether the frame will be found at the next start is not known. The journal is
    /// poisoned from here on.
    Failed(FileError),
    /// An earlier write or sync failed. Nothing was written.
    Poisoned {
        /// That failure.
        cause: Arc<str>,
    },
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, max } => {
                write!(f, "a payload of {bytes} bytes is larger than the {max} of a frame")
            }
            Self::OutOfOrder { expected, found, count } => {
                write!(f, "{count} sequences from {found} do not continue at {expected}")
            }
            Self::StorageFull => f.write_str("no space for the next segment"),
            Self::Failed(error) => write!(f, "the journal failed: {error}"),
            Self::Poisoned { cause } => write!(f, "the journal failed earlier: {cause}"),
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&error.source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_is_broken() {
        let error = |tried, source| FileError { tried, file: String::new(), source };
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert!(error("write", full()).is_full());
        assert!(!error(SYNC_DIRECTORY, full()).is_full());
        assert!(!error("write", io::Error::other("broken")).is_full());
        #[cfg(unix)]
        for too_many_files in [23, 24] {
            for tried in ["create", SYNC_DIRECTORY] {
                assert!(error(tried, io::Error::from_raw_os_error(too_many_files)).is_full());
            }
        }
    }
}
