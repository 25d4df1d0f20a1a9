//! One version of a value.

use norace_prim::sync::Arc;
use std::fmt;
use std::ops::Deref;

/// One version of a value, for keeps: it stays what it is, whatever is published meanwhile.
///
/// Cloning counts; the value is dropped with the last of its snapshots, loans and cached readers.
pub struct Snapshot<T> {
    version: u64,
    value: Arc<T>,
}

impl<T> Snapshot<T> {
    pub(crate) fn new(version: u64, value: Arc<T>) -> Self {
        Self { version, value }
    }

    /// A value that is known to be this version.
    pub fn of(version: u64, value: T) -> Self {
        Self::new(version, Arc::new(value))
    }

    /// Its version: 1 for the first value, and one more with each publication.
    #[inline]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The value.
    pub fn value(&self) -> &Arc<T> {
        &self.value
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self { version: self.version, value: self.value.clone() }
    }
}

impl<T> Deref for Snapshot<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", &self.version)
            .field("value", &self.value)
            .finish()
    }
}
