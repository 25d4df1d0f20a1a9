//! crossbeam-rs/crossbeam-epoch#53: garbage is marked with an epoch that was read before the object was out of reach.
//!
//! An object may be freed when the global epoch is two ahead of its mark: whoever was able to find it is not pinned any
//! more. The mark must not be older than the unlinking for that. It was loaded afterwards, but the fence between the
//! two came only after the load; so the load may miss that the epoch has advanced, and that somebody has pinned in the
//! new one and found the object. Fixed by loading the mark after the fence.

use super::{Allocation, MISUSES_MEMORY, spawn};
use crate::case::Case;
use norace_prim::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "crossbeam_epoch_53",
    class: "Memory ordering",
    kinds: MISUSES_MEMORY,
    blames: &["reader"],
    program,
};

/// The epoch of who is not pinned.
const UNPINNED: usize = usize::MAX;

struct Collector {
    global: AtomicUsize,
    /// The epochs in which the two participants are pinned; the remover is from the beginning.
    remover: AtomicUsize,
    reader: AtomicUsize,
    /// Whether the object can be found.
    linked: AtomicBool,
    object: Allocation,
}

impl Collector {
    /// Advances the epoch unless `other` is pinned in an earlier one; the epoch then.
    fn try_advance(&self, other: &AtomicUsize) -> usize {
        // Relaxed: the fence orders it.
        let epoch = self.global.load(Ordering::Relaxed);
        // SeqCst: pairs with the one in pin, so that either this sees who pins, or who pins sees what was unlinked.
        fence(Ordering::SeqCst);
        // Relaxed: the fences order it.
        let pinned = other.load(Ordering::Relaxed);
        if pinned != UNPINNED && pinned != epoch {
            return epoch;
        }
        // Acquire: pairs with the Release in unpin, so that what the other did while pinned is over.
        fence(Ordering::Acquire);
        // Release: passes that on.
        self.global.store(epoch + 1, Ordering::Release);
        epoch + 1
    }

    fn pin(&self, local: &AtomicUsize) {
        // Relaxed: a stale epoch only delays others.
        let epoch = self.global.load(Ordering::Relaxed);
        // Relaxed: the fence orders it.
        local.store(epoch, Ordering::Relaxed);
        // SeqCst: pairs with those of the other one, so that it sees the pin, or this what it unlinked.
        fence(Ordering::SeqCst);
    }

    fn unpin(local: &AtomicUsize) {
        // Release: pairs with the Acquire in try_advance.
        local.store(UNPINNED, Ordering::Release);
    }

    /// Advances the epoch, as an earlier pin did, and uses the object if it is there.
    fn read(&self) {
        self.try_advance(&self.remover);
        self.pin(&self.reader);
        // Acquire: pairs with whoever linked the object.
        if self.linked.load(Ordering::Acquire) {
            self.object.touch();
        }
        Self::unpin(&self.reader);
    }

    /// Unlinks the object, which is freed if it is old enough later.
    fn remove(&self, fixed: bool) {
        // Release: as every change of a pointer.
        self.linked.store(false, Ordering::Release);
        let mark = self.push_garbage(fixed);
        Self::unpin(&self.remover);
        let epoch = self.try_advance(&self.reader);
        if epoch - mark >= 2 {
            self.object.free();
        }
    }

    /// The epoch with which the object is marked.
    fn push_garbage(&self, fixed: bool) -> usize {
        if fixed {
            // SeqCst: pairs with the one in pin.
            fence(Ordering::SeqCst);
        }
        // Relaxed: the fence orders it.
        let mark = self.global.load(Ordering::Relaxed);
        if !fixed {
            // SeqCst: too late for the load.
            fence(Ordering::SeqCst);
        }
        mark
    }
}

fn program(fixed: bool) {
    let collector = Arc::new(Collector {
        global: AtomicUsize::new(0),
        remover: AtomicUsize::new(0),
        reader: AtomicUsize::new(UNPINNED),
        linked: AtomicBool::new(true),
        object: Allocation::named("object"),
    });
    let reads = collector.clone();
    spawn("reader", move || reads.read());
    collector.remove(fixed);
}
