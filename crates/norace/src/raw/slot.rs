//! A place for one value, of an owner, who puts in and takes out, and of thieves, who take out: the `runnext` of a
//! worker.
//!
//! # Protocol
//!
//! | state | who may touch the value | next |
//! | --- | --- | --- |
//! | `EMPTY` | the owner | the owner writes the value and makes it `FULL` |
//! | `FULL` | nobody | the owner makes it `EMPTY` and takes the value; a thief makes it `TAKING` |
//! | `TAKING` | that thief | it takes the value and makes it `EMPTY` |
//!
//! Both ways out of `FULL` are a compare-and-exchange, so one of them gets the value, and nobody reads it before. It
//! does not matter if the value is another one by then: nothing was read of the former one. The owner does not wait for
//! a thief that is at work: what it puts then goes elsewhere.

use norace_prim::atomic::{AtomicU8, Ordering};
use norace_prim::cell::UnsafeCell;
use norace_prim::sync::Arc;
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

const EMPTY: u8 = 0;
const FULL: u8 = 1;
const TAKING: u8 = 2;

/// On cache lines of its own: the slots of several owners are made one after the other.
#[repr(align(128))]
struct Slot<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value goes in on one thread and comes out on another, hence `T: Send`. It is touched by one thread at a
// time, as the table above says, and nobody gets a reference to it inside.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    /// Takes the value out of the cell.
    ///
    /// # Safety
    ///
    /// The caller has moved the state from `FULL`, does this once, and sees what the owner wrote.
    unsafe fn empty(&self) -> T {
        self.value.with_mut(|value| {
            // SAFETY: who moved the state is the only one to touch the cell.
            let value = unsafe { &mut *value };
            // SAFETY: it was filled before the state became `FULL`, and is read once.
            unsafe { value.assume_init_read() }
        })
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if *self.state.get_mut() == FULL {
            // SAFETY: nobody else has the slot any more, and in this state the cell holds a value.
            unsafe { self.value.get_mut().assume_init_drop() };
        }
    }
}

/// The one who puts the value in. It may go from thread to thread, but is on one at a time.
pub(crate) struct Owner<T> {
    slot: Arc<Slot<T>>,
    /// Not `Sync`.
    _alone: PhantomData<Cell<()>>,
}

/// One of those who take the value out.
pub(crate) struct Thief<T> {
    slot: Arc<Slot<T>>,
}

/// A new slot, empty.
pub(crate) fn new<T>() -> (Owner<T>, Thief<T>) {
    let value = UnsafeCell::new(MaybeUninit::uninit());
    let slot = Arc::new(Slot { state: AtomicU8::new(EMPTY), value });
    (Owner { slot: slot.clone(), _alone: PhantomData }, Thief { slot })
}

impl<T> Owner<T> {
    /// Puts `value` in and gives what has to go elsewhere: the value that was there, or, while a thief takes that one,
    /// `value` itself.
    pub(crate) fn replace(&self, value: T) -> Option<T> {
        let former = self.take();
        // Acquire: pairs with the Release in steal, so that the thief is done with the cell.
        if former.is_none() && self.slot.state.load(Ordering::Acquire) == TAKING {
            return Some(value);
        }
        self.slot.value.with_mut(|cell| {
            // SAFETY: the state is `EMPTY`, which only the owner changes: it is the only one to touch the cell.
            let cell = unsafe { &mut *cell };
            cell.write(value);
        });
        // Release: pairs with the Acquire in steal, so that the thief sees the value.
        self.slot.state.store(FULL, Ordering::Release);
        former
    }

    /// Takes the value out, unless a thief does.
    pub(crate) fn take(&self) -> Option<T> {
        if !self.is_full() {
            return None;
        }
        // Relaxed: the owner itself wrote the value, and it is the next to write.
        let taken =
            self.slot.state.compare_exchange(FULL, EMPTY, Ordering::Relaxed, Ordering::Relaxed);
        // SAFETY: the state was moved just now, by the one who wrote the value.
        taken.is_ok().then(|| unsafe { self.slot.empty() })
    }

    /// Whether there is a value to take.
    pub(crate) fn is_full(&self) -> bool {
        // Relaxed: only the owner fills it.
        self.slot.state.load(Ordering::Relaxed) == FULL
    }
}

impl<T> Thief<T> {
    /// Takes the value out, unless the owner or another thief does.
    pub(crate) fn steal(&self) -> Option<T> {
        if !self.is_full() {
            return None;
        }
        // Acquire: pairs with the Release in replace, so that the value is seen. Relaxed: who fails reads nothing.
        let taken =
            self.slot.state.compare_exchange(FULL, TAKING, Ordering::Acquire, Ordering::Relaxed);
        if taken.is_err() {
            return None;
        }
        // SAFETY: the state was moved just now, and the owner's write was acquired with it.
        let value = unsafe { self.slot.empty() };
        // Release: pairs with the Acquire in replace: the cell may be filled again.
        self.slot.state.store(EMPTY, Ordering::Release);
        Some(value)
    }

    /// Whether there is a value to take.
    pub(crate) fn is_full(&self) -> bool {
        // Relaxed: a hint for thieves and the stall monitor; taking decides.
        self.slot.state.load(Ordering::Relaxed) == FULL
    }
}

#[cfg(all(test, norace))]
mod models;
