//! A mutex that tasks can hold while they wait: one permit, and the data that goes with it.
//!
//! Invariant: a [`Guard`] exists only while its maker holds the mutex's one permit, and gives it back when it goes. So
//! there is one guard at a time, and what a guard did comes before what the next one does: giving and taking a permit
//! order the two.

use crate::sync::permits::{Permits, Place, Take, Use};
use crate::wait::{BlockedOn, block_for, block_on};
use norace_prim::cell::UnsafeCell;
use norace_prim::probe::{Kind, Site};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What the checker calls it.
pub(crate) struct MutexUse;

impl Kind for MutexUse {
    const WORD: &'static str = "mutex";
    type Holds = ();
}

impl Use for MutexUse {
    const ON: BlockedOn = BlockedOn::Lock;
    const TAKE: &'static str = "lock";
    const GIVE: &'static str = "unlock";
    const OVERTAKEN_MAX: u32 = norace_prim::model_or!(16, 1);
}

/// A lock that a task may hold across an `await`.
///
/// ```
/// use norace::sync::Mutex;
/// static BOOK: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// norace::block_on(async {
///     BOOK.lock().await.push(7);
/// });
/// assert_eq!(*BOOK.lock_blocking(), [7]);
/// ```
///
/// # When to use it, and when not
///
/// For a resource of which there is one and whose use waits: a connection, a file. For plain data that nobody holds
/// across an `await`, [`prim::sync::Mutex`](crate::prim::sync::Mutex) is faster and harder to misuse; for one word, an
/// atomic or [`Versioned`](crate::sync::Versioned).
///
/// # Cost
///
/// Locking and unlocking without contention is one exchange each. Who waits takes a slot in a slab, which gives memory
/// back when it empties; nothing is allocated per wait otherwise.
///
/// # Fairness
///
/// Waiters stand in line. Whoever comes just when the lock is free may take it ahead of the line, which saves a switch,
/// but the first in line is overtaken at most 16 times: then the lock is handed to it directly. So each wait is bounded
/// by the waiters before it.
///
/// # Ordering
///
/// Unlocking happens before the next lock.
///
/// # Cancel safety
///
/// A pending [`lock`](Self::lock) that is dropped leaves the line; a lock that was handed to it goes to the next one.
///
/// # Panics
///
/// There is no poisoning: a panic of who holds the lock unlocks it, and the data stays as the panic left it. Where that
/// matters, change a copy and put it in at the end. A task that locks what it holds waits for ever.
///
/// The line is that of tokio's semaphore, the bound on overtaking is by count where `async-lock` has time.
pub struct Mutex<T: ?Sized> {
    permit: Permits<MutexUse>,
    data: UnsafeCell<T>,
}

// SAFETY: the mutex owns its data and moves with it.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: the data is reached through the one guard alone, which is on one thread at a time and comes after the guard
// before; hence `T: Send` is enough. A guard can be shared only if `T: Sync`, see there.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A mutex that is free.
    #[cfg_attr(norace, track_caller)]
    pub const fn new(data: T) -> Self {
        Self { permit: Permits::new(1), data: UnsafeCell::new(data) }
    }

    /// The data.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks, waiting until that is possible. See [cancel safety](Self#cancel-safety).
    #[track_caller]
    pub fn lock(&self) -> Lock<&Self, T> {
        Lock::new(self, Site::here())
    }

    /// As [`lock`](Self::lock), with a guard that keeps the mutex alive and may go anywhere.
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> Lock<Arc<Self>, T> {
        Lock::new(self, Site::here())
    }

    /// Locks if that needs no waiting.
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let site = Site::here();
        (self.permit.try_take(1, site) == Take::Taken).then(|| Guard::new(self, site))
    }

    /// As [`try_lock`](Self::try_lock), with a guard that keeps the mutex alive.
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Option<OwnedMutexGuard<T>> {
        let site = Site::here();
        (self.permit.try_take(1, site) == Take::Taken).then(|| Guard::new(self, site))
    }

    /// Locks; this thread sleeps until that is possible. For plain threads: a task would hold up its worker.
    #[track_caller]
    pub fn lock_blocking(&self) -> MutexGuard<'_, T> {
        self.try_lock().unwrap_or_else(|| block_on(self.lock()))
    }

    /// Locks; this thread sleeps for at most `timeout` until that is possible.
    #[track_caller]
    pub fn lock_timeout(&self, timeout: Duration) -> Option<MutexGuard<'_, T>> {
        block_for(Pin::new(&mut self.lock()), timeout)
    }

    /// The data, for who has the mutex to himself.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }
}

impl<T: Default> Default for Mutex<T> {
    #[cfg_attr(norace, track_caller)]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    #[cfg_attr(norace, track_caller)]
    fn from(data: T) -> Self {
        Self::new(data)
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    /// Shows whether it is locked; looking at the data would take the lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let locked = self.permit.free() == 0;
        f.debug_struct("Mutex").field("locked", &locked).finish_non_exhaustive()
    }
}

/// The future of [`Mutex::lock`] and [`Mutex::lock_owned`].
///
/// # Panics
///
/// When it is polled again after it was ready.
#[must_use = "futures do nothing unless awaited"]
pub struct Lock<M: Deref<Target = Mutex<T>>, T: ?Sized> {
    /// `None` once it is locked.
    mutex: Option<M>,
    place: Place,
    data: PhantomData<T>,
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> Lock<M, T> {
    fn new(mutex: M, site: Site) -> Self {
        Self { mutex: Some(mutex), place: Place::new(1, site), data: PhantomData }
    }
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> Unpin for Lock<M, T> {}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> Future for Lock<M, T> {
    type Output = Guard<M, T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Guard<M, T>> {
        let Self { mutex, place, .. } = &mut *self;
        let waits = mutex.as_ref().expect("a lock was polled after it was ready");
        let taken = ready!(place.poll(&waits.permit, cx));
        debug_assert!(taken, "a mutex is never closed");
        let mutex = mutex.take().expect("it was there just now");
        Poll::Ready(Guard::new(mutex, place.site()))
    }
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> Drop for Lock<M, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(mutex) = &self.mutex {
            self.place.leave(&mutex.permit);
        }
    }
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> fmt::Debug for Lock<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

/// Access to the data of a locked [`Mutex`], which dropping it unlocks; see [`MutexGuard`] and [`OwnedMutexGuard`].
#[must_use = "dropping the guard unlocks"]
pub struct Guard<M: Deref<Target = Mutex<T>>, T: ?Sized> {
    mutex: M,
    site: Site,
    /// The guard stands for `&mut T`: it is `Send` and `Sync` as that is.
    data: PhantomData<T>,
}

/// A guard that borrows its mutex.
pub type MutexGuard<'a, T> = Guard<&'a Mutex<T>, T>;

/// A guard that keeps its mutex alive.
pub type OwnedMutexGuard<T> = Guard<Arc<Mutex<T>>, T>;

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> Guard<M, T> {
    /// To be called by who has just taken the mutex's permit.
    fn new(mutex: M, site: Site) -> Self {
        Self { mutex, site, data: PhantomData }
    }

    /// The mutex that this guard locks.
    pub fn mutex(guard: &Self) -> &M {
        &guard.mutex
    }
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> Deref for Guard<M, T> {
    type Target = T;

    #[inline]
    #[cfg_attr(norace, track_caller)]
    fn deref(&self) -> &T {
        self.mutex.data.with(|data| {
            // SAFETY: this guard is the only one, and it is borrowed for as long as the reference lives, so that nobody
            // gets a mutable one meanwhile.
            unsafe { &*data }
        })
    }
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> DerefMut for Guard<M, T> {
    #[inline]
    #[cfg_attr(norace, track_caller)]
    fn deref_mut(&mut self) -> &mut T {
        self.mutex.data.with_mut(|data| {
            // SAFETY: this guard is the only one, and it is mutably borrowed for as long as the reference lives.
            unsafe { &mut *data }
        })
    }
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized> Drop for Guard<M, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.permit.give(1, self.site);
    }
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized + fmt::Debug> fmt::Debug for Guard<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<M: Deref<Target = Mutex<T>>, T: ?Sized + fmt::Display> fmt::Display for Guard<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
