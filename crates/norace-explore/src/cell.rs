//! Plain data whose accesses are checked for races.

use std::panic::Location;

use crate::current;
use crate::engine::Phase;
use crate::event::Class;
use crate::slot::Slot;

/// [`std::cell::UnsafeCell`] with access through closures.
///
/// An access is no scheduling point: whether it races is decided by what happens before it.
#[derive(Debug)]
pub struct UnsafeCell<T: ?Sized> {
    slot: Slot,
    value: std::cell::UnsafeCell<T>,
}

impl<T> UnsafeCell<T> {
    /// Wraps `value`.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self { slot: Slot::new(), value: std::cell::UnsafeCell::new(value) }
    }

    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: Default> Default for UnsafeCell<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    fn access(&self, write: bool, location: &'static Location<'static>) {
        current::with(|engine| {
            if engine.phase != Phase::Teardown {
                #[expect(unsafe_code, reason = "data in statics is put back")]
                // SAFETY: pointers are used only during an access, and this access is the first in this execution.
                let object =
                    unsafe { self.slot.resolve_data(engine, Class::Cell, self.value.get(), || {}) };
                engine.access_cell(object, write, location);
            }
        });
    }

    /// Calls `read` with a pointer for reading.
    ///
    /// The pointer must not be used after `read` returns, nor written through.
    #[track_caller]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.access(false, Location::caller());
        read(self.value.get())
    }

    /// Calls `write` with a pointer for reading and writing.
    ///
    /// The pointer must not be used after `write` returns.
    #[track_caller]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.access(true, Location::caller());
        write(self.value.get())
    }

    /// A plain reference, for who owns the cell.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}
