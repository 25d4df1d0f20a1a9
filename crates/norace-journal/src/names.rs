//! The names of a journal's files. Every other file in the directory is left alone and out of the account.

use std::io;

use crate::storage::Storage;

/// Held while the journal is open.
pub(crate) const LOCK: &str = "lock";

/// Says that a write or sync failed: what the system's cache shows from the last frame on may not be on disk. It does
/// its work without being durable itself, since a cache that is lost takes the doubt with it.
pub(crate) const SUSPECT: &str = "suspect";

const PREFIX: &str = "segment-";
const UNFINISHED: &str = ".tmp";

/// The file of segment `index`.
pub(crate) fn segment(index: u64) -> String {
    format!("{PREFIX}{index:016x}")
}

/// The file of segment `index` while it is being filled.
pub(crate) fn unfinished(index: u64) -> String {
    format!("{PREFIX}{index:016x}{UNFINISHED}")
}

/// What is in the directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Indexes of segments, ascending.
    pub(crate) segments: Vec<u64>,
    /// Files a dead process was filling.
    pub(crate) unfinished: Vec<String>,
    pub(crate) suspect: bool,
}

impl Listing {
    pub(crate) fn read<S: Storage>(storage: &S) -> io::Result<Self> {
        let mut listing = Self::default();
        for name in storage.list()? {
            if name == SUSPECT {
                listing.suspect = true;
            } else if let Some(index) = index_of(&name) {
                listing.segments.push(index);
            } else if name.strip_suffix(UNFINISHED).and_then(index_of).is_some() {
                listing.unfinished.push(name);
            }
        }
        listing.segments.sort_unstable();
        listing.unfinished.sort_unstable();
        Ok(listing)
    }
}

/// The index in a segment's name; only the spelling of [`segment`] counts.
fn index_of(name: &str) -> Option<u64> {
    let index = u64::from_str_radix(name.strip_prefix(PREFIX)?, 16).ok()?;
    (segment(index) == name).then_some(index)
}
