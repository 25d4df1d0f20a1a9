//! Reading segments a stretch at a time.
//!
//! Memory: 256 KiB, or one frame where that is larger.

use crate::{
    error::{FileError, Tried as _},
    format,
    segment::Segment,
    storage::StorageFile,
};

/// How much is read ahead.
pub(crate) const WINDOW_BYTES: u64 = 256 << 10;

/// A stretch of the segment being read.
#[derive(Debug, Default)]
pub(crate) struct Window {
    start: u64,
    /// How much of `buffer`, from its start, has been read.
    bytes: u64,
    pub(crate) buffer: Vec<u8>,
}

impl Window {
    /// Lets go of what was read: it is of another segment, or may have changed.
    pub(crate) fn forget(&mut self) {
        self.bytes = 0;
    }

    /// `bytes` bytes of `segment` from `offset`, which must lie within it.
    pub(crate) fn get<F: StorageFile>(
        &mut self,
        segment: &Segment<F>,
        offset: u64,
        bytes: u64,
    ) -> Result<&[u8], FileError> {
        if offset < self.start || offset + bytes > self.start + self.bytes {
            let end = segment.bytes.min(offset + bytes.max(WINDOW_BYTES));
            let wanted = usize::try_from(end - offset).expect("a frame fits into memory");
            self.forget();
            if self.buffer.len() < wanted {
                self.buffer = vec![0; wanted];
            }
            let buffer = &mut self.buffer[..wanted];
            segment.file.read_exact_at(buffer, offset).tried("read", &segment.name)?;
            (self.start, self.bytes) = (offset, end - offset);
        }
        let from = usize::try_from(offset - self.start).expect("within the buffer");
        Ok(&self.buffer[from..][..usize::try_from(bytes).expect("within the buffer")])
    }

    /// Whether `segment` is all zero from `offset` on.
    pub(crate) fn is_zero<F: StorageFile>(
        &mut self,
        segment: &Segment<F>,
        offset: u64,
    ) -> Result<bool, FileError> {
        let mut at = offset;
        while at < segment.bytes {
            let step = WINDOW_BYTES.min(segment.bytes - at);
            if !format::is_zero(self.get(segment, at, step)?) {
                return Ok(false);
            }
            at += step;
        }
        Ok(true)
    }
}
