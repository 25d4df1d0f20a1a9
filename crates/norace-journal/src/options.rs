//! What the owner of a journal decides.

use norace_prim::time::Duration;

use crate::format;

/// Sizes and times of a journal. The defaults suit a server; tests want small segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Size of a segment file, a multiple of 4096. Existing segments keep theirs. Default 64 MiB.
    pub segment_bytes: u64,
    /// The largest payload of one frame; it must fit into a segment beside its headers. Default 8 MiB.
    pub max_frame_bytes: u32,
    /// After how long without an append the journal ought to be sealed. The journal has no clock: its driver calls
    /// [`Journal::seal`](crate::Journal::seal). Default 10 ms.
    pub seal_after: Duration,
    /// Who makes the next segment. Default [`Prepare::Ahead`].
    pub prepare: Prepare,
}

/// Who makes the next segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prepare {
    /// A helper thread, begun when a quarter of the current segment is used. After a failure for want of space it tries
    /// again every `retry`, and whenever [`Journal::make_room`](crate::Journal::make_room) asks.
    Ahead {
        /// How long to wait before trying again.
        retry: Duration,
    },
    /// The appending thread itself, at the same moment: the order of operations is then the same in every run. For
    /// simulation. After a failure it tries again at each append that needs the room.
    Inline,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_frame_bytes: 8 << 20,
            seal_after: Duration::from_millis(10),
            prepare: Prepare::Ahead { retry: Duration::from_secs(1) },
        }
    }
}

impl Options {
    /// Small segments made inline: `pages` pages of 4096 bytes, frames as large as fit.
    ///
    /// # Panics
    ///
    /// When `pages` is below 4: header, frame, seal and roll take one each.
    pub fn small(pages: u64) -> Self {
        assert!(pages >= 4, "a segment has at least 4 pages");
        let segment_bytes = pages * format::PAGE_BYTES;
        Self {
            segment_bytes,
            max_frame_bytes: format::max_payload_bytes(segment_bytes),
            seal_after: Duration::from_millis(10),
            prepare: Prepare::Inline,
        }
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if !self.segment_bytes.is_multiple_of(format::PAGE_BYTES) {
            return Err("segment_bytes is no multiple of 4096");
        }
        if self.max_frame_bytes == 0 {
            return Err("max_frame_bytes is 0");
        }
        if self.segment_bytes < format::min_segment_bytes(self.max_frame_bytes) {
            return Err("max_frame_bytes does not fit into segment_bytes beside the headers");
        }
        Ok(())
    }
}
