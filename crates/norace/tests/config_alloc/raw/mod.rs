//! An allocator that counts.
#![expect(unsafe_code, reason = "an allocator is made of unsafe code")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Relaxed: a count.
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

/// How often `work` allocates; nothing else may run meanwhile.
pub(crate) fn allocations(work: impl FnOnce()) -> usize {
    // Relaxed: a count.
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    work();
    // Relaxed: a count.
    ALLOCATIONS.load(Ordering::Relaxed) - before
}
