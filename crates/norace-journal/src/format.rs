//! The bytes on disk: segment headers and frame headers, written and read by hand, little-endian, without padding.
//!
//! A **segment** is a file of `segment_bytes`, a multiple of [`PAGE_BYTES`]. Page 0 holds the segment header; frames
//! follow, each beginning on a page boundary and filling its last page with zeros. So no durable byte shares a page
//! with bytes in flight: what a torn write can spoil is the frame being written and nothing else.
//!
//! ```text
//! segment header, 72 bytes             frame header, 88 bytes; the payload follows at once
//!  0  8  magic "noracewj"               0  4  magic "nrfr"
//!  8  4  format version, 1              4  1  kind: 1 batch, 2 seal, 3 roll
//! 12  4  page size, 4096                5  3  zero
//! 16  8  journal id                     8  8  journal id
//! 24  8  segment index, from 0         16  8  segment index
//! 32  8  segment_bytes                 24  8  offset of this frame in its segment
//! 40  8  first sequence                32  8  first sequence
//! 48 16  chain                         40  4  count of sequences
//! 64  8  xxh3-64 of bytes 0..64        44  4  payload bytes
//!                                      48 16  chain of the frame before
//!                                      64 16  xxh3-128 of the payload
//!                                      80  8  xxh3-64 of bytes 0..80
//! ```
//!
//! **Chain.** The chain of a frame is the xxh3-128 of its whole header, which holds the chain of the frame before and
//! the checksum of the payload: one value stands for everything up to here. The chain before the first frame is the
//! xxh3-128 of the journal id. A segment header repeats the chain and the sequence at which the segment continues.
//!
//! **Kinds.** A *batch* carries the caller's payload for `count` sequences. A *seal* says that the frame before it is
//! whole. A *roll* is a segment's last frame: it says that the next segment exists. Seal and roll carry nothing; their
//! first sequence is the next one to come.
//!
//! **Room.** Every segment keeps its last two pages for one seal and one roll: a batch ends two pages before the
//! segment's end or earlier, a seal one page before. So both can always be written, whatever the disk's free space.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

#[cfg(test)]
mod tests;

/// The unit of alignment: no two frames touch the same page.
pub const PAGE_BYTES: u64 = 4096;

/// A page without content.
pub(crate) static ZEROS: [u8; PAGE_BYTES as usize] = [0; PAGE_BYTES as usize];

/// The sequence of the first record of every journal.
pub const FIRST_SEQUENCE: u64 = 1;

/// The version this build writes and reads.
pub(crate) const VERSION: u32 = 1;

pub(crate) const SEGMENT_HEADER_BYTES: usize = 72;
pub(crate) const FRAME_HEADER_BYTES: usize = 88;

/// Pages that hold no batch: the segment header, the last seal and the roll.
const OVERHEAD_PAGES: u64 = 3;

const SEGMENT_MAGIC: [u8; 8] = *b"noracewj";
const FRAME_MAGIC: [u8; 4] = *b"nrfr";
const SEGMENT_SUMMED: usize = 64;
const FRAME_SUMMED: usize = 80;

const _: () = {
    assert!(SEGMENT_MAGIC.len() + 4 + 4 + 8 + 8 + 8 + 8 + 16 == SEGMENT_SUMMED);
    assert!(SEGMENT_SUMMED + 8 == SEGMENT_HEADER_BYTES);
    assert!(FRAME_MAGIC.len() + 1 + 3 + 8 + 8 + 8 + 8 + 4 + 4 + 16 + 16 == FRAME_SUMMED);
    assert!(FRAME_SUMMED + 8 == FRAME_HEADER_BYTES);
    // A header within one 512-byte sector is written whole or not at all.
    assert!(SEGMENT_HEADER_BYTES <= 512 && FRAME_HEADER_BYTES <= 512);
    assert!(PAGE_BYTES.is_multiple_of(512));
};

/// The smallest segment that can hold a frame of `payload_bytes`.
pub(crate) const fn min_segment_bytes(payload_bytes: u32) -> u64 {
    OVERHEAD_PAGES * PAGE_BYTES + frame_bytes(payload_bytes)
}

/// What a frame with a payload of `payload_bytes` takes on disk.
pub(crate) const fn frame_bytes(payload_bytes: u32) -> u64 {
    (FRAME_HEADER_BYTES as u64 + payload_bytes as u64).next_multiple_of(PAGE_BYTES)
}

/// Where the batches of a segment of `segment_bytes` end at the latest.
pub(crate) const fn batches_end(segment_bytes: u64) -> u64 {
    segment_bytes.saturating_sub((OVERHEAD_PAGES - 1) * PAGE_BYTES)
}

/// The largest payload of a frame in segments of `segment_bytes`.
pub(crate) fn max_payload_bytes(segment_bytes: u64) -> u32 {
    payload_fitting(segment_bytes.saturating_sub(OVERHEAD_PAGES * PAGE_BYTES))
}

/// The largest payload whose frame fits into `bytes`, a multiple of the page size.
pub(crate) fn payload_fitting(bytes: u64) -> u32 {
    let payload = bytes.saturating_sub(FRAME_HEADER_BYTES as u64);
    u32::try_from(payload).unwrap_or(u32::MAX)
}

/// The chain before the first frame of a journal.
pub(crate) fn chain_origin(journal_id: u64) -> u128 {
    xxh3_128(&journal_id.to_le_bytes())
}

/// The checksum of a payload.
pub(crate) fn payload_checksum(payload: &[u8]) -> u128 {
    xxh3_128(payload)
}

/// Page 0 of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) journal_id: u64,
    pub(crate) index: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) first_sequence: u64,
    pub(crate) chain: u128,
}

/// Why bytes are no segment header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotASegment {
    /// Magic, page size or checksum are wrong.
    Bad,
    /// A whole header of another format version.
    Version(u32),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let mut out = Writer(&mut bytes);
        out.put(SEGMENT_MAGIC);
        out.put(VERSION.to_le_bytes());
        out.put((PAGE_BYTES as u32).to_le_bytes());
        out.put(self.journal_id.to_le_bytes());
        out.put(self.index.to_le_bytes());
        out.put(self.segment_bytes.to_le_bytes());
        out.put(self.first_sequence.to_le_bytes());
        out.put(self.chain.to_le_bytes());
        let checksum = xxh3_64(&bytes[..SEGMENT_SUMMED]);
        bytes[SEGMENT_SUMMED..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> Result<Self, NotASegment> {
        let mut input = Reader(bytes);
        let magic: [u8; 8] = input.take();
        let version = u32::from_le_bytes(input.take());
        let page_bytes = u32::from_le_bytes(input.take());
        let header = Self {
            journal_id: u64::from_le_bytes(input.take()),
            index: u64::from_le_bytes(input.take()),
            segment_bytes: u64::from_le_bytes(input.take()),
            first_sequence: u64::from_le_bytes(input.take()),
            chain: u128::from_le_bytes(input.take()),
        };
        let checksum = u64::from_le_bytes(input.take());
        if magic != SEGMENT_MAGIC || checksum != xxh3_64(&bytes[..SEGMENT_SUMMED]) {
            return Err(NotASegment::Bad);
        }
        if version != VERSION {
            return Err(NotASegment::Version(version));
        }
        let usable = header.segment_bytes.is_multiple_of(PAGE_BYTES)
            && header.segment_bytes >= min_segment_bytes(0);
        if u64::from(page_bytes) != PAGE_BYTES || !usable {
            return Err(NotASegment::Bad);
        }
        Ok(header)
    }
}

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Batch = 1,
    Seal = 2,
    Roll = 3,
}

/// The first bytes of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: Kind,
    pub(crate) journal_id: u64,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) first_sequence: u64,
    pub(crate) count: u32,
    pub(crate) payload_bytes: u32,
    pub(crate) chain_before: u128,
    pub(crate) payload_checksum: u128,
}

impl FrameHeader {
    pub(crate) fn encode(&self) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let mut out = Writer(&mut bytes);
        out.put(FRAME_MAGIC);
        out.put([self.kind as u8, 0, 0, 0]);
        out.put(self.journal_id.to_le_bytes());
        out.put(self.segment.to_le_bytes());
        out.put(self.offset.to_le_bytes());
        out.put(self.first_sequence.to_le_bytes());
        out.put(self.count.to_le_bytes());
        out.put(self.payload_bytes.to_le_bytes());
        out.put(self.chain_before.to_le_bytes());
        out.put(self.payload_checksum.to_le_bytes());
        let checksum = xxh3_64(&bytes[..FRAME_SUMMED]);
        bytes[FRAME_SUMMED..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The header in `bytes`, or `None` when they hold none or a damaged one.
    pub(crate) fn decode(bytes: &[u8; FRAME_HEADER_BYTES]) -> Option<Self> {
        let mut input = Reader(bytes);
        let magic: [u8; 4] = input.take();
        let [kind, zeros @ ..]: [u8; 4] = input.take();
        let header = Self {
            kind: match kind {
                1 => Kind::Batch,
                2 => Kind::Seal,
                3 => Kind::Roll,
                _ => return None,
            },
            journal_id: u64::from_le_bytes(input.take()),
            segment: u64::from_le_bytes(input.take()),
            offset: u64::from_le_bytes(input.take()),
            first_sequence: u64::from_le_bytes(input.take()),
            count: u32::from_le_bytes(input.take()),
            payload_bytes: u32::from_le_bytes(input.take()),
            chain_before: u128::from_le_bytes(input.take()),
            payload_checksum: u128::from_le_bytes(input.take()),
        };
        let checksum = u64::from_le_bytes(input.take());
        let whole = magic == FRAME_MAGIC
            && zeros == [0; 3]
            && checksum == xxh3_64(&bytes[..FRAME_SUMMED])
            && (header.kind == Kind::Batch) == (header.count > 0)
            && (header.kind == Kind::Batch || header.payload_bytes == 0);
        whole.then_some(header)
    }

    /// What the frame takes on disk.
    pub(crate) fn frame_bytes(&self) -> u64 {
        frame_bytes(self.payload_bytes)
    }

    /// Where a frame of this kind ends at the latest in a segment of `segment_bytes`.
    pub(crate) fn latest_end(&self, segment_bytes: u64) -> u64 {
        match self.kind {
            Kind::Batch => batches_end(segment_bytes),
            Kind::Seal => segment_bytes - PAGE_BYTES,
            Kind::Roll => segment_bytes,
        }
    }
}

/// The chain of the frame whose encoded header is `header`.
pub(crate) fn chain_after(header: &[u8; FRAME_HEADER_BYTES]) -> u128 {
    xxh3_128(header)
}

/// Whether `bytes` are all zero; compared page by page, which the compiler turns into wide compares.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

/// Fills an array of known length front to back.
struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    fn put<const N: usize>(&mut self, field: [u8; N]) {
        let rest = std::mem::take(&mut self.0);
        let (head, rest) = rest.split_first_chunk_mut().expect("the header's length is asserted");
        *head = field;
        self.0 = rest;
    }
}

/// Reads an array of known length front to back.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_first_chunk().expect("the header's length is asserted");
        self.0 = rest;
        *head
    }
}
