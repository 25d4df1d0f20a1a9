//! A place for one box, into which anybody puts and out of which anybody takes.
//!
//! # Protocol
//!
//! The place is one pointer, null when empty. Putting in exchanges it for the new box's and hands back the box that
//! was there; taking out exchanges it for null. The exchange is one atomic step, so whoever got a pointer is the only
//! one who has it: there is no moment at which two could. Nobody looks behind a pointer before it is his, so it does
//! not matter that the same address may come again.

use norace_prim::atomic::{AtomicPtr, Ordering};
use std::marker::PhantomData;
use std::ptr;

pub(crate) struct Spare<E> {
    place: AtomicPtr<E>,
    /// It owns what it points to.
    _owns: PhantomData<Box<E>>,
}

// SAFETY: boxes go in on one thread and come out on another, hence `E: Send`; nobody gets a reference to one inside.
unsafe impl<E: Send> Sync for Spare<E> {}

/// The box that was taken out of a place.
///
/// # Safety
///
/// `taken` came out of an exchange on a [`Spare`], and nobody else uses it.
unsafe fn own<E>(taken: *mut E) -> Option<Box<E>> {
    if taken.is_null() {
        return None;
    }
    // SAFETY: pointers in a place come from `Box::into_raw`, and by the caller's promise this one is used once.
    Some(unsafe { Box::from_raw(taken) })
}

impl<E> Spare<E> {
    pub(crate) fn new() -> Self {
        Self { place: AtomicPtr::new(ptr::null_mut()), _owns: PhantomData }
    }

    /// Puts `new` in and hands out what was there.
    #[inline]
    pub(crate) fn replace(&self, new: Box<E>) -> Option<Box<E>> {
        // SeqCst: W2 of the pool's protocol (pool/core.rs); and as acquire and release it pairs with itself and with
        // take and offer, so that who takes a box sees what was written into it.
        let former = self.place.swap(Box::into_raw(new), Ordering::SeqCst);
        // SAFETY: the exchange took it out.
        unsafe { own(former) }
    }

    /// Puts `new` in where nothing is.
    ///
    /// # Errors
    ///
    /// Gives `new` back when there is something.
    pub(crate) fn offer(&self, new: Box<E>) -> Result<(), Box<E>> {
        let new = Box::into_raw(new);
        // SeqCst: as in replace. Relaxed: who fails reads nothing.
        let put =
            self.place.compare_exchange(ptr::null_mut(), new, Ordering::SeqCst, Ordering::Relaxed);
        match put {
            Ok(_) => Ok(()),
            // SAFETY: it was made a pointer above, and did not get in.
            Err(_) => Err(unsafe { Box::from_raw(new) }),
        }
    }

    /// Takes out what is there.
    #[inline]
    pub(crate) fn take(&self) -> Option<Box<E>> {
        // SeqCst: W2 of the pool's protocol: who announced himself before sees what was put in before the look for him.
        if self.place.load(Ordering::SeqCst).is_null() {
            return None;
        }
        // Acquire: pairs with the SeqCst in replace and offer, so that what was written into the box is seen.
        let taken = self.place.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: the exchange took it out.
        unsafe { own(taken) }
    }

    /// Whether there is something to take: a hint.
    pub(crate) fn is_full(&self) -> bool {
        // Relaxed: a hint; taking decides.
        !self.place.load(Ordering::Relaxed).is_null()
    }
}

impl<E> Drop for Spare<E> {
    fn drop(&mut self) {
        let left = std::mem::replace(self.place.get_mut(), ptr::null_mut());
        // SAFETY: nobody else has the place any more.
        drop(unsafe { own(left) });
    }
}

#[cfg(all(test, norace))]
mod models;
