//! What the engine needs from the world: a journal, its history, and a clock.

use std::fmt;

use norace_journal::RecoveredFrame;
use norace_prim::sync::Mutex;
use norace_prim::sync::lock;
use norace_prim::time::{SystemTime, UNIX_EPOCH};

/// A durable, ordered log of frames.
pub trait Journal: Send + 'static {
    /// Writes a frame of `count` records, the first at `first_sequence`, and returns when it is durable.
    ///
    /// # Errors
    ///
    /// [`JournalError::Full`] leaves the journal as it was; [`JournalError::Failed`] ends it.
    fn append(
        &mut self,
        first_sequence: u64,
        count: u32,
        payload: &[u8],
    ) -> Result<(), JournalError>;

    /// Vouches for the last frame, so that damage to it is told from a torn write. Does nothing when already done.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    fn seal(&mut self) -> Result<(), JournalError>;

    /// A view of the room left that another thread can hold.
    fn room(&self) -> Box<dyn Room>;

    /// A view of what is durable that other threads can hold.
    fn history(&self) -> Box<dyn History>;

    /// Called when a command was refused for want of room and the journal is idle: tries to make some.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    fn make_room(&mut self) -> Result<(), JournalError>;
}

/// How much a journal can still take.
pub trait Room: Send + Sync + 'static {
    /// Makes certain that `frames` more frames, each with a payload of up to `payload_bytes`, will be taken. Waits as
    /// long as more room is being made. A promise once given is used up by appends alone.
    ///
    /// # Errors
    ///
    /// [`JournalError::Full`] when there is no such room now; [`JournalError::Failed`] when there never will be.
    fn wait(&self, frames: u64, payload_bytes: usize) -> Result<(), JournalError>;
}

/// Why a journal did not take a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// There is no room; nothing was written.
    Full,
    /// A write or a sync failed; what is on the disk is unknown and nothing more may be written.
    Failed(String),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the journal has no room left"),
            Self::Failed(cause) => write!(f, "writing the journal failed: {cause}"),
        }
    }
}

impl std::error::Error for JournalError {}

/// What a journal has made durable, beside the appending.
pub trait History: Send + Sync + 'static {
    /// A reader with a place of its own.
    fn reader(&self) -> Box<dyn FrameReader>;
}

/// Reads durable frames, quickly if one after the other.
pub trait FrameReader: Send + 'static {
    /// The frame that holds the record at `sequence`, which is durable. Blocks for the disk.
    ///
    /// # Errors
    ///
    /// [`HistoryError`].
    fn find(&mut self, sequence: u64) -> Result<RecoveredFrame<'_>, HistoryError>;

    /// Gives memory back: the next call comes later.
    fn rest(&mut self);
}

/// Why durable records can't be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryError {
    /// The journal no longer goes back so far.
    Gone {
        /// The smallest position from which reading is possible without a gap.
        oldest: u64,
    },
    /// Too much is being read at the same time, or the runtime stops.
    Busy,
    /// The journal can't be read now, or not any more.
    Unreadable(String),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { oldest } => {
                write!(f, "events are kept only after position {oldest}")
            }
            Self::Busy => f.write_str("too much of the journal is being read"),
            Self::Unreadable(cause) => write!(f, "reading the journal: {cause}"),
        }
    }
}

impl std::error::Error for HistoryError {}

/// The time of day.
pub trait Clock: Send + Sync + 'static {
    /// Microseconds since the epoch. It may step back; the engine records times that never decrease.
    fn now_us(&self) -> u64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

/// A clock that a test moves.
#[derive(Debug, Default)]
pub struct ManualClock(Mutex<u64>);

impl ManualClock {
    /// A clock that shows `now_us`.
    pub fn new(now_us: u64) -> Self {
        Self(Mutex::new(now_us))
    }

    /// Moves it forward.
    pub fn advance_us(&self, by: u64) {
        *lock(&self.0) += by;
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> u64 {
        *lock(&self.0)
    }
}

impl<C: Clock> Clock for norace_prim::sync::Arc<C> {
    fn now_us(&self) -> u64 {
        C::now_us(self)
    }
}
