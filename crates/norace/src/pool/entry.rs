//! An object with what the pool has to know of it.

use crate::wait::Key;
use norace_prim::atomic::Tally;
use norace_prim::sync::Arc;

/// The right to one of the objects that a pool may have; given back to the desk when the object is gone.
pub(super) struct Licence {
    /// Where the desk keeps it.
    pub(super) key: Key,
    /// How often the object was used again. Who holds the object writes it, and the desk reads it.
    pub(super) uses: Arc<Tally>,
}

/// An object; who has the box is its only user.
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) licence: Licence,
    /// The age of the pool when it came back last.
    pub(super) since: u32,
}

impl<T> Entry<T> {
    /// Counts one more use; true once in a while, when the clock is worth a look.
    #[inline]
    pub(super) fn use_again(&self) -> bool {
        let uses = &self.licence.uses;
        uses.add_alone(1);
        uses.get().is_multiple_of(64)
    }
}
