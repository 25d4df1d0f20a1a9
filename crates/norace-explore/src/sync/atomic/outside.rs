//! Atomics of 128 bits outside models, where the standard library has none: a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Ordering;

/// The calls of `std`'s atomics on a value behind a lock, which makes every one of them SeqCst.
pub(super) struct Locked<T>(Mutex<T>);

impl<T: Copy + PartialEq> Locked<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn load(&self, _order: Ordering) -> T {
        *self.lock()
    }

    pub(super) fn store(&self, value: T, _order: Ordering) {
        *self.lock() = value;
    }

    pub(super) fn swap(&self, value: T, _order: Ordering) -> T {
        std::mem::replace(&mut self.lock(), value)
    }

    pub(super) fn compare_exchange(
        &self,
        current: T,
        new: T,
        _success: Ordering,
        _failure: Ordering,
    ) -> Result<T, T> {
        let mut value = self.lock();
        if *value == current { Ok(std::mem::replace(&mut value, new)) } else { Err(*value) }
    }

    pub(super) fn compare_exchange_weak(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        self.compare_exchange(current, new, success, failure)
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

macro_rules! fetch {
    ($value:ty: $($fetch:ident => |$a:ident, $b:ident| $result:expr;)*) => {
        impl Locked<$value> {$(
            pub(super) fn $fetch(&self, $b: $value, _order: Ordering) -> $value {
                let mut value = self.lock();
                let $a = *value;
                std::mem::replace(&mut value, $result)
            }
        )*}
    };
    ($($value:ty),*) => {$(
        fetch! {
            $value:
            fetch_add => |a, b| a.wrapping_add(b);
            fetch_sub => |a, b| a.wrapping_sub(b);
            fetch_and => |a, b| a & b;
            fetch_or => |a, b| a | b;
            fetch_xor => |a, b| a ^ b;
            fetch_nand => |a, b| !(a & b);
            fetch_max => |a, b| a.max(b);
            fetch_min => |a, b| a.min(b);
        }
    )*};
}

fetch!(u128, i128);
