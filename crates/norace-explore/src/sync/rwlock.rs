//! A readers-writer lock, as [`std::sync::RwLock`]; a waiting writer keeps new readers out.

#![expect(unsafe_code, reason = "a lock gives access to what it guards")]

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use crate::current;
use crate::engine::Engine;
use crate::event::{Class, Op};
use crate::meta::Meta;
use crate::slot::{Slot, perform};
use crate::thread;

/// [`std::sync::RwLock`], instrumented: inside a model, taking and releasing are steps.
///
/// A writer takes two: it joins the queue, from where on new readers wait, and takes the lock. So a thread that reads
/// twice can meet a writer in between, and never get its second read.
pub struct RwLock<T: ?Sized> {
    slot: Slot,
    poisoned: AtomicBool,
    /// Excludes threads outside models.
    outside: std::sync::RwLock<()>,
    value: UnsafeCell<T>,
}

// SAFETY: as for `std`'s: the value moves with the lock.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: as for `std`'s: the engine inside models, and `outside` elsewhere, keep writers alone with the value; readers
// share it, hence `Sync`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

/// Shared access to what a [`RwLock`] guards.
#[must_use = "the lock is released at once when the guard is dropped"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    outside: Option<std::sync::RwLockReadGuard<'a, ()>>,
}

/// Exclusive access to what a [`RwLock`] guards.
#[must_use = "the lock is released at once when the guard is dropped"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    outside: Option<std::sync::RwLockWriteGuard<'a, ()>>,
    panicking: bool,
}

impl<T> RwLock<T> {
    /// As `std`'s.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self {
            slot: Slot::new(),
            poisoned: AtomicBool::new(false),
            outside: std::sync::RwLock::new(()),
            value: UnsafeCell::new(value),
        }
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The value all the same, when the lock is poisoned.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        let value = self.value.into_inner();
        if poisoned { Err(PoisonError::new(value)) } else { Ok(value) }
    }
}

impl<T: ?Sized> RwLock<T> {
    const META: Meta = Meta::of::<T>(Class::RwLock, "rwlock");

    fn step(&self, op: Op, location: &'static Location<'static>) -> Option<bool> {
        let object = |engine: &mut Engine| {
            // SAFETY: guards live within an execution, and this is the first use of the lock in this one, so that
            // there is none.
            unsafe {
                self.slot
                    .resolve_data(engine, &Self::META, self.value.get(), || self.clear_poison())
            }
        };
        perform(object, op, location).map(|reply| reply.ok)
    }

    fn reading<'a>(
        &'a self,
        outside: Option<std::sync::RwLockReadGuard<'a, ()>>,
    ) -> LockResult<RwLockReadGuard<'a, T>> {
        let guard = RwLockReadGuard { lock: self, outside };
        if self.is_poisoned() { Err(PoisonError::new(guard)) } else { Ok(guard) }
    }

    fn writing<'a>(
        &'a self,
        outside: Option<std::sync::RwLockWriteGuard<'a, ()>>,
    ) -> LockResult<RwLockWriteGuard<'a, T>> {
        let guard = RwLockWriteGuard { lock: self, outside, panicking: thread::panicking() };
        if self.is_poisoned() { Err(PoisonError::new(guard)) } else { Ok(guard) }
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The guard all the same, when the lock is poisoned.
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let outside = match self.step(Op::Read, Location::caller()) {
            Some(_) => None,
            None => Some(self.outside.read().unwrap_or_else(PoisonError::into_inner)),
        };
        self.reading(outside)
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// When a writer has the lock or waits for it, or the lock is poisoned.
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let outside = match self.step(Op::TryRead, Location::caller()) {
            Some(true) => None,
            Some(false) => return Err(TryLockError::WouldBlock),
            None => match self.outside.try_read() {
                Ok(outside) => Some(outside),
                Err(TryLockError::Poisoned(poison)) => Some(poison.into_inner()),
                Err(TryLockError::WouldBlock) => return Err(TryLockError::WouldBlock),
            },
        };
        Ok(self.reading(outside)?)
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The guard all the same, when the lock is poisoned.
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let here = Location::caller();
        let outside = match self.step(Op::WriteRegister, here) {
            Some(_) => {
                self.step(Op::Write, here);
                None
            }
            None => Some(self.outside.write().unwrap_or_else(PoisonError::into_inner)),
        };
        self.writing(outside)
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// When the lock is taken, or poisoned.
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let outside = match self.step(Op::TryWrite, Location::caller()) {
            Some(true) => None,
            Some(false) => return Err(TryLockError::WouldBlock),
            None => match self.outside.try_write() {
                Ok(outside) => Some(outside),
                Err(TryLockError::Poisoned(poison)) => Some(poison.into_inner()),
                Err(TryLockError::WouldBlock) => return Err(TryLockError::WouldBlock),
            },
        };
        Ok(self.writing(outside)?)
    }

    /// As `std`'s.
    pub fn is_poisoned(&self) -> bool {
        // Relaxed: written and read under the lock, or only as a hint.
        self.poisoned.load(Ordering::Relaxed)
    }

    /// As `std`'s.
    pub fn clear_poison(&self) {
        // Relaxed: as above.
        self.poisoned.store(false, Ordering::Relaxed);
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The value all the same, when the lock is poisoned.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        let value = self.value.get_mut();
        if poisoned { Err(PoisonError::new(value)) } else { Ok(value) }
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard keeps writers out.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard excludes all other access to the value but through itself.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[track_caller]
    fn drop(&mut self) {
        if self.outside.is_none() {
            self.lock.step(Op::ReadUnlock, Location::caller());
        }
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[track_caller]
    fn drop(&mut self) {
        if !self.panicking && thread::panicking() && !current::is_tearing_down() {
            // Relaxed: written under the lock.
            self.lock.poisoned.store(true, Ordering::Relaxed);
        }
        if self.outside.is_none() {
            self.lock.step(Op::WriteUnlock, Location::caller());
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
