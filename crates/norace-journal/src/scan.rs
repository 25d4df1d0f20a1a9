//! Reading a journal from its first byte to its last whole frame, and telling a torn tail from damage.
//!
//! Both [`Journal::open`](crate::Journal::open) and [`read_only`](crate::read_only) walk here; the walk itself writes
//! nothing. Segment by segment it checks the header against what came before (journal, index, sequence, chain), then
//! frame by frame header checksum, place, chain, sequence and payload checksum.
//!
//! Where no frame can be read, one of three things holds:
//!
//! - **clean end**: all is zero from here to the segment's end, and the next segment, if any, was never begun;
//! - **torn tail**: something is here, but nothing was ever acknowledged behind it, so that it is the one frame that
//!   was in flight when the writer died;
//! - **corruption**: a frame of this journal stands anywhere behind it in the segment, or bytes stand where the one
//!   frame in flight cannot have put them, or a later segment was begun, or there are two of them. Each of them was
//!   written only after the frame here had been synced: it *vouches* for it.
//!
//! A frame of this journal with a sound header in the wrong place, order or chain is always corruption: a torn write
//! does not make one. What cannot be told from a torn write is damage to the last frame of all while nothing vouches
//! for it, which is why an idle journal gets sealed.
//!
//! Memory: one [`Window`].

use crate::{
    error::{Corruption, Damage, FileError, Tried},
    format::{self, FRAME_HEADER_BYTES, FrameHeader, Kind, NotASegment, PAGE_BYTES, SegmentHeader},
    names,
    recover::{RecoveredFrame, RecoveryReport},
    segment::Segment,
    storage::{Access, Storage, StorageFile as _},
    suspect::Place,
    window::Window,
};

#[cfg(test)]
mod tests;

/// Why the walk ended early.
#[derive(Debug)]
pub(crate) enum ScanError<E> {
    Io(FileError),
    Corruption(Corruption),
    Caller(E),
}

impl<E> From<FileError> for ScanError<E> {
    fn from(error: FileError) -> Self {
        Self::Io(error)
    }
}

/// Where the next frame goes.
#[derive(Debug)]
pub(crate) struct Tail<F> {
    pub(crate) segment: Segment<F>,
    /// False when the segment's header is still to be written.
    pub(crate) begun: bool,
    pub(crate) end: u64,
    /// Bytes from `end` on that are not all zero, in whole pages.
    pub(crate) torn_bytes: u64,
}

/// How one segment ended.
enum Ended {
    /// With a roll frame: the next one exists.
    Rolled,
    /// Here: at `end`, before `torn_bytes` that no frame stands in. `what` is what it is if a later segment was begun.
    Open { begun: bool, end: u64, torn_bytes: u64, what: Damage },
}

/// The walk and all it knows.
#[derive(Debug)]
pub(crate) struct Scan<'a, S: Storage> {
    storage: &'a S,
    access: Access,
    pub(crate) report: RecoveryReport,
    pub(crate) next_sequence: u64,
    pub(crate) chain: u128,
    /// Where the last whole frame is, and how long it is.
    pub(crate) last_frame: Option<(Place, u64)>,
    pub(crate) tail: Option<Tail<S::File>>,
    /// The segment behind the tail, if it is there and all zero.
    pub(crate) spare: Option<Segment<S::File>>,
    window: Window,
}

impl<'a, S: Storage> Scan<'a, S> {
    /// A walk over `storage`. With [`Access::Write`] each segment is synced before it is read: what a dead process
    /// left in the system's cache must not be built upon before it is durable.
    pub(crate) fn new(storage: &'a S, access: Access) -> Self {
        Self {
            storage,
            access,
            report: RecoveryReport { sealed: true, ..RecoveryReport::default() },
            next_sequence: format::FIRST_SEQUENCE,
            chain: 0,
            last_frame: None,
            tail: None,
            spare: None,
            window: Window::default(),
        }
    }

    /// Walks the segments `indexes`, which are not empty.
    pub(crate) fn run<E>(
        &mut self,
        indexes: &[u64],
        mut each: impl FnMut(RecoveredFrame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        let mut behind = Damage::MissingRoll;
        for (expected, &index) in (0..).zip(indexes) {
            if index != expected {
                return Err(corrupt(expected, 0, Damage::MissingSegment));
            }
            let segment = self.open(index)?;
            if let Some(tail) = &self.tail {
                let (tail, end) = (tail.segment.index, if tail.begun { tail.end } else { 0 });
                // One segment is made ahead, and the next only when that one was begun.
                if index > tail + 1 || self.was_begun(&segment)? {
                    return Err(corrupt(tail, end, behind));
                }
                self.spare = self.window.is_zero(&segment, 0)?.then_some(segment);
                continue;
            }
            match self.segment(&segment, &mut each)? {
                Ended::Rolled => {}
                Ended::Open { begun, end, torn_bytes, what } => {
                    behind = what;
                    self.report.torn_tail_bytes = torn_bytes;
                    self.tail = Some(Tail { segment, begun, end, torn_bytes });
                }
            }
        }
        if self.tail.is_none() {
            return Err(corrupt(indexes.len() as u64, 0, Damage::MissingSegment));
        }
        Ok(())
    }

    fn open(&mut self, index: u64) -> Result<Segment<S::File>, FileError> {
        let name = names::segment(index);
        let file = self.storage.open(&name, self.access).tried("open", &name)?;
        if self.access == Access::Write {
            file.sync_data().tried("sync", &name)?;
        }
        let bytes = file.bytes().tried("measure", &name)?;
        self.window.forget();
        Ok(Segment { index, name, file, bytes })
    }

    fn segment<E>(
        &mut self,
        segment: &Segment<S::File>,
        each: &mut impl FnMut(RecoveredFrame<'_>) -> Result<(), E>,
    ) -> Result<Ended, ScanError<E>> {
        if let Some(ended) = self.segment_header(segment)? {
            return Ok(ended);
        }
        self.report.segments += 1;
        let mut offset = PAGE_BYTES;
        while offset < segment.bytes {
            let header = match self.frame_header(segment, offset)? {
                Ok(header) => header,
                Err(what) => return self.end(segment, offset, what, None),
            };
            let end = offset + header.frame_bytes();
            let frame = self.window.get(segment, offset, header.frame_bytes())?;
            let payload = &frame[FRAME_HEADER_BYTES..][..header.payload_bytes as usize];
            if format::payload_checksum(payload) != header.payload_checksum {
                return self.end(segment, offset, Damage::Payload, Some(end));
            }
            let (first_sequence, count) = (header.first_sequence, header.count);
            if header.kind == Kind::Batch {
                each(RecoveredFrame { first_sequence, count, payload })
                    .map_err(ScanError::Caller)?;
                self.report.frames += 1;
                self.report.records += u64::from(count);
                self.next_sequence = first_sequence + u64::from(count);
                self.report.last_sequence = self.next_sequence - 1;
            }
            self.report.sealed = header.kind != Kind::Batch;
            self.chain = format::chain_after(&header.encode());
            let place = Place { segment: segment.index, offset };
            self.last_frame = Some((place, header.frame_bytes()));
            if header.kind == Kind::Roll {
                return Ok(Ended::Rolled);
            }
            offset = end;
        }
        Err(corrupt(segment.index, offset, Damage::Length))
    }

    /// Whether anything in `segment` was written by a journal, of whatever number, rather than being zeros or noise.
    fn was_begun(&mut self, segment: &Segment<S::File>) -> Result<bool, FileError> {
        let journal_id = self.report.journal_id;
        let mut at = 0;
        while at + PAGE_BYTES <= segment.bytes {
            let page = self.window.get(segment, at, PAGE_BYTES)?;
            let header = page.first_chunk().expect("a page holds a segment header");
            let begun = at == 0 && SegmentHeader::decode(header) != Err(NotASegment::Bad);
            let frame = page.first_chunk().expect("a page holds a frame header");
            if begun || is_frame_of(journal_id, frame) {
                return Ok(true);
            }
            at += PAGE_BYTES;
        }
        Ok(false)
    }

    /// Checks page 0; `Some` when the segment was not begun, so that the journal ends here.
    fn segment_header<E>(
        &mut self,
        segment: &Segment<S::File>,
    ) -> Result<Option<Ended>, ScanError<E>> {
        let damage = |what| Err(corrupt(segment.index, 0, what));
        if segment.bytes < PAGE_BYTES {
            return damage(Damage::WrongLength { expected: 0, found: segment.bytes });
        }
        let page = self.window.get(segment, 0, PAGE_BYTES)?;
        let unwritten = format::is_zero(page);
        let bytes = page.first_chunk().expect("a page holds a segment header");
        let header = match SegmentHeader::decode(bytes) {
            Ok(header) => header,
            Err(NotASegment::Version(found)) => return damage(Damage::Version { found }),
            // The header is synced before the first frame is written, and that of segment 0 before the file has a name.
            Err(NotASegment::Bad)
                if segment.index > 0 && self.window.is_zero(segment, PAGE_BYTES)? =>
            {
                return Ok(Some(Ended::Open {
                    begun: false,
                    end: PAGE_BYTES,
                    torn_bytes: if unwritten { 0 } else { PAGE_BYTES },
                    what: Damage::SegmentHeader,
                }));
            }
            Err(NotASegment::Bad) => return damage(Damage::SegmentHeader),
        };
        if segment.index == 0 {
            self.report.journal_id = header.journal_id;
            self.chain = format::chain_origin(header.journal_id);
        }
        if header.journal_id != self.report.journal_id {
            return damage(Damage::ForeignSegment);
        }
        if header.index != segment.index {
            return damage(Damage::Renumbered { found: header.index });
        }
        if header.chain != self.chain || header.first_sequence != self.next_sequence {
            return damage(Damage::Discontinued);
        }
        if header.segment_bytes != segment.bytes {
            let (expected, found) = (header.segment_bytes, segment.bytes);
            return Err(corrupt(
                segment.index,
                expected.min(found),
                Damage::WrongLength { expected, found },
            ));
        }
        Ok(None)
    }

    /// The frame header at `offset`; the inner error when there is none, which may be the end of the journal.
    fn frame_header<E>(
        &mut self,
        segment: &Segment<S::File>,
        offset: u64,
    ) -> Result<Result<FrameHeader, Damage>, ScanError<E>> {
        let page = self.window.get(segment, offset, PAGE_BYTES)?;
        let bytes = page.first_chunk().expect("a page holds a frame header");
        let header = match FrameHeader::decode(bytes) {
            Some(header) if header.journal_id == self.report.journal_id => header,
            _ => return Ok(Err(Damage::FrameHeader)),
        };
        let damage = |what| Err(corrupt(segment.index, offset, what));
        if header.segment != segment.index || header.offset != offset {
            return damage(Damage::Misplaced);
        }
        if header.chain_before != self.chain {
            return damage(Damage::Chain);
        }
        let (expected, found) = (self.next_sequence, header.first_sequence);
        if found != expected {
            return damage(Damage::Sequence { expected, found });
        }
        let end = offset + header.frame_bytes();
        if end > header.latest_end(segment.bytes)
            || found.checked_add(u64::from(header.count)).is_none()
        {
            return damage(Damage::Length);
        }
        Ok(Ok(header))
    }

    /// Decides what the lack of a frame at `offset` means. `frame_end` is where the frame in flight ends, if its header
    /// is whole.
    fn end<E>(
        &mut self,
        segment: &Segment<S::File>,
        offset: u64,
        what: Damage,
        frame_end: Option<u64>,
    ) -> Result<Ended, ScanError<E>> {
        let journal_id = self.report.journal_id;
        let mut torn_end = offset;
        let mut at = offset;
        while at < segment.bytes {
            let page = self.window.get(segment, at, PAGE_BYTES)?;
            let bytes = page.first_chunk().expect("a page holds a frame header");
            let vouches = at > offset && is_frame_of(journal_id, bytes);
            let zero = format::is_zero(page);
            at += PAGE_BYTES;
            if !zero {
                torn_end = at;
            }
            if vouches || frame_end.is_some_and(|end| torn_end > end) {
                return Err(corrupt(segment.index, offset, what));
            }
        }
        let what = if torn_end == offset { Damage::MissingRoll } else { what };
        Ok(Ended::Open { begun: true, end: offset, torn_bytes: torn_end - offset, what })
    }
}

fn is_frame_of(journal_id: u64, header: &[u8; FRAME_HEADER_BYTES]) -> bool {
    FrameHeader::decode(header).is_some_and(|header| header.journal_id == journal_id)
}

fn corrupt<E>(segment: u64, offset: u64, what: Damage) -> ScanError<E> {
    ScanError::Corruption(Corruption { segment, offset, what })
}
