//! Plain data whose accesses are checked for races.

use std::cell::RefCell;
use std::fmt;
use std::panic::Location;

use crate::current;
use crate::engine::Phase;
use crate::event::Class;
use crate::finding::Place;
use crate::meta::Meta;
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
    const META: Meta = Meta::of::<T>(Class::Cell, "cell");

    /// Records an access; its event, where the value is wanted, too.
    fn access(&self, write: bool, location: Place) -> Option<u32> {
        let event = current::with(|engine| {
            if engine.phase == Phase::Teardown {
                return None;
            }
            #[expect(unsafe_code, reason = "data in statics is put back")]
            // SAFETY: pointers are used only during an access, and this access is the first in this execution.
            let object =
                unsafe { self.slot.resolve_data(engine, &Self::META, self.value.get(), || {}) };
            let event = engine.access_cell(object, write, location);
            engine.config.detail.then_some(event.short())
        });
        event.flatten()
    }

    fn note_value(&self, event: Option<u32>) {
        let value = |event| Some((event, shown(self.value.get())?));
        if let Some((event, value)) = event.and_then(value) {
            current::with(|engine| engine.detail.set_value(event, value));
        }
    }

    /// Calls `read` with a pointer for reading.
    ///
    /// The pointer must not be used after `read` returns, nor written through.
    #[track_caller]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        let event = self.access(false, Location::caller());
        self.note_value(event);
        read(self.value.get())
    }

    /// Calls `write` with a pointer for reading and writing.
    ///
    /// The pointer must not be used after `write` returns.
    #[track_caller]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        let event = self.access(true, Location::caller());
        let result = write(self.value.get());
        self.note_value(event);
        result
    }

    /// A plain reference, for who owns the cell.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// The value as text, where its type is one whose bytes say it all.
fn shown<T: ?Sized>(value: *const T) -> Option<String> {
    macro_rules! read {
        ($type_name:expr, $bytes:expr, $($primitive:ident)*) => {
            match $type_name {
                $(stringify!($primitive) => {
                    #[expect(unsafe_code, reason = "a report shows the value")]
                    // SAFETY: the names of primitive types are no other type's, so this is one, in the middle of an
                    // access that allows reading it. None of them has a value that is not initialised.
                    let value = unsafe { $bytes.cast::<$primitive>().read() };
                    Some(value.to_string())
                })*
                _ => None,
            }
        };
    }
    let bytes = value.cast::<u8>();
    read!(std::any::type_name::<T>(), bytes, u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize bool char f32 f64)
}

/// Plain data that threads of a model share without asking, for teaching and for ports of racy programs.
///
/// A race on it is reported; the program goes on with either value. Each access is whole, so that races on it are no
/// undefined behaviour.
///
/// # Panics
///
/// Every access outside of a model panics: there, nothing would keep threads apart. So does an access from inside a
/// closure of another one.
pub struct RaceCell<T> {
    slot: Slot,
    name: Option<&'static str>,
    value: RefCell<T>,
}

#[expect(unsafe_code, reason = "shared between threads of a model, which are one thread")]
// SAFETY: the value is touched only inside models, all of whose threads run on one OS thread at a time, and models run
// one after the other. It may be moved from one of those threads to the next, hence `Send`.
unsafe impl<T: Send> Sync for RaceCell<T> {}

impl<T> RaceCell<T> {
    const META: Meta = Meta::of::<T>(Class::Cell, "cell");

    /// Wraps `value`.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self { slot: Slot::new(), name: None, value: RefCell::new(value) }
    }

    /// Wraps `value`, which reports call `name`.
    #[track_caller]
    pub const fn named(name: &'static str, value: T) -> Self {
        Self { slot: Slot::new(), name: Some(name), value: RefCell::new(value) }
    }

    fn access<R>(&self, write: bool, location: Place, act: impl FnOnce(&RefCell<T>) -> R) -> R {
        let event = current::with(|engine| {
            if engine.phase == Phase::Teardown {
                return None;
            }
            #[expect(unsafe_code, reason = "data in statics is put back")]
            // SAFETY: the value is borrowed only during an access, and this access is the first in this execution.
            let object =
                unsafe { self.slot.resolve_data(engine, &Self::META, self.value.as_ptr(), || {}) };
            if let Some(name) = self.name {
                engine.objects.name(object, name);
            }
            let event = engine.access_cell(object, write, location);
            engine.config.detail.then_some(event.short())
        });
        let event = event.expect("a RaceCell is used inside models only: call it from `check`");
        let show = || event.and_then(|event| Some((event, shown_in(&self.value)?)));
        let before = if write { None } else { show() };
        let result = act(&self.value);
        if let Some((event, value)) = before.or_else(show) {
            current::with(|engine| engine.detail.set_value(event, value));
        }
        result
    }

    /// A copy of the value.
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Copy,
    {
        self.access(false, Location::caller(), |value| *value.borrow())
    }

    /// Replaces the value.
    #[track_caller]
    pub fn set(&self, value: T) {
        drop(self.replace_at(value, Location::caller()));
    }

    /// Replaces the value and gives the former one: one write.
    #[track_caller]
    pub fn replace(&self, value: T) -> T {
        self.replace_at(value, Location::caller())
    }

    fn replace_at(&self, value: T, location: Place) -> T {
        self.access(true, location, |former| former.replace(value))
    }

    /// Reads the value and writes what `change` makes of it: two accesses, as `x = f(x)` is.
    #[track_caller]
    pub fn update(&self, change: impl FnOnce(T) -> T)
    where
        T: Copy,
    {
        let here = Location::caller();
        let value = self.access(false, here, |value| *value.borrow());
        self.replace_at(change(value), here);
    }

    /// Reads the value through a reference. `read` must not wait.
    #[track_caller]
    pub fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        self.access(false, Location::caller(), |value| read(&value.borrow()))
    }

    /// Changes the value through a reference: one write. `write` must not wait.
    #[track_caller]
    pub fn with_mut<R>(&self, write: impl FnOnce(&mut T) -> R) -> R {
        self.access(true, Location::caller(), |value| write(&mut value.borrow_mut()))
    }

    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

fn shown_in<T>(value: &RefCell<T>) -> Option<String> {
    let value = value.try_borrow().ok()?;
    shown(std::ptr::from_ref::<T>(&value))
}

impl<T: Default> Default for RaceCell<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for RaceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RaceCell").field("name", &self.name).finish_non_exhaustive()
    }
}
