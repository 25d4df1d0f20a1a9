//! A value with a version: in one atomic of 128 bits, or behind a lock.
//!
//! Both keep the same promise: the version rises by one with each set, in the same step; and version and value are read
//! together. A comparison of the version is thus a comparison of histories: who finds its version again knows that
//! nobody has set anything since, whatever the value is. That is what a comparison of values cannot say (ABA).

use super::word::Word;
use norace_prim::atomic::{AtomicU64, AtomicU128, Ordering};
use norace_prim::sync::{Arc, Mutex, lock};

/// How a [`Versioned`](super::Versioned) keeps a value: a [`Word`] in an atomic of 128 bits, an `Arc` behind a lock.
/// Not to be implemented outside: what it asks for has no name there.
pub trait Value: Clone {
    #[doc(hidden)]
    type Cell: Cell<Self>;
}

/// A value with its version.
pub trait Cell<T>: Sized {
    /// What tells a value from those before and after it, with its version.
    type Seen: Copy;
    fn new(value: T, version: u64) -> Self;
    fn load(&self) -> (T, Self::Seen);
    fn version_of(seen: Self::Seen) -> u64;
    fn version(&self) -> u64;
    /// Sets value and version if nobody has since it was `seen`. What is there otherwise.
    fn exchange(&self, seen: Self::Seen, new: T) -> Result<u64, (T, Self::Seen)>;
    /// As `exchange`, for who has the version only.
    fn compare_set(&self, expected: u64, new: T) -> Result<u64, (T, Self::Seen)>;
    fn into_inner(self) -> T;
}

impl<T: Word> Value for T {
    type Cell = Wide;
}

impl<T> Value for Arc<T> {
    type Cell = Behind<Self>;
}

/// The version above, the word below.
#[derive(Debug)]
pub struct Wide(AtomicU128);

fn pack(word: u64, version: u64) -> u128 {
    u128::from(version) << 64 | u128::from(word)
}

fn word_of<T: Word>(both: u128) -> T {
    T::from_word(both as u64)
}

impl<T: Word> Cell<T> for Wide {
    /// Both as they stand in the atomic.
    type Seen = u128;

    #[cfg_attr(norace, track_caller)]
    fn new(value: T, version: u64) -> Self {
        Self(AtomicU128::new(pack(value.into_word(), version)))
    }

    #[inline]
    #[cfg_attr(norace, track_caller)]
    fn load(&self) -> (T, u128) {
        // SeqCst: as the waiting protocol asks; it includes the Acquire that pairs with the Release in exchange.
        let seen = self.0.load(Ordering::SeqCst);
        (word_of(seen), seen)
    }

    #[inline]
    fn version_of(seen: u128) -> u64 {
        (seen >> 64) as u64
    }

    #[inline]
    #[cfg_attr(norace, track_caller)]
    fn version(&self) -> u64 {
        <Self as Cell<T>>::version_of(Cell::<T>::load(self).1)
    }

    #[inline]
    #[cfg_attr(norace, track_caller)]
    fn exchange(&self, seen: u128, new: T) -> Result<u64, (T, u128)> {
        let after = <Self as Cell<T>>::version_of(seen).wrapping_add(1);
        let both = pack(new.into_word(), after);
        let (success, failure) = (Ordering::SeqCst, Ordering::Acquire);
        // SeqCst: as the waiting protocol asks; it includes the Release for who loads this version. Acquire: who is
        // refused has seen what led to the version that refuses it.
        match self.0.compare_exchange(seen, both, success, failure) {
            Ok(_) => Ok(after),
            Err(now) => Err((word_of(now), now)),
        }
    }

    #[inline]
    #[cfg_attr(norace, track_caller)]
    fn compare_set(&self, expected: u64, new: T) -> Result<u64, (T, u128)> {
        // Acquire: who is refused has seen what led to the version that refuses it; otherwise the exchange decides.
        let found = self.0.load(Ordering::Acquire);
        if <Self as Cell<T>>::version_of(found) == expected {
            return self.exchange(found, new);
        }
        Err((word_of(found), found))
    }

    fn into_inner(mut self) -> T {
        word_of(*self.0.get_mut())
    }
}

/// The value behind a lock, and its version, written under that lock, also beside it.
#[derive(Debug)]
pub struct Behind<T> {
    version: AtomicU64,
    value: Mutex<T>,
}

impl<U> Cell<Arc<U>> for Behind<Arc<U>> {
    /// The version.
    type Seen = u64;

    #[cfg_attr(norace, track_caller)]
    fn new(value: Arc<U>, version: u64) -> Self {
        Self { version: AtomicU64::new(version), value: Mutex::new(value) }
    }

    fn load(&self) -> (Arc<U>, u64) {
        let value = lock(&self.value);
        // Relaxed: written under the lock.
        (value.clone(), self.version.load(Ordering::Relaxed))
    }

    fn version_of(seen: u64) -> u64 {
        seen
    }

    fn version(&self) -> u64 {
        // SeqCst: as the waiting protocol asks; it includes the Acquire that pairs with the Release in compare_set.
        self.version.load(Ordering::SeqCst)
    }

    fn exchange(&self, seen: u64, new: Arc<U>) -> Result<u64, (Arc<U>, u64)> {
        self.compare_set(seen, new)
    }

    fn compare_set(&self, expected: u64, new: Arc<U>) -> Result<u64, (Arc<U>, u64)> {
        let mut value = lock(&self.value);
        // Relaxed: written under the lock.
        let version = self.version.load(Ordering::Relaxed);
        if version != expected {
            return Err((value.clone(), version));
        }
        let former = std::mem::replace(&mut *value, new);
        let after = expected.wrapping_add(1);
        // SeqCst: as the waiting protocol asks; it includes the Release for who reads the version alone.
        self.version.store(after, Ordering::SeqCst);
        drop(value);
        // Its drop may be foreign code.
        drop(former);
        Ok(after)
    }

    fn into_inner(self) -> Arc<U> {
        self.value.into_inner().unwrap_or_else(norace_prim::sync::PoisonError::into_inner)
    }
}
