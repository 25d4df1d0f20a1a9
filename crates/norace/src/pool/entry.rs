//! An object with what the pool has to know of it.

use norace_prim::atomic::{AtomicUsize, Ordering, Tally};
use norace_prim::sync::Arc;

/// What the desk knows of an object.
///
/// Who holds the object writes it at each use, so it has a cache line of its own. Of the pair of lines that processors
/// fetch together it has only one: twice the memory for each object would be more than that costs.
#[repr(align(64))]
pub(super) struct Record {
    /// How often the object was used again. Who holds the object writes it, and the desk reads it.
    uses: Tally,
    /// Where the desk keeps it; written and read under the desk's lock.
    place: AtomicUsize,
}

impl Record {
    pub(super) fn new(place: usize) -> Self {
        Self { uses: Tally::new(), place: AtomicUsize::new(place) }
    }

    pub(super) fn uses(&self) -> u64 {
        self.uses.get()
    }

    pub(super) fn place(&self) -> usize {
        // Relaxed: the lock of the desk orders it.
        self.place.load(Ordering::Relaxed)
    }

    pub(super) fn move_to(&self, place: usize) {
        // Relaxed: as above.
        self.place.store(place, Ordering::Relaxed);
    }
}

/// The right to one of the objects that a pool may have; given back to the desk when the object is gone.
pub(super) struct Licence(pub(super) Arc<Record>);

/// An object; who has the box is its only user.
///
/// Who uses the object writes here, too, so neighbours in memory share no line.
#[repr(align(64))]
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
        let uses = &self.licence.0.uses;
        uses.add_alone(1).wrapping_add(1).is_multiple_of(64)
    }
}
