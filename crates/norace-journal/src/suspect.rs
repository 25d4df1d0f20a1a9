//! After a failed write or sync: what the system's cache shows is not what is on disk.
//!
//! When Linux cannot write a page back it reports that once, counts the page as written, and goes on showing it. A
//! journal that is opened again on the same boot would read a frame that is not on disk, acknowledge others after it,
//! and lose it with the power. So who meets the failure leaves a mark with the place in doubt, and the next open writes
//! what it reads there once more and syncs it. The mark need not be durable: it lives exactly as long as the cache it
//! warns of.
//!
//! Only what is in doubt is written again. A frame known to be durable is left alone: overwriting it in place would put
//! it in flight again.

use crate::{
    error::{FileError, Tried},
    format::PAGE_BYTES,
    names::{self, SUSPECT},
    segment::{self, Segment},
    storage::{Access, Storage, StorageFile},
};

/// A place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// Leaves the mark. Without a place, whatever comes last is in doubt.
pub(crate) fn mark<S: Storage>(storage: &S, place: Option<Place>) {
    let bytes = place.map(|place| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&place.segment.to_le_bytes());
        bytes[8..].copy_from_slice(&place.offset.to_le_bytes());
        bytes
    });
    let written = storage.create(SUSPECT).and_then(|file| match bytes {
        Some(bytes) => file.write_all_at(&bytes, 0),
        None => Ok(()),
    });
    // The failure that led here is the one to report; a disk that takes no mark takes no journal either.
    drop(written);
}

/// The marked place; `None` when the mark has none.
fn marked<S: Storage>(storage: &S) -> Result<Option<Place>, FileError> {
    let file = storage.open(SUSPECT, Access::Read).tried("open", SUSPECT)?;
    if file.bytes().tried("measure", SUSPECT)? < 16 {
        return Ok(None);
    }
    let (mut segment, mut offset) = ([0; 8], [0; 8]);
    file.read_exact_at(&mut segment, 0).tried("read", SUSPECT)?;
    file.read_exact_at(&mut offset, 8).tried("read", SUSPECT)?;
    let (segment, offset) = (u64::from_le_bytes(segment), u64::from_le_bytes(offset));
    Ok(Some(Place { segment, offset }))
}

/// Writes again what is in doubt: the last frame, the header of a segment without frames, and the zeros behind `end`.
pub(crate) fn rewrite<S: Storage>(
    storage: &S,
    last_frame: Option<(Place, u64)>,
    tail: &Segment<S::File>,
    end: u64,
) -> Result<(), FileError> {
    let marked = marked(storage)?;
    let in_doubt = |place| marked.is_none_or(|marked| marked == place);
    if let Some((place, bytes)) = last_frame
        && in_doubt(place)
    {
        let name = names::segment(place.segment);
        let file = storage.open(&name, Access::Write).tried("open", &name)?;
        rewrite_at(&file, &name, place.offset, bytes)?;
    }
    // The header of segment 0 was durable before the segment had its name.
    if end == PAGE_BYTES && tail.index > 0 && in_doubt(Place { segment: tail.index, offset: 0 }) {
        rewrite_at(&tail.file, &tail.name, 0, PAGE_BYTES)?;
    }
    segment::zero(&tail.file, &tail.name, end..tail.bytes)
}

fn rewrite_at<F: StorageFile>(
    file: &F,
    name: &str,
    offset: u64,
    bytes: u64,
) -> Result<(), FileError> {
    let mut buffer = vec![0; usize::try_from(bytes).expect("a frame fits into memory")];
    file.read_exact_at(&mut buffer, offset).tried("read", name)?;
    file.write_all_at(&buffer, offset).tried("write", name)?;
    file.sync_data().tried("sync", name)
}

/// Removes the mark.
pub(crate) fn clear<S: Storage>(storage: &S) -> Result<(), FileError> {
    storage.remove(SUSPECT).tried("remove", SUSPECT)
}
