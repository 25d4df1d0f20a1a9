//! A cell that is written once, as [`std::sync::OnceLock`].
//!
//! In a static, a value that a model wrote is forgotten when the execution ends: its memory is leaked, because a drop
//! in a later execution would act on objects that are no more. A value written outside models stays for all.

#![expect(unsafe_code, reason = "a shared reference to what was written once")]

use std::cell::UnsafeCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::sync::Once;

/// [`std::sync::OnceLock`], instrumented.
pub struct OnceLock<T> {
    once: Once,
    /// Written before `once` is complete, only read afterwards.
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: as for `std`'s: the value moves with the lock.
unsafe impl<T: Send> Send for OnceLock<T> {}
// SAFETY: as for `std`'s: `once` lets one thread write, before all others read; the value may have come from another
// thread than the one that drops it, hence `Send`.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}
impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// As `std`'s.
    #[track_caller]
    pub const fn new() -> Self {
        Self { once: Once::new(), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// As `std`'s.
    #[track_caller]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: complete: the value was written before, and is not written again.
        self.once.is_completed().then(|| unsafe { self.get_unchecked() })
    }

    /// As `std`'s.
    ///
    /// # Panics
    ///
    /// When the execution is given up before there is a value.
    #[track_caller]
    pub fn wait(&self) -> &T {
        self.once.wait_force();
        self.get().expect("the execution was given up")
    }

    /// # Safety
    ///
    /// The value was written, in this execution or outside models.
    unsafe fn get_unchecked(&self) -> &T {
        // SAFETY: no mutable reference to the cell exists once the value was written.
        let value = unsafe { &*self.value.get() };
        // SAFETY: the caller's promise.
        unsafe { value.assume_init_ref() }
    }

    /// As `std`'s.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if !self.once.is_completed_mut() {
            return None;
        }
        // SAFETY: complete: the value was written.
        Some(unsafe { self.value.get_mut().assume_init_mut() })
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// `value`, when there is one already.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("called once"));
        value.map_or(Ok(()), Err)
    }

    /// As `std`'s.
    #[track_caller]
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        self.once.call_once_force(|_| {
            let value = make();
            // SAFETY: `once` lets one thread in, and nobody reads before it is complete. What an earlier execution may
            // have left is overwritten, not dropped.
            unsafe { (*self.value.get()).write(value) };
        });
        // SAFETY: the call returned, so `once` is complete: it was before, or the closure above has just run. That
        // holds while an execution is unwound, too, where locks let everybody in, but one thread after the other.
        unsafe { self.get_unchecked() }
    }

    /// As `std`'s.
    pub fn take(&mut self) -> Option<T> {
        if !self.once.is_completed_mut() {
            return None;
        }
        self.once = Once::new();
        // SAFETY: complete: the value was written; from here on it counts as not written.
        Some(unsafe { self.value.get_mut().assume_init_read() })
    }

    /// As `std`'s.
    pub fn into_inner(mut self) -> Option<T> {
        self.take()
    }
}

impl<T> Drop for OnceLock<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<T> Default for OnceLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        let lock = Self::new();
        lock.get_or_init(|| value);
        lock
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceLock").finish_non_exhaustive()
    }
}
