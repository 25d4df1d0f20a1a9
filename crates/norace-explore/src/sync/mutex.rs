//! A mutual exclusion lock, as [`std::sync::Mutex`].

#![expect(unsafe_code, reason = "a lock gives access to what it guards")]

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
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

/// [`std::sync::Mutex`], instrumented: inside a model, taking and releasing are steps.
pub struct Mutex<T: ?Sized> {
    slot: Slot,
    /// What it is in reports.
    meta: &'static Meta,
    poisoned: AtomicBool,
    /// Excludes threads outside models.
    outside: std::sync::Mutex<()>,
    value: UnsafeCell<T>,
}

// SAFETY: as for `std`'s: the value moves with the lock.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as for `std`'s: the engine inside models, and `outside` elsewhere, let one thread at a time to the value.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

/// Access to what a [`Mutex`] guards, for as long as it lives.
///
/// Shared, it shares the value, so that has to allow it:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>() {}
/// share::<norace_explore::sync::MutexGuard<'_, std::cell::Cell<u32>>>();
/// ```
#[must_use = "the lock is released at once when the guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    pub(super) lock: &'a Mutex<T>,
    pub(super) outside: Option<std::sync::MutexGuard<'a, ()>>,
    panicking: bool,
    /// Shared between threads, the guard shares the value.
    value: PhantomData<&'a mut T>,
}

impl<T> Mutex<T> {
    /// As `std`'s.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self::with_meta(value, &Self::META)
    }

    /// The lock inside something else, which is what reports speak of.
    #[track_caller]
    pub(super) const fn with_meta(value: T, meta: &'static Meta) -> Self {
        Self {
            slot: Slot::new(),
            meta,
            poisoned: AtomicBool::new(false),
            outside: std::sync::Mutex::new(()),
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

impl<T: ?Sized> Mutex<T> {
    const META: Meta = Meta::of::<T>(Class::Mutex, "mutex");

    #[inline]
    fn guard<'a>(
        &'a self,
        outside: Option<std::sync::MutexGuard<'a, ()>>,
    ) -> LockResult<MutexGuard<'a, T>> {
        let panicking = thread::panicking();
        let guard = MutexGuard { lock: self, outside, panicking, value: PhantomData };
        if self.is_poisoned() { Err(PoisonError::new(guard)) } else { Ok(guard) }
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// The guard all the same, when the lock is poisoned.
    #[track_caller]
    #[inline(always)]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let outside = match self.step(Op::Lock, Location::caller()) {
            Some(_) => None,
            None => Some(self.outside.lock().unwrap_or_else(PoisonError::into_inner)),
        };
        self.guard(outside)
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// When the lock is taken, or poisoned.
    #[track_caller]
    #[inline(always)]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let outside = match self.step(Op::TryLock, Location::caller()) {
            Some(true) => None,
            Some(false) => return Err(TryLockError::WouldBlock),
            None => match self.outside.try_lock() {
                Ok(outside) => Some(outside),
                Err(TryLockError::Poisoned(poison)) => Some(poison.into_inner()),
                Err(TryLockError::WouldBlock) => return Err(TryLockError::WouldBlock),
            },
        };
        Ok(self.guard(outside)?)
    }

    #[inline(always)]
    pub(super) fn step(&self, op: Op, location: &'static Location<'static>) -> Option<bool> {
        let object = |engine: &mut Engine| {
            // SAFETY: guards live within an execution, and this is the first use of the lock in this one, so that
            // there is none.
            unsafe {
                self.slot.resolve_data(engine, self.meta, self.value.get(), || self.clear_poison())
            }
        };
        perform(object, op, location).map(|reply| reply.ok)
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

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard excludes all other access to the value but through itself.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[track_caller]
    #[inline(always)]
    fn drop(&mut self) {
        if !self.panicking && thread::panicking() && !current::is_tearing_down() {
            // Relaxed: written under the lock.
            self.lock.poisoned.store(true, Ordering::Relaxed);
        }
        if self.outside.is_none() {
            self.lock.step(Op::Unlock, Location::caller());
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
