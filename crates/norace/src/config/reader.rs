//! Reading: with a copy of one's own, and by a short loan.

use super::shared::Shared;
use super::snapshot::Snapshot;
use crate::raw::lent::Loan;
use norace_prim::sync::Arc;
use std::fmt;
use std::ops::Deref;

/// Reads a [`Hot`](super::Hot) value at the cost of one atomic load while it does not change.
///
/// One for each thread or task that reads often; clone it or call [`Hot::reader`](super::Hot::reader). It keeps the
/// version it read last, so at most one former one, until it reads again or is dropped.
pub struct Reader<T> {
    shared: Arc<Shared<T>>,
    cached: Snapshot<T>,
}

impl<T> Reader<T> {
    pub(crate) fn new(shared: Arc<Shared<T>>) -> Self {
        let cached = shared.load().snapshot();
        Self { shared, cached }
    }

    /// The value in force.
    ///
    /// It allocates nothing. A value that was replaced since the last call is let go, and dropped here if nobody else
    /// holds it.
    #[inline]
    pub fn get(&mut self) -> &T {
        self.snapshot()
    }

    /// The value in force with its version; clone it for keeps.
    #[inline]
    pub fn snapshot(&mut self) -> &Snapshot<T> {
        if self.shared.is_news(self.cached.version()) {
            self.refresh();
        }
        &self.cached
    }

    /// The version that was read last.
    pub fn version(&self) -> u64 {
        self.cached.version()
    }

    #[cold]
    fn refresh(&mut self) {
        self.cached = self.shared.load().snapshot();
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), cached: self.cached.clone() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("cached", &self.cached).finish_non_exhaustive()
    }
}

/// A value that was in force when it was loaded, for a short while.
///
/// It may be held across an await and end on any thread, and holds up neither publishers nor other readers. For long,
/// keep a [`snapshot`](Loaded::snapshot): a thread has eight places for loans of one value, shared with every eighth
/// thread; beyond them loading takes a lock.
pub struct Loaded<'a, T>(pub(crate) Loan<'a, T>);

impl<T> Loaded<'_, T> {
    /// Its version.
    #[inline]
    pub fn version(&self) -> u64 {
        self.0.version()
    }

    /// The value for keeps.
    pub fn snapshot(&self) -> Snapshot<T> {
        self.0.snapshot()
    }
}

impl<T> Deref for Loaded<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Loaded<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("version", &self.version()).field("value", &**self).finish()
    }
}
