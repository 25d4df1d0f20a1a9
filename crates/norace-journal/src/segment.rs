//! Making segment files.
//!
//! A segment gets its name only when it is whole: created as `segment-N.tmp`, filled with zeros, synced, renamed, the
//! directory synced. Writing zeros, instead of asking the file system to reserve space, costs once and saves at every
//! append: a sync into written blocks has no metadata to make durable. Segments are never used again, so no old frame
//! can be mistaken for a new one.

use crate::{
    error::{FileError, SYNC_DIRECTORY, Tried},
    format::{PAGE_BYTES, SegmentHeader},
    names,
    storage::{Storage, StorageFile},
};

/// How much is written between two syncs while filling, so that an append never waits behind a whole segment.
const FILL_BYTES: u64 = 1 << 20;

/// A segment file that is open.
#[derive(Debug)]
pub(crate) struct Segment<F> {
    pub(crate) index: u64,
    pub(crate) name: String,
    pub(crate) file: F,
    pub(crate) bytes: u64,
}

/// Makes segment `index`, with `header` in place if given, and durable in every respect. A file that has the name
/// already is replaced. On failure the unfinished file is removed, as far as that works.
pub(crate) fn create<S: Storage>(
    storage: &S,
    index: u64,
    bytes: u64,
    header: Option<&SegmentHeader>,
) -> Result<Segment<S::File>, FileError> {
    let unfinished = names::unfinished(index);
    create_as(storage, &unfinished, index, bytes, header).inspect_err(|_| {
        // The first error is the one to report; what stays behind is removed at the next open.
        drop(storage.remove(&unfinished));
    })
}

fn create_as<S: Storage>(
    storage: &S,
    unfinished: &str,
    index: u64,
    bytes: u64,
    header: Option<&SegmentHeader>,
) -> Result<Segment<S::File>, FileError> {
    let name = names::segment(index);
    let file = storage.create(unfinished).tried("create", unfinished)?;
    zero(&file, unfinished, 0..bytes)?;
    let segment = Segment { index, name, file, bytes };
    if let Some(header) = header {
        write_header(&segment, header)?;
    }
    storage.rename(unfinished, &segment.name).tried("rename", unfinished)?;
    storage.sync_dir().tried(SYNC_DIRECTORY, &segment.name)?;
    Ok(segment)
}

/// Writes zeros over `range` and syncs them.
pub(crate) fn zero<F: StorageFile>(
    file: &F,
    name: &str,
    range: std::ops::Range<u64>,
) -> Result<(), FileError> {
    let chunk = FILL_BYTES.min(range.end.saturating_sub(range.start));
    let zeros = vec![0; usize::try_from(chunk).expect("a chunk is small")];
    let mut at = range.start;
    while at < range.end {
        let step = chunk.min(range.end - at);
        let zeros = &zeros[..usize::try_from(step).expect("a chunk is small")];
        file.write_all_at(zeros, at).tried("write", name)?;
        file.sync_data().tried("sync", name)?;
        at += step;
    }
    Ok(())
}

/// Writes `header` over the whole of page 0 and syncs it.
pub(crate) fn write_header<F: StorageFile>(
    segment: &Segment<F>,
    header: &SegmentHeader,
) -> Result<(), FileError> {
    let mut page = [0; PAGE_BYTES as usize];
    let bytes = header.encode();
    page[..bytes.len()].copy_from_slice(&bytes);
    segment.file.write_all_at(&page, 0).tried("write", &segment.name)?;
    segment.file.sync_data().tried("sync", &segment.name)
}
