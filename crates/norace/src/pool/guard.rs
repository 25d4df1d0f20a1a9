//! An object in use, which goes back by itself.

use super::core::Core;
use super::entry::Entry;
use super::{Pool, Reset};
use norace_prim::probe::Site;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// What a guard without an object would be: there is none.
const HOLDS: &str = "a guard holds its object until it is dropped";

/// An object of a [`Pool`] in use; dropping it gives the object back.
///
/// # Panics
///
/// Dropping it panics when the object's `reset`, `keep` or destructor does, or when the object is found not to be
/// fresh after its reset. The pool loses that object and nothing else. An object whose guard is dropped by a panic is
/// not used again.
pub struct Guard<'a, T: Reset> {
    pool: &'a Pool<T>,
    /// `None` only while the guard goes.
    entry: Option<Box<Entry<T>>>,
}

impl<'a, T: Reset> Guard<'a, T> {
    #[inline]
    pub(super) fn new(pool: &'a Pool<T>, entry: Box<Entry<T>>) -> Self {
        Self { pool, entry: Some(entry) }
    }

    /// A guard that does not borrow the pool but shares it, for threads, tasks and structures that outlive the place
    /// where the pool is.
    pub fn into_owned(mut self) -> OwnedGuard<T> {
        OwnedGuard { pool: self.pool.clone(), entry: self.entry.take() }
    }

    /// Takes the object out of the pool for good. It does not count any more, and another may be made for it.
    #[cfg_attr(norace, track_caller)]
    pub fn detach(mut self) -> T {
        self.pool.core().detach(*self.entry.take().expect(HOLDS))
    }
}

/// An object of a [`Pool`] in use that shares the pool, and so is `'static`; otherwise as [`Guard`].
pub struct OwnedGuard<T: Reset> {
    pool: Pool<T>,
    /// `None` only while the guard goes.
    entry: Option<Box<Entry<T>>>,
}

impl<T: Reset> OwnedGuard<T> {
    /// Takes the object out of the pool for good. It does not count any more, and another may be made for it.
    #[cfg_attr(norace, track_caller)]
    pub fn detach(mut self) -> T {
        self.pool.core().detach(*self.entry.take().expect(HOLDS))
    }

    /// The pool that the object belongs to.
    pub fn pool(&self) -> &Pool<T> {
        &self.pool
    }
}

#[inline]
#[cfg_attr(norace, track_caller)]
fn give_back<T: Reset>(core: &Core<T>, entry: &mut Option<Box<Entry<T>>>) {
    let site = Site::here();
    if let Some(entry) = entry.take() {
        core.put(entry, site);
    }
}

macro_rules! guards {
    ($(($($parameters:tt)*) $guard:ty, $name:literal;)*) => {$(
        impl<$($parameters)*> Deref for $guard {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                &self.entry.as_ref().expect(HOLDS).value
            }
        }

        impl<$($parameters)*> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                &mut self.entry.as_mut().expect(HOLDS).value
            }
        }

        impl<$($parameters)*> AsRef<T> for $guard {
            fn as_ref(&self) -> &T {
                self
            }
        }

        impl<$($parameters)*> AsMut<T> for $guard {
            fn as_mut(&mut self) -> &mut T {
                self
            }
        }

        impl<$($parameters)*> Drop for $guard {
            #[inline]
            #[cfg_attr(norace, track_caller)]
            fn drop(&mut self) {
                give_back(self.pool.core(), &mut self.entry);
            }
        }

        impl<$($parameters)*> fmt::Debug for $guard
        where
            T: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple($name).field(&**self).finish()
            }
        }
    )*};
}

guards! {
    ('a, T: Reset) Guard<'a, T>, "Guard";
    (T: Reset) OwnedGuard<T>, "OwnedGuard";
}
