//! Thread-local values, as [`std::thread_local!`]: inside a model each of its threads has its own.
//!
//! A value is made at its first use by a thread of a model and dropped when that thread ends, the last made first; what
//! its destructor does is a step like any other. What an abandoned thread leaves is leaked.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use crate::coroutine;
use crate::current;
use crate::engine::{Ended, Engine};

/// One thread's value for one key; none once it was dropped.
struct Entry {
    key: usize,
    value: Option<Rc<dyn Any>>,
    /// Whether it has drop glue; a value without stays until the thread is gone, as with `std`.
    drops: bool,
}

std::thread_local! {
    /// The values of the model's threads, by thread number.
    static VALUES: RefCell<Vec<Vec<Entry>>> = const { RefCell::new(Vec::new()) };
}

/// The value is gone, because its thread is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a thread-local value was used after its thread dropped it")
    }
}

impl std::error::Error for AccessError {}

/// [`std::thread::LocalKey`], instrumented; declared by [`thread_local!`](crate::thread_local).
pub struct LocalKey<T: 'static> {
    outside: std::thread::LocalKey<T>,
    make: fn() -> T,
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

impl<T: 'static> LocalKey<T> {
    /// For the macro alone.
    #[doc(hidden)]
    pub const fn new(outside: std::thread::LocalKey<T>, make: fn() -> T) -> Self {
        Self { outside, make }
    }

    /// As `std`'s.
    ///
    /// # Panics
    ///
    /// When the thread has dropped the value.
    pub fn with<R>(&'static self, run: impl FnOnce(&T) -> R) -> R {
        self.try_with(run).expect("a thread-local value of a thread that is not ending")
    }

    /// As `std`'s.
    ///
    /// # Errors
    ///
    /// When the thread has dropped the value.
    pub fn try_with<R>(&'static self, run: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        match current::with(|engine| engine.running.index()) {
            None => self.outside.try_with(run).map_err(|_| AccessError),
            Some(thread) => Ok(run(&*self.of(thread)?)),
        }
    }

    /// The value of `thread`, made if it has none.
    fn of(&'static self, thread: usize) -> Result<Rc<T>, AccessError> {
        let key = std::ptr::from_ref(self) as usize;
        let value = if let Some(value) = find(thread, key) {
            value
        } else {
            // Foreign code, which may switch threads and use other keys.
            let made: Rc<dyn Any> = Rc::new((self.make)());
            VALUES.with_borrow_mut(|values| {
                if values.len() <= thread {
                    values.resize_with(thread + 1, Vec::new);
                }
                let drops = std::mem::needs_drop::<T>();
                values[thread].push(Entry { key, value: Some(Rc::clone(&made)), drops });
            });
            current::with(|engine| engine.has_locals = true);
            Some(made)
        };
        Ok(value.ok_or(AccessError)?.downcast().expect("a key has values of one type"))
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// As `std`'s.
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// As `std`'s.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// As `std`'s.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// As `std`'s.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// As `std`'s.
    pub fn with_borrow<R>(&'static self, run: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| run(&cell.borrow()))
    }

    /// As `std`'s.
    pub fn with_borrow_mut<R>(&'static self, run: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| run(&mut cell.borrow_mut()))
    }

    /// As `std`'s.
    pub fn set(&'static self, value: T) {
        self.replace(value);
    }

    /// As `std`'s.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// As `std`'s.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

/// What `thread` has for `key`: nothing, a value, or a value that is gone.
fn find(thread: usize, key: usize) -> Option<Option<Rc<dyn Any>>> {
    VALUES.with_borrow(|values| {
        let entry = values.get(thread)?.iter().find(|entry| entry.key == key)?;
        Some(entry.value.clone())
    })
}

/// Drops the running thread's values, the last made first; how that ended, when not well.
#[inline(always)]
pub(crate) fn end_of_thread() -> Option<Ended> {
    let running = |engine: &mut Engine| engine.has_locals.then(|| engine.running.index());
    current::with(running).flatten().and_then(drop_all)
}

#[cold]
fn drop_all(thread: usize) -> Option<Ended> {
    let mut ended = None;
    while let Some(value) = last(thread) {
        if let Err(payload) = coroutine::catch(move || drop(value)) {
            ended = ended.or_else(|| Some(coroutine::ended(&*payload)));
        }
    }
    VALUES.with_borrow_mut(|values| {
        if let Some(entries) = values.get_mut(thread) {
            entries.clear();
        }
    });
    ended
}

fn last(thread: usize) -> Option<Rc<dyn Any>> {
    VALUES.with_borrow_mut(|values| {
        let entries = values.get_mut(thread)?.iter_mut().rev();
        entries.filter(|entry| entry.drops).find_map(|entry| entry.value.take())
    })
}

/// Forgets what abandoned threads left.
pub(crate) fn reset() {
    VALUES.with_borrow_mut(|values| {
        for entry in values.iter_mut().flat_map(|entries| entries.drain(..)) {
            std::mem::forget(entry.value);
        }
    });
}

/// Declares thread-local values, as [`std::thread_local!`]; inside a model each of its threads has its own.
///
/// ```
/// use std::cell::Cell;
///
/// norace_explore::thread_local! {
///     static DEPTH: Cell<u32> = const { Cell::new(0) };
/// }
/// DEPTH.set(DEPTH.get() + 1);
/// assert_eq!(DEPTH.take(), 1);
/// ```
#[macro_export]
macro_rules! thread_local {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident : $t:ty = const $init:block $(; $($rest:tt)*)?) => {
        $crate::thread_local!(@declare [$(#[$attr])*] $vis $name, $t, const $init);
        $($crate::thread_local!($($rest)*);)?
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident : $t:ty = $init:expr $(; $($rest:tt)*)?) => {
        $crate::thread_local!(@declare [$(#[$attr])*] $vis $name, $t, $init);
        $($crate::thread_local!($($rest)*);)?
    };
    (@declare [$($attr:tt)*] $vis:vis $name:ident, $t:ty, $($init:tt)*) => {
        $($attr)*
        $vis static $name: $crate::thread::LocalKey<$t> = {
            fn __norace_make() -> $t {
                $($init)*
            }
            ::std::thread_local! {
                static __NORACE_OUTSIDE: $t = __norace_make();
            }
            $crate::thread::LocalKey::new(__NORACE_OUTSIDE, __norace_make)
        };
    };
}
