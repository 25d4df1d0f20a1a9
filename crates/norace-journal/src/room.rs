//! How much space is certain, who makes more, and whether the journal is poisoned: what the appending thread, the
//! helper thread and the owners of [`RoomHandle`]s share, behind one lock.
//!
//! States of the next segment, and who moves them on:
//!
//! ```text
//!      appender, or who waits    helper (or the appender, inline)
//!  Idle ------------> Wanted ------------> Working ---> Ready   (appender takes it: Idle)
//!                        ^                     |
//!                        +---- make_room, -----+-----> Full
//!                              or the timer
//! ```
//!
//! A failure that is not for want of space sets the poison instead, which nothing clears. When the journal is closed,
//! an order that the helper has not taken is never carried out.

use std::fmt;

use norace_prim::{
    sync::{self, Arc, Condvar, Mutex},
    time::Duration,
};

use crate::format::{self, PAGE_BYTES};
use crate::options::{Options, Prepare};

#[cfg(test)]
mod tests;

/// The next segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Idle,
    Wanted,
    Working,
    Ready,
    Full,
}

#[derive(Debug)]
struct State {
    poisoned: Option<Arc<str>>,
    /// The journal is closed, or about to be.
    stopping: bool,
    /// The index of the next segment.
    next_index: u64,
    /// Bytes for batches left in the current segment.
    rest_bytes: u64,
    /// A seal may take a page of the rest before the next batch comes.
    seal_due: bool,
    next: Next,
}

#[derive(Debug)]
pub(crate) struct Room {
    state: Mutex<State>,
    /// For the helper: there may be work, or it is to stop.
    work: Condvar,
    /// For everybody else: `next`, `rest_bytes` or the poison changed.
    changed: Condvar,
    /// Bytes for batches in a segment yet to be begun.
    next_bytes: u64,
    max_frame_bytes: u32,
    /// A helper makes the segments.
    has_helper: bool,
}

impl Room {
    /// Room in a journal that is in the segment before `next_index`.
    pub(crate) fn new(options: &Options, next_index: u64) -> Self {
        Self {
            state: Mutex::new(State {
                poisoned: None,
                stopping: false,
                next_index,
                rest_bytes: 0,
                seal_due: false,
                next: Next::Idle,
            }),
            work: Condvar::new(),
            changed: Condvar::new(),
            next_bytes: format::batches_end(options.segment_bytes) - PAGE_BYTES,
            max_frame_bytes: options.max_frame_bytes,
            has_helper: options.prepare != Prepare::Inline,
        }
    }

    pub(crate) fn poisoned(&self) -> Option<Arc<str>> {
        sync::lock(&self.state).poisoned.clone()
    }

    /// Poisons the journal, unless it is already.
    pub(crate) fn poison(&self, cause: &dyn fmt::Display) {
        let mut state = sync::lock(&self.state);
        if state.poisoned.is_none() {
            state.poisoned = Some(cause.to_string().into());
        }
        drop(state);
        self.work.notify_all();
        self.changed.notify_all();
    }

    /// Says what is left of the current segment; true when the next one is to be asked for.
    pub(crate) fn publish(&self, rest_bytes: u64, seal_due: bool) -> bool {
        let mut state = sync::lock(&self.state);
        state.rest_bytes = rest_bytes;
        state.seal_due = seal_due;
        state.next == Next::Idle && rest_bytes < self.next_bytes / 4 * 3
    }

    /// The next segment has become the current one, with `rest_bytes` for batches: its room changes its name and is
    /// there at every moment.
    pub(crate) fn begin_segment(&self, rest_bytes: u64) {
        let mut state = sync::lock(&self.state);
        state.rest_bytes = rest_bytes;
        state.seal_due = false;
        state.next = Next::Idle;
        state.next_index += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Moves the next segment to `next`.
    pub(crate) fn set_next(&self, next: Next) {
        sync::lock(&self.state).next = next;
        self.work.notify_all();
        self.changed.notify_all();
    }

    /// For the appender: asks the helper for the next segment, unless it stands ready or is being made. A failed
    /// attempt is made again only if `again`.
    pub(crate) fn want(&self, again: bool) {
        let mut state = sync::lock(&self.state);
        let ask = match state.next {
            Next::Idle => true,
            Next::Full => again,
            Next::Wanted | Next::Working | Next::Ready => false,
        };
        if ask {
            state.next = Next::Wanted;
            drop(state);
            self.work.notify_all();
        }
    }

    /// For the appender: how the attempt under way ends. Returns at once when there is none.
    pub(crate) fn outcome(&self) -> Next {
        let mut state = sync::lock(&self.state);
        while state.poisoned.is_none() && matches!(state.next, Next::Wanted | Next::Working) {
            state = sync::wait(&self.changed, state);
        }
        state.next
    }

    /// For the helper: waits for work; `None` when it is to end. A failed attempt becomes work again after `retry`.
    pub(crate) fn take_order(&self, retry: Duration) -> Option<u64> {
        let mut state = sync::lock(&self.state);
        loop {
            if state.stopping || state.poisoned.is_some() {
                return None;
            }
            match state.next {
                Next::Wanted => {
                    state.next = Next::Working;
                    return Some(state.next_index);
                }
                Next::Full => {
                    let (guard, timed_out) = sync::wait_timeout(&self.work, state, retry);
                    state = guard;
                    if timed_out && state.next == Next::Full {
                        state.next = Next::Wanted;
                    }
                }
                Next::Idle | Next::Working | Next::Ready => {
                    state = sync::wait(&self.work, state);
                }
            }
        }
    }

    /// For the appender that makes segments inline: takes the order it has just given.
    pub(crate) fn take_wanted(&self) -> Option<u64> {
        let mut state = sync::lock(&self.state);
        if state.next != Next::Wanted {
            return None;
        }
        state.next = Next::Working;
        Some(state.next_index)
    }

    /// Ends the helper after the attempt under way, and the waiting for any other.
    pub(crate) fn stop(&self) {
        sync::lock(&self.state).stopping = true;
        self.work.notify_all();
        self.changed.notify_all();
    }

    fn frames(&self, state: &State, payload_bytes: u32) -> u64 {
        if state.poisoned.is_some() || payload_bytes > self.max_frame_bytes {
            return 0;
        }
        // Between any two batches there may be a seal; the one behind the last has its own page.
        let each = format::frame_bytes(payload_bytes) + PAGE_BYTES;
        let rest = if state.seal_due {
            state.rest_bytes / each
        } else {
            (state.rest_bytes + PAGE_BYTES) / each
        };
        let next =
            if state.next == Next::Ready { (self.next_bytes + PAGE_BYTES) / each } else { 0 };
        rest + next
    }
}

/// Tells, from any thread, how much the journal will certainly take.
///
/// **Promise.** What [`RoomHandle::frames`] or [`RoomHandle::bytes`] says is not taken back for want of space: it
/// counts only space that is written to disk already, and leaves out what seals may use. Only appends use it up. So
/// whoever decides before the append happens, with `k` frames handed over and not yet acknowledged, wants `k + 1`
/// frames, with `payload_bytes` a bound for all of them; count the handed-over first and ask for room second, so that a
/// frame which becomes durable in between is counted twice and not never. A poisoned journal has no room.
///
/// Cost: one short critical section.
#[derive(Debug, Clone)]
pub struct RoomHandle(pub(crate) Arc<Room>);

impl RoomHandle {
    /// How many frames with a payload of up to `payload_bytes` each will certainly be taken.
    pub fn frames(&self, payload_bytes: u32) -> u64 {
        self.0.frames(&sync::lock(&self.0.state), payload_bytes)
    }

    /// The largest payload that will certainly be taken as the next frame, at most
    /// [`Options::max_frame_bytes`](crate::Options::max_frame_bytes). 0 when there is no room.
    pub fn bytes(&self) -> u64 {
        let state = sync::lock(&self.0.state);
        if state.poisoned.is_some() {
            return 0;
        }
        let rest = state.rest_bytes.saturating_sub(if state.seal_due { PAGE_BYTES } else { 0 });
        let next = if state.next == Next::Ready { self.0.next_bytes } else { 0 };
        u64::from(format::payload_fitting(rest.max(next)).min(self.0.max_frame_bytes))
    }

    /// Waits until [`frames`](Self::frames)`(payload_bytes)` is at least `frames`, as long as somebody is working on
    /// it.
    ///
    /// A helper that is just behind, or that nobody has asked yet, is no reason to refuse anybody: this asks and waits
    /// for it, and returns at once otherwise.
    ///
    /// # Errors
    ///
    /// [`NoRoom::StorageFull`] when the last attempt to make room failed, or more is asked than there can be;
    /// [`NoRoom::Poisoned`] when the journal failed; [`NoRoom::Closed`] when it was dropped.
    pub fn wait(&self, frames: u64, payload_bytes: u32) -> Result<(), NoRoom> {
        let mut state = sync::lock(&self.0.state);
        loop {
            if let Some(cause) = &state.poisoned {
                return Err(NoRoom::Poisoned { cause: Arc::clone(cause) });
            }
            if self.0.frames(&state, payload_bytes) >= frames {
                return Ok(());
            }
            match state.next {
                Next::Working => {}
                Next::Idle | Next::Wanted if state.stopping => return Err(NoRoom::Closed),
                Next::Wanted => {}
                Next::Idle if self.0.has_helper => {
                    state.next = Next::Wanted;
                    self.0.work.notify_all();
                }
                Next::Idle | Next::Ready | Next::Full => return Err(NoRoom::StorageFull),
            }
            state = sync::wait(&self.0.changed, state);
        }
    }
}

/// Why [`RoomHandle::wait`] found no room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoRoom {
    /// The next segment could not be made for want of space.
    StorageFull,
    /// A write or sync failed earlier.
    Poisoned {
        /// That failure.
        cause: Arc<str>,
    },
    /// The journal was dropped.
    Closed,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StorageFull => f.write_str("no space for the next segment"),
            Self::Poisoned { cause } => write!(f, "the journal failed earlier: {cause}"),
            Self::Closed => f.write_str("the journal is closed"),
        }
    }
}

impl std::error::Error for NoRoom {}
