//! Finding frames by sequence in a journal that is being written.
//!
//! A reader takes no lock and shares nothing with the appender but the files. What makes that sound is what its caller
//! promises: the sequence asked for has been acknowledged. Its frame, and all before it, are then whole, in the file,
//! and never written again; what lies behind may be in the middle of being written, and is not looked at.
//!
//! Only the read-ahead may hold such bytes, or the zeros that were there before a frame. So whatever does not check out
//! is read anew, once, before it counts as damage.
//!
//! The segment is found by bisection over the headers, the frame by walking over the frames' headers from there, or
//! from where the reader found the last one.

use std::io::ErrorKind;

use norace_prim::sync::Arc;

use crate::{
    error::{Corruption, Damage, FileError, FindError, Tried as _},
    format::{self, FRAME_HEADER_BYTES, FrameHeader, Kind, NotASegment, PAGE_BYTES, SegmentHeader},
    names::{self, Listing},
    recover::RecoveredFrame,
    segment::Segment,
    storage::{Access, Storage, StorageFile as _},
    window::Window,
};

/// Reads acknowledged frames of a journal, also while it is being written; made by
/// [`Journal::reader`](crate::Journal::reader).
#[derive(Debug)]
pub struct Reader<S: Storage> {
    storage: Arc<S>,
    journal_id: u64,
    /// Where the last frame found is.
    found: Option<Place>,
    /// The segment that it is in, unless the reader rests.
    segment: Option<Segment<S::File>>,
    window: Window,
}

/// The place of a frame.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: u64,
    offset: u64,
    /// The frame's first sequence, or the next one if it holds none.
    sequence: u64,
}

/// A place, with its segment open.
#[derive(Debug)]
struct At<F> {
    segment: Segment<F>,
    offset: u64,
    sequence: u64,
}

/// The clone has no place yet.
impl<S: Storage> Clone for Reader<S> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.storage), self.journal_id)
    }
}

impl<F> At<F> {
    fn damage(&self, what: Damage) -> FindError {
        FindError::Corruption(Corruption { segment: self.segment.index, offset: self.offset, what })
    }
}

impl<S: Storage> Reader<S> {
    pub(crate) fn new(storage: Arc<S>, journal_id: u64) -> Self {
        Self { storage, journal_id, found: None, segment: None, window: Window::default() }
    }

    /// The frame that holds `sequence`, which must have been acknowledged. Quick for frames one after the other.
    ///
    /// Blocks for reads of the disk: of a few pages at least, and of the frame headers on the way at most.
    ///
    /// # Errors
    ///
    /// [`FindError::Gone`] when the journal no longer goes back so far; [`FindError::Corruption`] when the frame, or
    /// what leads to it, is not as it was written, or was never acknowledged; [`FindError::Io`].
    pub fn find(&mut self, sequence: u64) -> Result<RecoveredFrame<'_>, FindError> {
        let mut at = match self.found.take().filter(|found| found.sequence <= sequence) {
            Some(found) => self.at(found)?,
            None => self.locate(sequence)?,
        };
        let header = loop {
            let header = self.header(&at)?;
            let next = at.sequence + u64::from(header.count);
            match header.kind {
                Kind::Batch if sequence < next => break header,
                Kind::Roll => at = self.roll(&at, sequence)?,
                Kind::Batch | Kind::Seal => {
                    at.offset += header.frame_bytes();
                    at.sequence = next;
                }
            }
        };
        self.check_payload(&at, &header)?;
        let At { segment, offset, sequence } = at;
        self.found = Some(Place { segment: segment.index, offset, sequence });
        let segment = self.segment.insert(segment);
        let frame = self.window.get(segment, offset, header.frame_bytes())?;
        let payload = &frame[FRAME_HEADER_BYTES..][..header.payload_bytes as usize];
        Ok(RecoveredFrame { first_sequence: sequence, count: header.count, payload })
    }

    /// Gives back the memory of the read-ahead and the open file, for a reader that is not needed for a while.
    pub fn rest(&mut self) {
        self.window = Window::default();
        self.segment = None;
    }

    fn at(&mut self, place: Place) -> Result<At<S::File>, FileError> {
        let segment = match self.segment.take() {
            Some(segment) => segment,
            None => self.open(place.segment)?,
        };
        Ok(At { segment, offset: place.offset, sequence: place.sequence })
    }

    /// The first frame of the segment that holds `sequence`.
    fn locate(&mut self, sequence: u64) -> Result<At<S::File>, FindError> {
        let listing = Listing::read(&*self.storage).tried("list", "the directory")?;
        let (mut found, mut missed) = (None, Err(Damage::MissingSegment));
        let (mut from, mut to) = (0, listing.segments.len());
        while from < to {
            let middle = from.midpoint(to);
            let segment = self.open(listing.segments[middle])?;
            match self.segment_header(&segment)? {
                Ok(header) if header.first_sequence <= sequence => {
                    from = middle + 1;
                    found =
                        Some(At { segment, offset: PAGE_BYTES, sequence: header.first_sequence });
                }
                // Damage too leads to what is before it, and is met again on the way from there.
                header => {
                    to = middle;
                    missed = header;
                }
            }
        }
        // Where none was found, the last that was looked at is the oldest.
        found.ok_or_else(|| match missed {
            Ok(header) => FindError::Gone { oldest: header.first_sequence },
            Err(what) => {
                let segment = listing.segments.first().copied().unwrap_or(0);
                FindError::Corruption(Corruption { segment, offset: 0, what })
            }
        })
    }

    /// The segment behind that of `at`, which has come to its end; or where `sequence` is, if that one is gone and
    /// perhaps others with it.
    fn roll(&mut self, at: &At<S::File>, sequence: u64) -> Result<At<S::File>, FindError> {
        match self.begin(at.segment.index + 1, at.sequence) {
            Err(FindError::Io(error)) if error.source.kind() == ErrorKind::NotFound => {
                let found = self.locate(sequence)?;
                if found.segment.index > at.segment.index {
                    return Ok(found);
                }
                Err(FindError::Io(error))
            }
            begun => begun,
        }
    }

    /// The first frame of segment `index`, which begins at `sequence`.
    fn begin(&mut self, index: u64, sequence: u64) -> Result<At<S::File>, FindError> {
        let segment = self.open(index)?;
        let header = self.segment_header(&segment)?;
        let at = At { segment, offset: PAGE_BYTES, sequence };
        let damage = |what| FindError::Corruption(Corruption { segment: index, offset: 0, what });
        if header.map_err(damage)?.first_sequence != sequence {
            return Err(damage(Damage::Discontinued));
        }
        Ok(at)
    }

    fn open(&mut self, index: u64) -> Result<Segment<S::File>, FileError> {
        let name = names::segment(index);
        let file = self.storage.open(&name, Access::Read).tried("open", &name)?;
        let bytes = file.bytes().tried("measure", &name)?;
        self.window.forget();
        Ok(Segment { index, name, file, bytes })
    }

    fn segment_header(
        &mut self,
        segment: &Segment<S::File>,
    ) -> Result<Result<SegmentHeader, Damage>, FileError> {
        if segment.bytes < PAGE_BYTES {
            return Ok(Err(Damage::WrongLength { expected: 0, found: segment.bytes }));
        }
        let page = self.window.get(segment, 0, PAGE_BYTES)?;
        let bytes = page.first_chunk().expect("a page holds a segment header");
        Ok(match SegmentHeader::decode(bytes) {
            Err(NotASegment::Bad) => Err(Damage::SegmentHeader),
            Err(NotASegment::Version(found)) => Err(Damage::Version { found }),
            Ok(header) if header.journal_id != self.journal_id => Err(Damage::ForeignSegment),
            Ok(header) if header.index != segment.index => {
                Err(Damage::Renumbered { found: header.index })
            }
            Ok(header) => Ok(header),
        })
    }

    /// The header of the frame at `at`.
    fn header(&mut self, at: &At<S::File>) -> Result<FrameHeader, FindError> {
        if at.offset + PAGE_BYTES > at.segment.bytes {
            return Err(at.damage(Damage::Length));
        }
        let mut found = self.read_header(at)?;
        if found.is_err() {
            self.window.forget();
            found = self.read_header(at)?;
        }
        found.map_err(|what| at.damage(what))
    }

    fn read_header(&mut self, at: &At<S::File>) -> Result<Result<FrameHeader, Damage>, FileError> {
        let page = self.window.get(&at.segment, at.offset, PAGE_BYTES)?;
        let bytes = page.first_chunk().expect("a page holds a frame header");
        let header = match FrameHeader::decode(bytes) {
            Some(header) if header.journal_id == self.journal_id => header,
            _ => return Ok(Err(Damage::FrameHeader)),
        };
        let (expected, found) = (at.sequence, header.first_sequence);
        Ok(if header.segment != at.segment.index || header.offset != at.offset {
            Err(Damage::Misplaced)
        } else if found != expected {
            Err(Damage::Sequence { expected, found })
        } else if at.offset + header.frame_bytes() > header.latest_end(at.segment.bytes)
            || found.checked_add(u64::from(header.count)).is_none()
        {
            Err(Damage::Length)
        } else {
            Ok(header)
        })
    }

    fn check_payload(&mut self, at: &At<S::File>, header: &FrameHeader) -> Result<(), FindError> {
        for _ in 0..2 {
            let frame = self.window.get(&at.segment, at.offset, header.frame_bytes())?;
            let payload = &frame[FRAME_HEADER_BYTES..][..header.payload_bytes as usize];
            if format::payload_checksum(payload) == header.payload_checksum {
                return Ok(());
            }
            self.window.forget();
        }
        Err(at.damage(Damage::Payload))
    }
}
