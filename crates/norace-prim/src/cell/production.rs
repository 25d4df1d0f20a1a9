//! The cell as it is outside the checker: nothing but `std`'s.

/// [`std::cell::UnsafeCell`] with access through closures, so that each access has a beginning and an end.
///
/// It adds nothing to `std`'s cell: same size, no check. Reading or writing through the pointers is as unsafe as ever.
///
/// ```
/// let cell = norace_prim::cell::UnsafeCell::new(7);
/// assert_eq!(cell.into_inner(), 7);
/// ```
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// Calls `read` with a pointer for reading.
    ///
    /// The pointer must not be used after `read` returns, nor written through.
    #[inline(always)]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Calls `write` with a pointer for reading and writing.
    ///
    /// The pointer must not be used after `write` returns.
    #[inline(always)]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }

    /// A plain reference, for who owns the cell.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}
