//! A value made at its first use, as [`std::sync::LazyLock`].

#![expect(unsafe_code, reason = "the initialiser is used once in every execution")]

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::statics;
use crate::sync::OnceLock;

/// [`std::sync::LazyLock`], instrumented.
///
/// One in a static is made anew in every execution that uses it, unless it was made outside models.
///
/// # Panics
///
/// A use in a second execution of a lazy value that is in no static (or whose initialiser owns memory, or, on systems
/// other than Linux, of any) panics: its initialiser is gone.
pub struct LazyLock<T, F = fn() -> T> {
    made: OnceLock<T>,
    /// Taken under the lock of `made`.
    make: UnsafeCell<Option<F>>,
}

// SAFETY: as for `std`'s: `make` is touched by the one thread that makes the value, hence `Send` alone.
unsafe impl<T: Send + Sync, F: Send> Sync for LazyLock<T, F> {}
impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// As `std`'s.
    #[track_caller]
    pub const fn new(make: F) -> Self {
        Self { made: OnceLock::new(), make: UnsafeCell::new(Some(make)) }
    }

    /// As `std`'s.
    #[track_caller]
    pub fn force(this: &Self) -> &T {
        this.made.get_or_init(|| {
            let address = this.make.get();
            let make = if !std::mem::needs_drop::<F>() && statics::is_static(address as usize) {
                // SAFETY: what is in a static borrows from nothing that ends, and without drop glue a copy of it that
                // is used up owns nothing; each use belongs to another execution, which knows of no other.
                unsafe { address.read() }
            } else {
                // SAFETY: the lock of `made` keeps all others out.
                unsafe { (*address).take() }
            };
            make.expect("a lazy value is made once: create it inside the model")()
        })
    }
}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// As `std`'s.
    #[track_caller]
    pub fn force_mut(this: &mut Self) -> &mut T {
        Self::force(this);
        Self::get_mut(this).expect("it was made above")
    }
}

impl<T, F> LazyLock<T, F> {
    /// As `std`'s.
    #[track_caller]
    pub fn get(this: &Self) -> Option<&T> {
        this.made.get()
    }

    /// As `std`'s.
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        this.made.get_mut()
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[track_caller]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        Self::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyLock").finish_non_exhaustive()
    }
}
