//! From a directory to what was acknowledged: reading it, and putting its end in order before anything is appended.
//!
//! 1. The directory is synced, then each segment before it is read ([`crate::scan`]): what a dead process left in the
//!    system's cache is not built upon before it is durable. Damage to acknowledged data ends it here, with nothing
//!    changed.
//! 2. Files that were never finished are removed.
//! 3. After a failed write or sync what the cache shows may not be on disk: see [`crate::suspect`].
//! 4. The remains of a torn frame are overwritten with zeros and synced, so that nothing of it can show up behind a
//!    shorter frame.
//! 5. A segment that a roll frame demands and that has no header yet gets one.
//!
//! A crash anywhere in between leaves a directory on which the same steps lead to the same end.

use crate::{
    error::{Corruption, FileError, OpenError, ReadError, SYNC_DIRECTORY, Tried},
    format::{self, PAGE_BYTES, SegmentHeader},
    names::Listing,
    options::Options,
    scan::{Scan, ScanError, Tail},
    segment::{self, Segment},
    storage::{Access, Storage},
    suspect,
};

/// A batch as it is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveredFrame<'a> {
    /// The sequence of its first record.
    pub first_sequence: u64,
    /// How many records it holds.
    pub count: u32,
    /// What was appended.
    pub payload: &'a [u8],
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// The random id of this journal.
    pub journal_id: u64,
    /// Segments with content.
    pub segments: u64,
    /// Batches handed to the callback.
    pub frames: u64,
    /// Records in these batches.
    pub records: u64,
    /// The sequence of the last record; 0 when there is none.
    pub last_sequence: u64,
    /// Whether the last frame is vouched for: a seal or a roll stands behind it, or there is none.
    pub sealed: bool,
    /// Bytes of an unfinished last frame, not counted among `frames`. [`Journal::open`](crate::Journal::open) has cut
    /// them.
    pub torn_tail_bytes: u64,
    /// Damage to acknowledged data; what comes before it is counted above. Always `None` from a journal that opened.
    pub bad_frame: Option<Corruption>,
}

/// What recovery leaves for the journal.
pub(crate) struct Recovered<F> {
    pub(crate) report: RecoveryReport,
    pub(crate) current: Segment<F>,
    /// Where the next frame goes in `current`.
    pub(crate) end: u64,
    pub(crate) chain: u128,
    /// The next segment, if it is there already.
    pub(crate) spare: Option<Segment<F>>,
}

/// Reads the journal, or begins one, and leaves it ready for appending. The lock is held.
pub(crate) fn recover<S: Storage, E>(
    storage: &S,
    options: &Options,
    each: impl FnMut(RecoveredFrame<'_>) -> Result<(), E>,
) -> Result<Recovered<S::File>, OpenError<E>> {
    match read_and_mend(storage, options, each) {
        Ok(recovered) => Ok(recovered),
        Err(ScanError::Corruption(corruption)) => Err(OpenError::Corruption(corruption)),
        Err(ScanError::Caller(error)) => Err(OpenError::Caller(error)),
        Err(ScanError::Io(error)) => {
            if error.is_change() {
                suspect::mark(storage, None);
            }
            Err(OpenError::Io(error))
        }
    }
}

fn read_and_mend<S: Storage, E>(
    storage: &S,
    options: &Options,
    each: impl FnMut(RecoveredFrame<'_>) -> Result<(), E>,
) -> Result<Recovered<S::File>, ScanError<E>> {
    storage.sync_dir().tried(SYNC_DIRECTORY, "the journal")?;
    let listing = Listing::read(storage).tried("list", "the directory")?;
    let mut scan = Scan::new(storage, Access::Write);
    if !listing.segments.is_empty() {
        scan.run(&listing.segments, each)?;
    }
    for name in &listing.unfinished {
        storage.remove(name).tried("remove", name)?;
    }
    if listing.segments.is_empty() {
        begin(&mut scan, storage, options)?;
    }
    let tail = scan.tail.take().expect("a walk that ends well has found the tail");
    let current = mend(storage, options, &scan, &tail, listing.suspect)?.unwrap_or(tail.segment);
    // A spare of another size was made under other options.
    let spare = scan.spare.filter(|spare| spare.bytes == options.segment_bytes);
    Ok(Recovered { report: scan.report, current, end: tail.end, chain: scan.chain, spare })
}

/// Puts the end of the journal in order. `Some` is a segment that takes the place of the tail's.
fn mend<S: Storage>(
    storage: &S,
    options: &Options,
    scan: &Scan<'_, S>,
    tail: &Tail<S::File>,
    is_suspect: bool,
) -> Result<Option<Segment<S::File>>, FileError> {
    let mut replaced = None;
    if is_suspect {
        suspect::rewrite(storage, scan.last_frame, &tail.segment, tail.end)?;
    } else if tail.begun && tail.torn_bytes > 0 {
        let torn = tail.end..tail.end + tail.torn_bytes;
        segment::zero(&tail.segment.file, &tail.segment.name, torn)?;
    }
    if !tail.begun {
        if tail.segment.bytes != options.segment_bytes {
            let index = tail.segment.index;
            replaced = Some(segment::create(storage, index, options.segment_bytes, None)?);
        }
        let segment = replaced.as_ref().unwrap_or(&tail.segment);
        let header = SegmentHeader {
            journal_id: scan.report.journal_id,
            index: segment.index,
            segment_bytes: segment.bytes,
            first_sequence: scan.next_sequence,
            chain: scan.chain,
        };
        segment::write_header(segment, &header)?;
    }
    if is_suspect {
        suspect::clear(storage)?;
    }
    Ok(replaced)
}

/// Begins a journal where there is none. Segment 0 gets its name when its header is in place.
fn begin<S: Storage>(
    scan: &mut Scan<'_, S>,
    storage: &S,
    options: &Options,
) -> Result<(), FileError> {
    let journal_id = storage.fresh_id();
    let header = SegmentHeader {
        journal_id,
        index: 0,
        segment_bytes: options.segment_bytes,
        first_sequence: format::FIRST_SEQUENCE,
        chain: format::chain_origin(journal_id),
    };
    let segment = segment::create(storage, 0, options.segment_bytes, Some(&header))?;
    scan.report.journal_id = journal_id;
    scan.report.segments = 1;
    scan.chain = header.chain;
    scan.tail = Some(Tail { segment, begun: true, end: PAGE_BYTES, torn_bytes: 0 });
    Ok(())
}

/// Reads the journal in `storage` without taking its lock and without writing, and hands every batch to `each`.
///
/// For audits and dumps of a journal at rest. Of one that is being written it sees a prefix, but may take an append
/// under way for a torn tail, and a new segment that came after the listing for a missing one.
///
/// # Errors
///
/// [`ReadError::NoJournal`], [`ReadError::Io`], [`ReadError::Caller`]. Damage is no error: the report's `bad_frame`
/// names it, and the other figures count what comes before.
pub fn read_only<S: Storage, E>(
    storage: &S,
    each: impl FnMut(RecoveredFrame<'_>) -> Result<(), E>,
) -> Result<RecoveryReport, ReadError<E>> {
    let listing = Listing::read(storage).tried("list", "the directory").map_err(ReadError::Io)?;
    if listing.segments.is_empty() {
        return Err(ReadError::NoJournal);
    }
    let mut scan = Scan::new(storage, Access::Read);
    match scan.run(&listing.segments, each) {
        Ok(()) => {}
        Err(ScanError::Corruption(corruption)) => scan.report.bad_frame = Some(corruption),
        Err(ScanError::Io(error)) => return Err(ReadError::Io(error)),
        Err(ScanError::Caller(error)) => return Err(ReadError::Caller(error)),
    }
    Ok(scan.report)
}
