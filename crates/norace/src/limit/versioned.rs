//! Numbers that are read together without a lock, and may be changed meanwhile: a sequence lock (Lameter 2005; in terms
//! of this memory model Boehm, "Can seqlocks get along with programming language memory models?", 2012).
//!
//! A writer makes the version odd, writes all, makes it even. A reader reads the version, all, and the version again;
//! if that is odd or has changed it has read a mixture and begins anew. The numbers are stored with Release and loaded
//! with Acquire: who sees one of a writer's numbers sees the version odd, or later.

use norace_prim::atomic::{AtomicU64, Ordering};

/// `N` numbers with a version.
#[derive(Debug)]
pub(super) struct Versioned<const N: usize> {
    version: AtomicU64,
    numbers: [AtomicU64; N],
}

impl<const N: usize> Versioned<N> {
    pub(super) fn new(numbers: [u64; N]) -> Self {
        Self { version: AtomicU64::new(0), numbers: numbers.map(AtomicU64::new) }
    }

    /// The numbers; none when they are being changed.
    #[inline]
    pub(super) fn read(&self) -> Option<[u64; N]> {
        // Acquire: pairs with the last Release in write, so that the numbers are not older than the version.
        let version = self.version.load(Ordering::Acquire);
        // Acquire: pairs with the first Release in write, so that a number of a later version shows below.
        let numbers = self.numbers.each_ref().map(|number| number.load(Ordering::Acquire));
        // Relaxed: the loads above come before it.
        let same = self.version.load(Ordering::Relaxed) == version;
        (same && version.is_multiple_of(2)).then_some(numbers)
    }

    /// Changes them; one thread at a time.
    pub(super) fn write(&self, to: [u64; N]) {
        // Relaxed: there is one writer at a time; the stores below carry it.
        let version = self.version.load(Ordering::Relaxed);
        // Relaxed: the same.
        self.version.store(version + 1, Ordering::Relaxed);
        for (number, to) in self.numbers.iter().zip(to) {
            // Release: pairs with the second Acquire in read, so that who sees the number sees that the version is odd.
            number.store(to, Ordering::Release);
        }
        // Release: pairs with the first Acquire in read, so that who sees the version sees all numbers.
        self.version.store(version + 2, Ordering::Release);
    }
}
