//! What a pending operation waits for, and where: for reports.
//!
//! An operation that is pending leaves a note with its thread. Whoever polled it takes the note: a task keeps it until
//! its next poll, a thread that is about to sleep inside a task puts it into a table (`rt/asleep.rs`). A note costs two
//! thread-local stores.

use super::BlockedOn;
use norace_prim::probe::Site;
use norace_prim::thread_local;
use std::cell::Cell;
use std::fmt;
use std::panic::Location;

/// What a task waits for, and where in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocked {
    /// What it waits for.
    pub on: BlockedOn,
    /// The call that made the operation; for a join, the call that spawned the task waited for. Not known of sockets
    /// that a hand-written future polls.
    pub at: Option<&'static Location<'static>>,
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.on.fmt(f)?;
        match self.at {
            Some(place) => write!(f, " at {place}"),
            None => Ok(()),
        }
    }
}

thread_local! {
    static NOTE: Cell<Option<Blocked>> = const { Cell::new(None) };
}

/// Leaves a note that an operation made at `site` is pending.
#[inline]
pub(crate) fn note(on: BlockedOn, site: Site) {
    note_at(on, Some(site.place()));
}

/// As [`note`]. What a task does beside its other waits (a deadline, the end of its context) does not hide those.
pub(crate) fn note_at(on: BlockedOn, at: Option<&'static Location<'static>>) {
    let aside = matches!(on, BlockedOn::Sleep | BlockedOn::Context);
    // While the thread ends there is nobody to take it.
    let _ = NOTE.try_with(|note| {
        if !aside || note.get().is_none() {
            note.set(Some(Blocked { on, at }));
        }
    });
}

/// The last note of this thread, which stays.
#[inline]
pub(crate) fn noted() -> Option<Blocked> {
    NOTE.try_with(Cell::get).ok().flatten()
}

/// Makes the note what it was when it was [`noted`]: what has been polled since is pending no more.
#[inline]
pub(crate) fn restore_note(former: Option<Blocked>) {
    let _ = NOTE.try_with(|note| note.set(former));
}

/// Takes the last note of this thread.
#[inline]
pub(crate) fn take() -> Option<Blocked> {
    NOTE.try_with(Cell::take).ok().flatten()
}
