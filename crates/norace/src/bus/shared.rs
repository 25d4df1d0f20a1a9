//! What all ends of a bus share beside the ring.

use super::bell::Bell;
use crate::raw::bus::Bells;
use norace_prim::atomic::{AtomicUsize, Ordering, Tally};

pub(super) type Ring<T> = crate::raw::bus::Ring<T, Shared>;

pub(super) struct Shared {
    /// Awaited by subscribers that have read everything, and by publishers that have no room.
    pub(super) published: Bell,
    /// Awaited by publishers that have no room.
    pub(super) freed: Bell,
    /// How often there was no room.
    pub(super) refusals: Tally,
    publishers: AtomicUsize,
}

impl Shared {
    /// With one publisher.
    pub(super) fn new() -> Self {
        Self {
            published: Bell::new(),
            freed: Bell::new(),
            refusals: Tally::new(),
            publishers: AtomicUsize::new(1),
        }
    }

    /// One more publisher; said by one of them.
    pub(super) fn add_publisher(&self) {
        // Relaxed: whoever clones keeps the count above 0.
        self.publishers.fetch_add(1, Ordering::Relaxed);
    }

    /// One more publisher, unless the last one is gone.
    pub(super) fn revive_publisher(&self) -> bool {
        let more = |count: usize| (count > 0).then(|| count + 1);
        // Relaxed: the count is all there is.
        self.publishers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// One publisher fewer; true when that was the last.
    pub(super) fn drop_publisher(&self) -> bool {
        // AcqRel: what the others did comes before the close by the last.
        self.publishers.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl Bells for Shared {
    #[inline]
    fn published(&self, ordered: bool) {
        self.published.ring(ordered);
    }

    #[inline]
    fn freed(&self, ordered: bool) {
        self.freed.ring(ordered);
    }

    fn closed(&self) {
        self.published.wake_all();
        self.freed.wake_all();
    }
}
