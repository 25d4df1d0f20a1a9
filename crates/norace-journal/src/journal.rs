//! The journal that is open: one owner appends, a helper makes the next segment.
//!
//! **States.** *Open* until a write or sync fails, *poisoned* from then on: the disk may hold any part of the failed
//! frame, the system may call the next sync a success without writing anything, and what follows must not be built on
//! either. Nothing clears the poison but opening anew, which reads what is really there.
//!
//! **An append**, step by step: refuse what does not fit its bounds; where the current segment has no room for it,
//! roll; write the frame with one call; sync; only then move the position, the sequence and the chain.
//!
//! **A roll**: 1. have the next segment, whole and named, or refuse with nothing written; 2. write and sync the roll
//! frame, which from now on demands that segment; 3. write and sync the header there. The first frame follows as
//! an append of its own. A crash between any two of them leaves a directory that recovery completes.
//!
//! **Shutdown**: 1. the helper is told to stop; 2. it ends its attempt and is joined; 3. the lock is released.

use norace_prim::{
    sync::{self, Arc, Mutex},
    thread,
};

use crate::{
    error::{AppendError, FileError, OpenError, Tried},
    format::{self, FrameHeader, Kind, PAGE_BYTES, SegmentHeader},
    names,
    options::{Options, Prepare},
    reader::Reader,
    recover::{RecoveredFrame, RecoveryReport, recover},
    room::{Next, Room, RoomHandle},
    segment::{self, Segment},
    storage::{Storage, StorageFile},
    suspect::{self, Place},
};

/// Where the helper leaves the next segment.
type Slot<F> = Arc<Mutex<Option<Segment<F>>>>;

/// A journal that is open for appending; at most one per directory, in all processes.
///
/// Appends take `&mut self`: their order is the order of the calls. Dropping it waits for the helper's attempt under
/// way and releases the lock, but does not seal; [`Journal::close`] does both.
#[derive(Debug)]
pub struct Journal<S: Storage> {
    storage: Arc<S>,
    options: Options,
    journal_id: u64,
    current: Segment<S::File>,
    /// Where the next frame goes in `current`.
    end: u64,
    next_sequence: u64,
    chain: u128,
    /// No batch has been appended since the last seal or roll.
    sealed: bool,
    /// The frame being written; kept for its memory.
    buffer: Vec<u8>,
    room: Arc<Room>,
    slot: Slot<S::File>,
    helper: Option<thread::JoinHandle<()>>,
    /// Held for its drop, after the helper has ended.
    _lock: S::Lock,
}

impl<S: Storage> Journal<S> {
    /// Opens the journal in `storage`, or begins one where there is none, and hands every batch to `each` in order.
    ///
    /// `each` sees frames before the rest has been read: when this fails, what it built is to be thrown away. The
    /// payload is lent for the call; no more than one frame and a read-ahead window is in memory.
    ///
    /// # Errors
    ///
    /// [`OpenError::Locked`] when the journal is open elsewhere; [`OpenError::Corruption`] when acknowledged data is
    /// damaged, in which case nothing has been changed; [`OpenError::Caller`] when `each` refused a frame;
    /// [`OpenError::Io`] when the storage failed; [`OpenError::Options`].
    pub fn open<E>(
        storage: S,
        options: Options,
        each: impl FnMut(RecoveredFrame<'_>) -> Result<(), E>,
    ) -> Result<(Self, RecoveryReport), OpenError<E>> {
        options.check().map_err(OpenError::Options)?;
        let lock = match storage.lock(names::LOCK).tried("lock", names::LOCK) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Err(OpenError::Locked),
            Err(error) => return Err(OpenError::Io(error)),
        };
        let opened = recover(&storage, &options, each)?;
        let room = Arc::new(Room::new(&options, opened.current.index + 1));
        if opened.spare.is_some() {
            room.set_next(Next::Ready);
        }
        let mut journal = Self {
            storage: Arc::new(storage),
            options,
            journal_id: opened.report.journal_id,
            current: opened.current,
            end: opened.end,
            next_sequence: opened.report.last_sequence + 1,
            chain: opened.chain,
            sealed: opened.report.sealed,
            buffer: Vec::new(),
            room,
            slot: Arc::new(Mutex::new(opened.spare)),
            helper: None,
            _lock: lock,
        };
        journal.start_helper().map_err(OpenError::Io)?;
        journal.publish();
        Ok((journal, opened.report))
    }

    /// Appends a frame of `count` records, the first of them `first_sequence`, and returns when it is durable.
    ///
    /// Blocks for one write and one sync; at a segment's end for two syncs more, and for the helper if it is behind.
    /// Appending is in order by type: the journal is borrowed mutably.
    ///
    /// # Errors
    ///
    /// [`AppendError::TooLarge`], [`AppendError::OutOfOrder`] and [`AppendError::StorageFull`] have written nothing and
    /// change nothing. After [`AppendError::Failed`] it is unknown whether the next recovery finds the frame, and every
    /// later call answers [`AppendError::Poisoned`].
    pub fn append(
        &mut self,
        first_sequence: u64,
        count: u32,
        payload: &[u8],
    ) -> Result<(), AppendError> {
        self.check_poison()?;
        let in_order = first_sequence == self.next_sequence
            && count > 0
            && first_sequence.checked_add(u64::from(count)).is_some();
        if !in_order {
            return Err(AppendError::OutOfOrder {
                expected: self.next_sequence,
                found: first_sequence,
                count,
            });
        }
        let max = self.options.max_frame_bytes;
        let payload_bytes = match u32::try_from(payload.len()) {
            Ok(bytes) if bytes <= max => bytes,
            _ => return Err(AppendError::TooLarge { bytes: payload.len(), max }),
        };
        let frame_bytes = format::frame_bytes(payload_bytes);
        if self.end + frame_bytes > format::batches_end(self.current.bytes) {
            self.roll()?;
        }
        self.write_frame(Kind::Batch, count, payload)?;
        self.publish();
        Ok(())
    }

    /// Vouches for the last frame: from now on damage to it is told from a torn write. Does nothing when no batch came
    /// since the last time.
    ///
    /// # Errors
    ///
    /// As [`Journal::append`], but never for want of space: every segment keeps a page for it.
    pub fn seal(&mut self) -> Result<(), AppendError> {
        self.check_poison()?;
        if !self.sealed {
            self.write_frame(Kind::Seal, 0, &[])?;
            self.publish();
        }
        Ok(())
    }

    /// Makes the next segment now, whether or not it is time, and waits for the outcome.
    ///
    /// # Errors
    ///
    /// [`AppendError::StorageFull`] when there is no space; the journal goes on with what it has.
    /// [`AppendError::Poisoned`] when making it failed otherwise.
    pub fn make_room(&mut self) -> Result<(), AppendError> {
        self.check_poison()?;
        self.ask(true);
        self.next_ready()
    }

    /// A handle that tells how much the journal will certainly take.
    pub fn room(&self) -> RoomHandle {
        RoomHandle(Arc::clone(&self.room))
    }

    /// A reader of what has been acknowledged, for any thread.
    pub fn reader(&self) -> Reader<S> {
        Reader::new(Arc::clone(&self.storage), self.journal_id)
    }

    /// The largest payload that will certainly be taken as the next frame; see [`RoomHandle::bytes`].
    pub fn room_bytes(&self) -> u64 {
        self.room().bytes()
    }

    /// The sequence at which the next frame begins.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Whether nothing needs a seal.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// The options it was opened with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Seals the journal and releases the lock.
    ///
    /// # Errors
    ///
    /// As [`Journal::seal`]; the lock is released all the same.
    pub fn close(mut self) -> Result<(), AppendError> {
        self.seal()
    }

    fn check_poison(&self) -> Result<(), AppendError> {
        self.room.poisoned().map_or(Ok(()), |cause| Err(AppendError::Poisoned { cause }))
    }

    /// Writes and syncs one frame at the end.
    fn write_frame(&mut self, kind: Kind, count: u32, payload: &[u8]) -> Result<(), AppendError> {
        let header = FrameHeader {
            kind,
            journal_id: self.journal_id,
            segment: self.current.index,
            offset: self.end,
            first_sequence: self.next_sequence,
            count,
            payload_bytes: u32::try_from(payload.len()).expect("bounded by max_frame_bytes"),
            chain_before: self.chain,
            payload_checksum: format::payload_checksum(payload),
        };
        assert!(
            self.end + header.frame_bytes() <= header.latest_end(self.current.bytes),
            "every frame leaves the pages that belong to others"
        );
        let encoded = header.encode();
        self.buffer.clear();
        self.buffer.extend_from_slice(&encoded);
        self.buffer.extend_from_slice(payload);
        let frame_bytes = usize::try_from(header.frame_bytes()).expect("it is in memory");
        self.buffer.extend_from_slice(&format::ZEROS[..frame_bytes - self.buffer.len()]);
        let file = &self.current.file;
        let written = file
            .write_all_at(&self.buffer, self.end)
            .tried("write", &self.current.name)
            .and_then(|()| file.sync_data().tried("sync", &self.current.name));
        written.map_err(|error| self.fail(error))?;
        self.end += header.frame_bytes();
        self.next_sequence += u64::from(count);
        self.chain = format::chain_after(&encoded);
        self.sealed = kind != Kind::Batch;
        Ok(())
    }

    /// Goes on in the next segment.
    fn roll(&mut self) -> Result<(), AppendError> {
        self.ask(false);
        self.next_ready()?;
        self.write_frame(Kind::Roll, 0, &[])?;
        let next = sync::lock(&self.slot).take().expect("a segment that is ready is in the slot");
        let header = SegmentHeader {
            journal_id: self.journal_id,
            index: next.index,
            segment_bytes: next.bytes,
            first_sequence: self.next_sequence,
            chain: self.chain,
        };
        // From here on the header is what is in doubt if something fails.
        self.current = next;
        self.end = 0;
        segment::write_header(&self.current, &header).map_err(|error| self.fail(error))?;
        self.end = PAGE_BYTES;
        self.room.begin_segment(format::batches_end(self.current.bytes) - PAGE_BYTES);
        Ok(())
    }

    /// Poisons the journal because of `error`.
    fn fail(&self, error: FileError) -> AppendError {
        self.room.poison(&error);
        suspect::mark(
            &*self.storage,
            Some(Place { segment: self.current.index, offset: self.end }),
        );
        AppendError::Failed(error)
    }

    /// Says what room is left, and asks for the next segment when it is time.
    fn publish(&mut self) {
        let rest = format::batches_end(self.current.bytes).saturating_sub(self.end);
        if self.room.publish(rest, !self.sealed) {
            self.ask(false);
        }
    }

    /// Has the next segment made, by the helper or here. A failed attempt is made again at once if `again`, or inline.
    fn ask(&mut self, again: bool) {
        let inline = self.options.prepare == Prepare::Inline;
        self.room.want(again || inline);
        if inline && let Some(index) = self.room.take_wanted() {
            prepare(&*self.storage, &self.room, &self.slot, index, self.options.segment_bytes);
        }
    }

    /// Waits for the attempt under way.
    fn next_ready(&self) -> Result<(), AppendError> {
        let next = self.room.outcome();
        self.check_poison()?;
        if next == Next::Ready { Ok(()) } else { Err(AppendError::StorageFull) }
    }

    fn start_helper(&mut self) -> Result<(), FileError> {
        let Prepare::Ahead { retry } = self.options.prepare else { return Ok(()) };
        let (storage, room) = (Arc::clone(&self.storage), Arc::clone(&self.room));
        let (slot, bytes) = (Arc::clone(&self.slot), self.options.segment_bytes);
        let helper = thread::Builder::new().name("norace-segments".to_owned()).spawn(move || {
            let _guard = PoisonOnPanic(&room);
            while let Some(index) = room.take_order(retry) {
                prepare(&*storage, &room, &slot, index, bytes);
            }
        });
        self.helper = Some(helper.tried("start the helper thread of", &self.current.name)?);
        Ok(())
    }
}

impl<S: Storage> Drop for Journal<S> {
    fn drop(&mut self) {
        self.room.stop();
        if let Some(helper) = self.helper.take() {
            // Its panic has been reported by the panic hook; the lock is to be released all the same.
            drop(helper.join());
        }
    }
}

/// Keeps the appender from waiting for a helper that is no more.
struct PoisonOnPanic<'a>(&'a Room);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.poison(&"the helper thread panicked");
        }
    }
}

/// Makes segment `index` and says how it went.
fn prepare<S: Storage>(
    storage: &S,
    room: &Room,
    slot: &Mutex<Option<Segment<S::File>>>,
    index: u64,
    bytes: u64,
) {
    match segment::create(storage, index, bytes, None) {
        Ok(segment) => {
            *sync::lock(slot) = Some(segment);
            room.set_next(Next::Ready);
        }
        Err(error) if error.is_full() => room.set_next(Next::Full),
        Err(error) => room.poison(&error),
    }
}
