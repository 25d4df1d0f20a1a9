//! Two numbers that are read together without a lock, and may be changed meanwhile: a sequence lock (Lameter 2005;
//! in terms of this memory model Boehm, "Can seqlocks get along with programming language memory models?", 2012).
//!
//! A writer makes the version odd, writes both, makes it even. A reader reads the version, both, and the version again;
//! if that is odd or has changed it has read a mixture and begins anew. The numbers are stored with Release and loaded
//! with Acquire: who sees one of a writer's numbers sees the version odd, or later.

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::hint;
use norace_prim::sync::{Mutex, lock};

use super::quota::{ChangeError, Params, Quota};

/// A quota that may be changed while it is in use.
pub(super) struct Live {
    version: AtomicU64,
    unit: AtomicU64,
    all: AtomicU64,
    /// The whole quota; writers hold it.
    quota: Mutex<Quota>,
}

impl Live {
    pub(super) fn new(quota: Quota) -> Self {
        let Params { unit, all } = quota.params();
        Self {
            version: AtomicU64::new(0),
            unit: AtomicU64::new(unit),
            all: AtomicU64::new(all),
            quota: Mutex::new(quota),
        }
    }

    #[inline]
    pub(super) fn params(&self) -> Params {
        loop {
            // Acquire: pairs with the last Release in change, so that the numbers are not older than the version.
            let version = self.version.load(Ordering::Acquire);
            // Acquire: pairs with the Release in change, so that a number of a later version shows below.
            let unit = self.unit.load(Ordering::Acquire);
            // Acquire: the same.
            let all = self.all.load(Ordering::Acquire);
            // Relaxed: the loads above come before it.
            if version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version {
                return Params { unit, all };
            }
            hint::spin_loop();
        }
    }

    pub(super) fn quota(&self) -> Quota {
        *lock(&self.quota)
    }

    pub(super) fn change(&self, to: Quota) -> Result<(), ChangeError> {
        let mut quota = lock(&self.quota);
        quota.check_change(to)?;
        let Params { unit, all } = to.params();
        // Relaxed: only who holds the lock writes; the stores below carry it.
        let version = self.version.load(Ordering::Relaxed);
        // Relaxed: the same.
        self.version.store(version + 1, Ordering::Relaxed);
        // Release: pairs with the Acquire in params, so that who sees the number sees that the version is odd.
        self.unit.store(unit, Ordering::Release);
        // Release: the same.
        self.all.store(all, Ordering::Release);
        // Release: pairs with the first Acquire in params, so that who sees the version sees both numbers.
        self.version.store(version + 2, Ordering::Release);
        *quota = to;
        Ok(())
    }
}
