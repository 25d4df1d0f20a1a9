//! Atomic types and fences, as in [`std::sync::atomic`].
//!
//! Inside a model an access is a step of the thread; outside it is `std`'s. The value that a model leaves behind is
//! forgotten: the next execution starts from the value given to `new`.

mod bits;
mod outside;

use std::panic::Location;

pub use std::sync::atomic::{Ordering, compiler_fence};

use crate::current;
use crate::engine::Wide;
use crate::event::{Apply, Class, ObjectId, Op};
use crate::meta::Meta;
use crate::slot::{Slot, perform, perform_with};
use bits::Bits;
use outside::Locked;

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
    ($name:ident $(<$generic:ident>)?, $value:ty, $inner:ty, $wide:expr) => {
        impl $(<$generic>)? $name $(<$generic>)? {
            const META: Meta = Meta {
                class: Class::Atomic,
                word: "atomic",
                type_name: Some(std::any::type_name::<$value>),
                wide: $wide,
            };

            /// As `std`'s.
            #[track_caller]
            pub const fn new(value: $value) -> Self {
                Self { inner: <$inner>::new(value), slot: Slot::new() }
            }

            #[inline(always)]
            fn perform(
                &self,
                op: impl FnOnce(&mut Wide) -> Op,
                location: &'static Location<'static>,
            ) -> Option<($value, bool)> {
                let step = |engine: &mut crate::engine::Engine| {
                    // Relaxed: the initial value, which a model never overwrites.
                    let initial = |wide: &mut Wide| self.inner.load(Ordering::Relaxed).encode(wide);
                    let object =
                        self.slot.resolve(engine, &Self::META, |engine| initial(&mut engine.wide));
                    (object, op(&mut engine.wide))
                };
                perform_with(step, location).map(|reply| (Bits::decode(reply.value), reply.ok))
            }

            #[inline(always)]
            fn rmw(
                &self,
                apply: Apply,
                operand: $value,
                order: Ordering,
                location: &'static Location<'static>,
            ) -> Option<$value> {
                let op = |wide: &mut Wide| Op::Rmw { apply, operand: operand.encode(wide), order };
                self.perform(op, location).map(|(value, _)| value)
            }

            /// As `std`'s.
            #[track_caller]
            #[inline(always)]
            pub fn load(&self, order: Ordering) -> $value {
                assert_load(order);
                match self.perform(|_| Op::Load { order }, Location::caller()) {
                    Some((value, _)) => value,
                    None => self.inner.load(order),
                }
            }

            /// As `std`'s.
            #[track_caller]
            #[inline(always)]
            pub fn store(&self, value: $value, order: Ordering) {
                assert_store(order);
                let op = |wide: &mut Wide| Op::Store { value: value.encode(wide), order };
                if self.perform(op, Location::caller()).is_none() {
                    self.inner.store(value, order);
                }
            }

            /// As `std`'s.
            #[track_caller]
            #[inline(always)]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.rmw(|_, _, new| new, value, order, Location::caller())
                    .unwrap_or_else(|| self.inner.swap(value, order))
            }

            /// As `std`'s.
            ///
            /// # Errors
            ///
            /// The value found, when it is not `current`.
            #[track_caller]
            #[inline(always)]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                assert_load(failure);
                let op = |wide: &mut Wide| Op::CompareExchange {
                    expected: current.encode(wide),
                    new: new.encode(wide),
                    success,
                    failure,
                    weak: false,
                };
                match self.perform(op, Location::caller()) {
                    Some((value, true)) => Ok(value),
                    Some((value, false)) => Err(value),
                    None => self.inner.compare_exchange(current, new, success, failure),
                }
            }

            /// As `std`'s; in a model it may also fail although the value matches.
            ///
            /// # Errors
            ///
            /// The value found.
            #[track_caller]
            #[inline(always)]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                assert_load(failure);
                let op = |wide: &mut Wide| Op::CompareExchange {
                    expected: current.encode(wide),
                    new: new.encode(wide),
                    success,
                    failure,
                    weak: true,
                };
                match self.perform(op, Location::caller()) {
                    Some((value, true)) => Ok(value),
                    Some((value, false)) => Err(value),
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
                change: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                self.try_update(set_order, fetch_order, change)
            }

            /// As `std`'s.
            #[track_caller]
            pub fn update(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut change: impl FnMut($value) -> $value,
            ) -> $value {
                let updated =
                    self.try_update(set_order, fetch_order, |seen| Some(change(seen)));
                updated.unwrap_or_else(|seen| seen)
            }

            /// As `std`'s.
            ///
            /// # Errors
            ///
            /// The last value found, when `change` gives none.
            #[track_caller]
            pub fn try_update(
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
                if let Some(bits) = last.flatten() {
                    *self.inner.get_mut() = Bits::decode(bits);
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
                    Some(engine.objects.message(last).value)
                });
                // Relaxed: for people.
                let outside = || self.inner.load(Ordering::Relaxed);
                let value: $value = last.flatten().map_or_else(outside, Bits::decode);
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

        common!($name, $value, std::sync::atomic::$name, false);

        fetch!($name, $value, |change| |_, old, operand| {
            let new: $value = change(old as $value, operand as $value);
            u64::try_from(new as $unsigned).expect("at most 64 bits")
        });
    )*};
}

macro_rules! wide {
    ($($name:ident, $value:ty;)*) => {$(
        /// An atomic of 128 bits, instrumented; as the one of the crate portable-atomic.
        pub struct $name {
            inner: Locked<$value>,
            slot: Slot,
        }

        common!($name, $value, Locked<$value>, true);

        fetch!($name, $value, |change| |wide, old, operand| {
            let new = change(wide.value(old) as $value, wide.value(operand) as $value);
            wide.number(new as u128)
        });
    )*};
}

macro_rules! fetch {
    ($name:ident, $value:ty, |$change:ident| $apply:expr) => {
        fetch!(@each $name, $value, |$change| $apply,
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
    };
    (@each $name:ident, $value:ty, |$change:ident| $apply:expr,
        $($fetch:ident => |$a:ident, $b:ident| $result:expr,)*
    ) => {$(
        fetch!(@one $name, $value, |$change| $apply, $fetch, |$a, $b| $result);
    )*};
    (@one $name:ident, $value:ty, |$change:ident| $apply:expr,
        $fetch:ident, |$a:ident, $b:ident| $result:expr
    ) => {
        impl $name {
            /// As `std`'s.
            #[track_caller]
            #[inline(always)]
            pub fn $fetch(&self, value: $value, order: Ordering) -> $value {
                fn $change($a: $value, $b: $value) -> $value {
                    $result
                }
                self.rmw($apply, value, order, Location::caller())
                    .unwrap_or_else(|| self.inner.$fetch(value, order))
            }
        }
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

wide! {
    AtomicU128, u128;
    AtomicI128, i128;
}

/// [`std::sync::atomic::AtomicBool`], instrumented.
pub struct AtomicBool {
    inner: std::sync::atomic::AtomicBool,
    slot: Slot,
}

common!(AtomicBool, bool, std::sync::atomic::AtomicBool, false);

macro_rules! boolean {
    ($($fetch:ident => $apply:expr;)*) => {
        impl AtomicBool {$(
            /// As `std`'s.
            #[track_caller]
            #[inline(always)]
            pub fn $fetch(&self, value: bool, order: Ordering) -> bool {
                self.rmw($apply, value, order, Location::caller())
                    .unwrap_or_else(|| self.inner.$fetch(value, order))
            }
        )*}
    };
}

boolean! {
    fetch_and => |_, a, b| a & b;
    fetch_or => |_, a, b| a | b;
    fetch_xor => |_, a, b| a ^ b;
    fetch_nand => |_, a, b| 1 - (a & b);
}

impl AtomicBool {
    /// As `std`'s.
    #[track_caller]
    #[inline(always)]
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
///
/// Executions that read the same pointers from it are the same, wherever those lead. Memory that is freed and allocated
/// again within one execution may have the same address or another one: where that decides what the model does, keep
/// what its pointers lead to until its end.
pub struct AtomicPtr<T> {
    inner: std::sync::atomic::AtomicPtr<T>,
    slot: Slot,
}

common!(AtomicPtr<T>, *mut T, std::sync::atomic::AtomicPtr<T>, false);

impl<T> Default for AtomicPtr<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(std::ptr::null_mut())
    }
}

macro_rules! pointer {
    ($($fetch:ident, $unit:expr, |$address:ident, $operand:ident| $result:expr;)*) => {
        impl<T> AtomicPtr<T> {$(
            /// As `std`'s.
            #[track_caller]
            pub fn $fetch(&self, value: usize, order: Ordering) -> *mut T {
                let apply: Apply = |wide, old, operand| {
                    bits::change_address(wide, old, operand, |$address, $operand| $result)
                };
                let operand = std::ptr::without_provenance_mut(value.wrapping_mul($unit));
                self.rmw(apply, operand, order, Location::caller())
                    .unwrap_or_else(|| self.inner.$fetch(value, order))
            }
        )*}
    };
}

pointer! {
    fetch_ptr_add, size_of::<T>(), |address, bytes| address.wrapping_add(bytes);
    fetch_ptr_sub, size_of::<T>(), |address, bytes| address.wrapping_sub(bytes);
    fetch_byte_add, 1, |address, bytes| address.wrapping_add(bytes);
    fetch_byte_sub, 1, |address, bytes| address.wrapping_sub(bytes);
    fetch_or, 1, |address, mask| address | mask;
    fetch_and, 1, |address, mask| address & mask;
    fetch_xor, 1, |address, mask| address ^ mask;
}
