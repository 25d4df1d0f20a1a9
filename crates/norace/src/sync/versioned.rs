//! A cell whose value has a version, so that "nobody has written since I read" can be asked.

use super::cell::{Cell, Value};
use super::event::{Event, Inside, Wait};
use crate::wait::{BlockedOn, block_for, block_on};
use norace_prim::probe::{Effect, Kind, Site};
use norace_prim::time::Duration;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

/// What the checker calls it.
#[derive(Debug)]
pub struct VersionedOf<T>(PhantomData<T>);

impl<T> Kind for VersionedOf<T> {
    const WORD: &'static str = "versioned cell";
    type Holds = T;
}

/// How often a [`Versioned`] was set, or a [`StateMachine`](super::StateMachine) moved; the first version is 1.
///
/// # Wrapping
///
/// Versions are counted modulo 2^64. At 100 million sets a second that takes 5,849 years; only then could a version
/// that somebody kept all the time come back. (13 bits of tag would do for 82 microseconds, 16 for 0.7 milliseconds, 32
/// for 43 seconds, 48 for 33 days.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// That of a new cell.
    pub const FIRST: Self = Self(1);

    /// The version with this number: one that was stored, say.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// How much later than `other` it is; negative when it is earlier. Right across the wrap.
    pub(super) fn ahead_of(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value and its version, read together and set together.
///
/// ```
/// use norace::sync::Versioned;
/// let stock = Versioned::new(10_u32);
/// let (seen, version) = stock.load();
/// assert_eq!((seen, version.get()), (10, 1));
///
/// // Somebody sells one and takes it back: the value is what it was.
/// stock.update(|n| n - 1);
/// stock.update(|n| n + 1);
///
/// // A compare-and-swap of values would go through; that of versions tells.
/// let stale = stock.compare_set(version, seen - 1).unwrap_err();
/// let (now, version) = stale.current;
/// assert_eq!((now, version.get()), (10, 3));
/// assert!(stock.compare_set(version, now - 1).is_ok());
/// ```
///
/// # Small and large
///
/// A [`Word`](super::Word) (numbers, `bool`, `char`, and types of yours that pack into 64 bits) stands beside its
/// 64-bit version in one atomic of 128 bits. Anything else goes behind an `Arc`: `Versioned<Arc<T>>`.
///
/// # When to use it, and when not
///
/// Where somebody reads, thinks, and writes only if nobody has written meanwhile: an optimistic lock, as the `version`
/// column of a database row. Where an index or a pointer is taken out and may come back (free lists), which is where
/// comparing values goes wrong (ABA). A mere count needs no version. What is read very often and seldom set is better
/// off in [`prim::sync::RwLock`](crate::prim::sync::RwLock).
///
/// # Cost
///
/// Of a word: a load is one instruction, an update a load and an exchange, and so is a compare-and-set, which knows the
/// version and not the value, where the processor has them for 128 bits (x86 with `cmpxchg16b` and, for loads, AVX;
/// AArch64); else portable-atomic takes one of its global locks. On x86 without AVX a
/// load writes the line. Of an `Arc`: a short lock and a reference count; the value before is dropped as soon as the
/// last reader lets go of it, so a stalled reader keeps one value and no more. [`version`](Self::version) takes no
/// lock. While nobody waits for changes a set costs one load more.
///
/// # Ordering
///
/// A set happens before every call that returns its version or a later one, a refusal included. All sets and loads of a
/// cell have one order, that of the versions.
///
/// # Panics
///
/// Closures are called with no lock held; when one panics nothing is set.
pub struct Versioned<T: Value> {
    cell: T::Cell,
    event: Event<Self>,
}

fn version_of<T: Value>(seen: <T::Cell as Cell<T>>::Seen) -> Version {
    Version(T::Cell::version_of(seen))
}

impl<T: Value> Versioned<T> {
    /// A cell at version 1.
    #[cfg_attr(norace, track_caller)]
    pub fn new(value: T) -> Self {
        Self::with_version(value, Version::FIRST)
    }

    /// A cell at `version`: one that is restored.
    #[cfg_attr(norace, track_caller)]
    pub fn with_version(value: T, version: Version) -> Self {
        Self { cell: T::Cell::new(value, version.0), event: Event::new() }
    }

    /// The value with its version.
    #[inline]
    #[track_caller]
    pub fn load(&self) -> (T, Version) {
        let (value, seen) = self.event.read("load", Site::here(), || self.cell.load());
        (value, version_of::<T>(seen))
    }

    /// The version alone; for an `Arc` that is cheaper.
    #[inline]
    #[track_caller]
    pub fn version(&self) -> Version {
        Version(self.event.read("load", Site::here(), || self.cell.version()))
    }

    /// Sets `new` if the version is still `version`; the version that it has then.
    ///
    /// # Errors
    ///
    /// [`Stale`] with value and version as they are, when somebody has set the cell since. Nothing is set then.
    #[inline]
    #[track_caller]
    pub fn compare_set(&self, version: Version, new: T) -> Result<Version, Stale<T>> {
        let set = self.change(Site::here(), || self.cell.compare_set(version.0, new));
        set.map_err(|(value, seen)| Stale {
            expected: version,
            current: (value, version_of::<T>(seen)),
        })
    }

    /// Does `set`, and answers those who waited for it.
    #[inline]
    fn change<E>(&self, site: Site, set: impl FnOnce() -> Result<u64, E>) -> Result<Version, E> {
        self.event.change("compare and set", site, |wakes| match set() {
            Ok(after) => {
                let after = Version(after);
                self.event.notify(wakes, |since| (after.ahead_of(*since) > 0).then_some(()));
                (Effect::Changed, Ok(after))
            }
            Err(found) => (Effect::Learned, Err(found)),
        })
    }

    /// Sets what `change` makes of the value, and again from the new value when somebody was faster; what was set.
    ///
    /// Somebody always gets on, but with many writers one may have to try often.
    #[track_caller]
    pub fn update(&self, mut change: impl FnMut(T) -> T) -> (T, Version) {
        match self.try_update(|value| Ok::<_, Infallible>(change(value))) {
            Ok(set) => set,
            Err(never) => match never {},
        }
    }

    /// As [`update`](Self::update), for a change that may be refused.
    ///
    /// ```
    /// let balance = norace::sync::Versioned::new(100_u64);
    /// let pay = |cents| balance.try_update(|b| b.checked_sub(cents).ok_or("not covered"));
    /// assert_eq!(pay(70).map(|(left, _)| left), Ok(30));
    /// assert_eq!(pay(70), Err("not covered"));
    /// ```
    ///
    /// # Errors
    ///
    /// That of `change`; nothing is set then.
    #[track_caller]
    pub fn try_update<E>(
        &self,
        mut change: impl FnMut(T) -> Result<T, E>,
    ) -> Result<(T, Version), E> {
        let site = Site::here();
        let (mut value, mut seen) = self.event.read("load", site, || self.cell.load());
        loop {
            let new = change(value)?;
            match self.change(site, || self.cell.exchange(seen, new.clone())) {
                Ok(version) => return Ok((new, version)),
                Err(now) => (value, seen) = now,
            }
        }
    }

    /// Sets `new`, whatever is there; the version that it has then.
    #[track_caller]
    pub fn set(&self, new: T) -> Version {
        self.update(|_| new.clone()).1
    }

    /// Waits until the version is another than `seen`; resolves to value and version as they are then.
    ///
    /// Who waits in a loop, each time for a version after the last one, misses no change for good but may see several
    /// as one.
    ///
    /// # Cancel safety
    ///
    /// The wait may be dropped at any time.
    ///
    /// ```
    /// use norace::sync::{Version, Versioned};
    /// let rate = Versioned::new(7_u32);
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| rate.set(8));
    ///     assert_eq!(rate.changed_blocking(Version::FIRST).0, 8);
    /// });
    /// ```
    #[track_caller]
    pub fn changed(&self, seen: Version) -> Wait<'_, Self> {
        Wait::new(self, seen, BlockedOn::Change, Site::here())
    }

    /// As [`changed`](Self::changed); this thread sleeps. For plain threads.
    #[track_caller]
    pub fn changed_blocking(&self, seen: Version) -> (T, Version) {
        block_on(self.changed(seen))
    }

    /// As [`changed_blocking`](Self::changed_blocking), for at most `timeout`.
    #[track_caller]
    pub fn changed_timeout(&self, seen: Version, timeout: Duration) -> Option<(T, Version)> {
        block_for(Pin::new(&mut self.changed(seen)), timeout)
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.cell.into_inner()
    }
}

impl<T: Value + fmt::Debug> fmt::Debug for Versioned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, version) = self.load();
        f.debug_struct("Versioned").field("value", &value).field("version", &version.0).finish()
    }
}

impl<T: Value> Inside for Versioned<T> {
    type Asked = Version;
    /// The version that was there when the wait began.
    type Wish = Version;
    type Answer = ();
    type Output = (T, Version);
    type Name = VersionedOf<T>;

    fn event(&self) -> &Event<Self> {
        &self.event
    }

    fn look(&self, seen: Version) -> Result<(), Version> {
        if self.cell.version() == seen.0 { Err(seen) } else { Ok(()) }
    }

    fn look_again(&self, seen: &mut Version) -> Option<()> {
        self.look(*seen).ok()
    }

    fn output(&self, (): ()) -> (T, Version) {
        let (value, seen) = self.cell.load();
        (value, version_of::<T>(seen))
    }
}

/// A [`Versioned`] had been set in between; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale<T> {
    /// The version that was asked for.
    pub expected: Version,
    /// Value and version as they were found.
    pub current: (T, Version),
}

impl<T> fmt::Display for Stale<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, now) = &self.current;
        write!(f, "set version {} of a cell that is at version {now}", self.expected)
    }
}

impl<T: fmt::Debug> Error for Stale<T> {}
