//! Reading a journal from outside: the audit and the dump. Both take no lock and write nothing.
//!
//! The audit applies the rules to every record from the first and compares, and beside that keeps books of its own
//! ([`books`]) that know nothing of the rules: they add up the recorded movements and follow the recorded moves.

mod books;
mod dump;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use norace_journal::storage::{DirStorage, Storage};
use norace_journal::{Corruption, ReadError};

use crate::codec::OtherVersion;
use crate::engine::Recovery;
use books::Books;
pub use dump::{DumpError, DumpSummary, RecordView, dump, dump_dir};

/// The violations listed at most.
const VIOLATIONS_MAX: usize = 20;

/// What the audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// True when every rule holds and no vouched frame is damaged.
    pub ok: bool,
    /// Records read.
    pub records: u64,
    /// Orders created.
    pub orders: u64,
    /// Movements of money: single transfers, reservations, postings and releases, those of orders included.
    pub transfers: u64,
    /// Accounts opened.
    pub accounts: u64,
    /// Settled debits over all ledgers.
    pub debits: u128,
    /// Settled credits over all ledgers.
    pub credits: u128,
    /// Orders not yet final.
    pub open_orders: u64,
    /// The last position.
    pub last_sequence: u64,
    /// Bytes after the last whole frame that belong to no frame.
    pub torn_tail_bytes: u64,
    /// The first damaged frame that something vouches for; the figures count what comes before it.
    pub bad_frame: Option<BadFrame>,
    /// The first rules found broken, in words.
    pub violations: Vec<String>,
}

/// Where a damaged frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrame {
    /// The number of the segment.
    pub segment: u64,
    /// The byte offset in it.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
}

impl From<Corruption> for BadFrame {
    fn from(found: Corruption) -> Self {
        Self { segment: found.segment, offset: found.offset, what: found.what.to_string() }
    }
}

/// The journal could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not there, reading failed, or a frame does not hold what it says.
    Unreadable(String),
    /// Other rules wrote it; it is not damaged.
    OtherVersion(OtherVersion),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(cause) => write!(f, "reading the journal: {cause}"),
            Self::OtherVersion(other) => write!(f, "reading the journal: {other}"),
        }
    }
}

impl std::error::Error for VerifyError {}

/// Audits the journal in the folder `data`: see [`verify`].
///
/// # Errors
///
/// When the journal can't be read, or other rules wrote it.
pub fn verify_dir(data: &Path) -> Result<VerifyReport, VerifyError> {
    verify(&existing(data)?)
}

/// Audits the journal in `storage`: re-runs the rules over every record from the first.
///
/// Broken rules and damage are in the report; after the first record that the rules contradict nothing further is
/// read.
///
/// # Errors
///
/// When the journal can't be read, or other rules wrote it.
pub fn verify(storage: &impl Storage) -> Result<VerifyReport, VerifyError> {
    let mut recovery = Recovery::new();
    let mut books = Books::default();
    let read = norace_journal::read_only(storage, |frame| {
        recovery.frame(frame, |_, record| books.enter(record))
    });
    let mut report = VerifyReport::default();
    match read {
        Ok(read) => {
            report.torn_tail_bytes = read.torn_tail_bytes;
            report.bad_frame = read.bad_frame.map(BadFrame::from);
            books.compare(&recovery.state);
            if read.last_sequence != recovery.state.sequence() {
                books.object(format!("the last frame ends at {}", read.last_sequence));
            }
        }
        Err(ReadError::Caller(found)) => match found.other_version() {
            Some(other) => return Err(VerifyError::OtherVersion(other)),
            None => books.object(found.to_string()),
        },
        Err(other) => return Err(VerifyError::Unreadable(other.to_string())),
    }
    report.records = recovery.records;
    report.last_sequence = recovery.state.sequence();
    books.report(&mut report);
    report.ok = report.violations.is_empty() && report.bad_frame.is_none();
    Ok(report)
}

fn existing(data: &Path) -> Result<DirStorage, VerifyError> {
    DirStorage::existing(data)
        .map_err(|error| VerifyError::Unreadable(format!("{}: {error}", data.display())))
}
