//! Atomic types and fences, as in [`std::sync::atomic`].
//!
//! Inside a model an access is a step of the thread; outside it is `std`'s. The value that a model leaves behind is
//! forgotten: the next execution starts from the value given to `new`.

use std::panic::Location;

pub use std::sync::atomic::{Ordering, compiler_fence};

use crate::current;
use crate::event::{Apply, Class, ObjectId, Op};
use crate::slot::{Slot, perform};

/// A fence, as [`std::sync::atomic::fence`].
#[track_caller]
pub fn fence(order: Ordering) {
    assert!(order != Ordering::Relaxed, "there is no such thing as a relaxed fence");
    let op = Op::Fence { order };
    if perform(|_| ObjectId::CLOCK, op, Location::caller()).is_none() {
        // As the caller asked.
        std::sync::atomic::fence(order);
    }
}

fn assert_load(order: Ordering) {
    assert!(
        !matches!(order, Ordering::Release | Ordering::AcqRel),
        "there is no such thing as a release load"
    );
}

fn assert_store(order: Ordering) {
    assert!(
        !matches!(order, Ordering::Acquire | Ordering::AcqRel),
        "there is no such thing as an acquire store"
    );
}

macro_rules! common {
    ($name:ident $(<$generic:ident>)?, $value:ty, $inner:ty, $to:expr, $from:expr) => {
        impl $(<$generic>)? $name $(<$generic>)? {
            /// As `std`'s.
            #[track_caller]
            pub const fn new(value: $value) -> Self {
                Self { inner: <$inner>::new(value), slot: Slot::new() }
            }

            #[inline]
            fn perform(&self, op: Op, location: &'static Location<'static>) -> Option<(u64, bool)> {
                // Relaxed: the initial value, which a model never overwrites.
                let initial = || $to(self.inner.load(Ordering::Relaxed));
                let object = |engine: &mut _| self.slot.resolve(engine, Class::Atomic, initial);
                perform(object, op, location).map(|reply| (reply.value, reply.ok))
            }

            fn rmw(
                &self,
                apply: Apply,
                operand: $value,
                order: Ordering,
                location: &'static Location<'static>,
            ) -> Option<$value> {
                let op = Op::Rmw { apply, operand: $to(operand), order };
                self.perform(op, location).map(|(value, _)| $from(value))
            }

            /// As `std`'s.
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                assert_load(order);
                match self.perform(Op::Load { order }, Location::caller()) {
                    Some((value, _)) => $from(value),
                    None => self.inner.load(order),
                }
            }

            /// As `std`'s.
            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                assert_store(order);
                let op = Op::Store { value: $to(value), order };
                if self.perform(op, Location::caller()).is_none() {
                    self.inner.store(value, order);
                }
            }

            /// As `std`'s.
            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.rmw(|_, new| new, value, order, Location::caller())
                    .unwrap_or_else(|| self.inner.swap(value, order))
            }

            /// As `std`'s.
            ///
            /// # Errors
            ///
            /// The value found, when it is not `current`.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                assert_load(failure);
                let weak = false;
                let (expected, to) = ($to(current), $to(new));
                let op = Op::CompareExchange { expected, new: to, success, failure, weak };
                match self.perform(op, Location::caller()) {
                    Some((value, true)) => Ok($from(value)),
                    Some((value, false)) => Err($from(value)),
                    None => self.inner.compare_exchange(current, new, success, failure),
                }
            }

            /// As `std`'s; in a model it may also fail although the value matches.
            ///
            /// # Errors
            ///
            /// The value found.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                assert_load(failure);
                let weak = true;
                let (expected, to) = ($to(current), $to(new));
                let op = Op::CompareExchange { expected, new: to, success, failure, weak };
                match self.perform(op, Location::caller()) {
                    Some((value, true)) => Ok($from(value)),
                    Some((value, false)) => Err($from(value)),
                    None => self.inner.compare_exchange_weak(current, new, success, failure),
                }
            }

            /// As `std`'s.
            ///
            /// # Errors
            ///
            /// The last value found, when `change` gives none.
            #[track_caller]
            pub fn fetch_update(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut change: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut seen = self.load(fetch_order);
                while let Some(next) = change(seen) {
                    match self.compare_exchange_weak(seen, next, set_order, fetch_order) {
                        Ok(before) => return Ok(before),
                        Err(found) => seen = found,
                    }
                }
                Err(seen)
            }

            /// A plain reference to the value as it is now, for who owns the atomic.
            pub fn get_mut(&mut self) -> &mut $value {
                let last = current::with(|engine| {
                    let object = self.slot.find(engine)?;
                    let last = engine.objects.last_message(object);
                    Some(engine.objects.message(last).value)
                });
                if let Some(value) = last.flatten() {
                    *self.inner.get_mut() = $from(value);
                    self.slot.forget();
                }
                self.inner.get_mut()
            }

            /// The value as it is now.
            pub fn into_inner(mut self) -> $value {
                *self.get_mut()
            }
        }

        impl $(<$generic>)? From<$value> for $name $(<$generic>)? {
            #[track_caller]
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }

        impl $(<$generic>)? std::fmt::Debug for $name $(<$generic>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // Printing is no step of the model: it shows the last store.
                let last = current::with(|engine| {
                    let object = self.slot.find(engine)?;
                    let last = engine.objects.last_message(object);
                    Some($from(engine.objects.message(last).value))
                });
                // Relaxed: for people.
                let value = last.flatten().unwrap_or_else(|| self.inner.load(Ordering::Relaxed));
                std::fmt::Debug::fmt(&value, f)
            }
        }
    };
}

macro_rules! integer {
    ($($name:ident, $value:ty, $unsigned:ty;)*) => {$(
        #[doc = concat!("[`std::sync::atomic::", stringify!($name), "`], instrumented.")]
        pub struct $name {
            inner: std::sync::atomic::$name,
            slot: Slot,
        }

        common!(
            $name,
            $value,
            std::sync::atomic::$name,
            |value: $value| u64::try_from(value as $unsigned).expect("at most 64 bits"),
            |bits: u64| bits as $value
        );

        integer!(@fetch $name, $value, $unsigned,
            fetch_add => |a, b| a.wrapping_add(b),
            fetch_sub => |a, b| a.wrapping_sub(b),
            fetch_and => |a, b| a & b,
            fetch_or => |a, b| a | b,
            fetch_xor => |a, b| a ^ b,
            fetch_nand => |a, b| !(a & b),
            fetch_max => |a, b| a.max(b),
            fetch_min => |a, b| a.min(b),
        );

        impl Default for $name {
            #[track_caller]
            fn default() -> Self {
                Self::new(0)
            }
        }
    )*};
    (@fetch $name:ident, $value:ty, $unsigned:ty, $($fetch:ident => |$a:ident, $b:ident| $result:expr,)*) => {
        impl $name {$(
            /// As `std`'s.
            #[track_caller]
            pub fn $fetch(&self, value: $value, order: Ordering) -> $value {
                let apply: Apply = |old, operand| {
                    let ($a, $b) = (old as $value, operand as $value);
                    let new: $value = $result;
                    u64::try_from(new as $unsigned).expect("at most 64 bits")
                };
                self.rmw(apply, value, order, Location::caller())
                    .unwrap_or_else(|| self.inner.$fetch(value, order))
            }
        )*}
    };
}

integer! {
    AtomicU8, u8, u8;
    AtomicU16, u16, u16;
    AtomicU32, u32, u32;
    AtomicU64, u64, u64;
    AtomicUsize, usize, usize;
    AtomicI8, i8, u8;
    AtomicI16, i16, u16;
    AtomicI32, i32, u32;
    AtomicI64, i64, u64;
    AtomicIsize, isize, usize;
}

/// [`std::sync::atomic::AtomicBool`], instrumented.
pub struct AtomicBool {
    inner: std::sync::atomic::AtomicBool,
    slot: Slot,
}

common!(AtomicBool, bool, std::sync::atomic::AtomicBool, u64::from, |bits: u64| bits != 0);

macro_rules! boolean {
    ($($fetch:ident => $apply:expr;)*) => {
        impl AtomicBool {$(
            /// As `std`'s.
            #[track_caller]
            pub fn $fetch(&self, value: bool, order: Ordering) -> bool {
                self.rmw($apply, value, order, Location::caller())
                    .unwrap_or_else(|| self.inner.$fetch(value, order))
            }
        )*}
    };
}

boolean! {
    fetch_and => |a, b| a & b;
    fetch_or => |a, b| a | b;
    fetch_xor => |a, b| a ^ b;
    fetch_nand => |a, b| 1 - (a & b);
}

impl AtomicBool {
    /// As `std`'s.
    #[track_caller]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.fetch_xor(true, order)
    }
}

impl Default for AtomicBool {
    #[track_caller]
    fn default() -> Self {
        Self::new(false)
    }
}

/// [`std::sync::atomic::AtomicPtr`], instrumented.
pub struct AtomicPtr<T> {
    inner: std::sync::atomic::AtomicPtr<T>,
    slot: Slot,
}

common!(
    AtomicPtr<T>,
    *mut T,
    std::sync::atomic::AtomicPtr<T>,
    |value: *mut T| value.expose_provenance() as u64,
    |bits: u64| std::ptr::with_exposed_provenance_mut(bits as usize)
);

impl<T> Default for AtomicPtr<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(std::ptr::null_mut())
    }
}
