//! The semaphore: permits by count, first come first served.

use super::permits::{PERMITS_MAX, Permits, Place, Take, Use};
use crate::wait::{BlockedOn, block_for, block_on};
use norace_prim::probe::{Kind, Site};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What the checker calls it.
struct SemaphoreUse;

impl Kind for SemaphoreUse {
    const WORD: &'static str = "semaphore";
    type Holds = ();
}

impl Use for SemaphoreUse {
    const ON: BlockedOn = BlockedOn::Permits;
    const TAKE: &'static str = "acquire from";
    const GIVE: &'static str = "give to";
    const OVERTAKEN_MAX: u32 = 0;
}

/// A number of permits, taken one or many at a time and given back by dropping them.
///
/// ```
/// use norace::sync::Semaphore;
/// let connections = Semaphore::new(2);
/// norace::block_on(async {
///     let one = connections.acquire().await?;
///     let other = connections.acquire().await?;
///     assert!(connections.try_acquire().is_err());
///     drop(one);
///     assert_eq!(connections.available(), 1);
///     drop(other);
///     Ok::<_, norace::sync::AcquireError>(())
/// })
/// .expect("nobody closes it");
/// ```
///
/// # When to use it, and when not
///
/// To bound how much of something happens at once: calls to a service, memory in flight (many permits for a large
/// request). To bound tasks there is the limit of a group of tasks (`norace::group`); to hand values over, a
/// [channel](crate::chan), whose capacity is a semaphore already; for one permit that guards data, a
/// [`Mutex`](crate::sync::Mutex).
///
/// # Cost
///
/// Acquiring and giving back while nobody waits is one exchange each. A waiter takes a slot in a slab, which gives
/// memory back when it empties.
///
/// # Fairness
///
/// Strictly first come, first served, by weight too: who waits for many permits is not overtaken by who wants few, and
/// `try_acquire` fails while anybody waits. Permits that come are handed to the first in line. So a request for more
/// permits than there will ever be holds up all behind it until it is dropped.
///
/// # Ordering
///
/// Giving a permit back happens before the acquiring of it, and closing before every call that says that it is closed.
/// [`available`](Self::available) orders nothing.
///
/// # Cancel safety
///
/// A pending [`acquire`](Self::acquire) that is dropped leaves the line; permits that were handed to it go to the next
/// in line or back. Its place is lost: who acquires in a loop with a `select!` should keep the future.
///
/// # Panics
///
/// A permit is given back when a panic drops it.
///
/// The design is that of tokio's semaphore, with a flag for "somebody waits" in the word.
pub struct Semaphore {
    permits: Permits<SemaphoreUse>,
}

impl Semaphore {
    /// The most permits there can be.
    pub const PERMITS_MAX: usize = PERMITS_MAX;

    /// A semaphore with `permits` free permits.
    ///
    /// # Panics
    ///
    /// When that is more than [`PERMITS_MAX`](Self::PERMITS_MAX).
    #[cfg_attr(norace, track_caller)]
    pub const fn new(permits: usize) -> Self {
        Self { permits: Permits::new(permits) }
    }

    /// How many permits are free at this moment.
    pub fn available(&self) -> usize {
        self.permits.free()
    }

    /// Acquires a permit, waiting for it. Resolves to [`AcquireError`] when the semaphore is closed.
    #[track_caller]
    pub fn acquire(&self) -> Acquire<&Self> {
        Acquire::new(self, 1, Site::here())
    }

    /// Acquires `count` permits at once, waiting until all of them are there.
    #[track_caller]
    pub fn acquire_many(&self, count: usize) -> Acquire<&Self> {
        Acquire::new(self, count, Site::here())
    }

    /// As [`acquire`](Self::acquire), with a permit that keeps the semaphore alive and may go anywhere.
    #[track_caller]
    pub fn acquire_owned(self: Arc<Self>) -> Acquire<Arc<Self>> {
        Acquire::new(self, 1, Site::here())
    }

    /// As [`acquire_many`](Self::acquire_many), with a permit that keeps the semaphore alive.
    #[track_caller]
    pub fn acquire_many_owned(self: Arc<Self>, count: usize) -> Acquire<Arc<Self>> {
        Acquire::new(self, count, Site::here())
    }

    /// Acquires a permit if that needs no waiting.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`] when none is free, somebody waits, or the semaphore is closed.
    #[track_caller]
    pub fn try_acquire(&self) -> Result<Permit<&Self>, TryAcquireError> {
        try_acquire(self, 1, Site::here())
    }

    /// Acquires `count` permits if that needs no waiting.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire).
    #[track_caller]
    pub fn try_acquire_many(&self, count: usize) -> Result<Permit<&Self>, TryAcquireError> {
        try_acquire(self, count, Site::here())
    }

    /// As [`try_acquire_many`](Self::try_acquire_many), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire).
    #[track_caller]
    pub fn try_acquire_owned(
        self: Arc<Self>,
        count: usize,
    ) -> Result<OwnedPermit, TryAcquireError> {
        try_acquire(self, count, Site::here())
    }

    /// Acquires `count` permits; this thread sleeps until they are there. For plain threads.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed.
    #[track_caller]
    pub fn acquire_blocking(&self, count: usize) -> Result<Permit<&Self>, AcquireError> {
        match self.try_acquire_many(count) {
            Ok(permit) => Ok(permit),
            Err(TryAcquireError::Closed) => Err(AcquireError),
            Err(TryAcquireError::NoPermits) => block_on(self.acquire_many(count)),
        }
    }

    /// Acquires `count` permits; this thread sleeps for at most `timeout` until they are there.
    ///
    /// # Errors
    ///
    /// [`AcquireTimeoutError`] when time runs out or the semaphore is closed.
    #[track_caller]
    pub fn acquire_timeout(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Permit<&Self>, AcquireTimeoutError> {
        match block_for(Pin::new(&mut self.acquire_many(count)), timeout) {
            Some(result) => result.map_err(|AcquireError| AcquireTimeoutError::Closed),
            None => Err(AcquireTimeoutError::Timeout),
        }
    }

    /// Adds `count` new permits.
    ///
    /// # Panics
    ///
    /// When there would be more than [`PERMITS_MAX`](Self::PERMITS_MAX) free.
    #[track_caller]
    pub fn add(&self, count: usize) {
        self.permits.give(count, Site::here());
    }

    /// Closes the semaphore: who waits and who comes is refused; false when it was closed before.
    ///
    /// Permits that are out stay valid.
    #[track_caller]
    pub fn close(&self) -> bool {
        self.permits.close(Site::here())
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }
}

fn try_acquire<S: Deref<Target = Semaphore>>(
    semaphore: S,
    count: usize,
    site: Site,
) -> Result<Permit<S>, TryAcquireError> {
    match semaphore.permits.try_take(count, site) {
        Take::Taken => Ok(Permit { semaphore, count, site }),
        Take::Short => Err(TryAcquireError::NoPermits),
        Take::Closed => Err(TryAcquireError::Closed),
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// The future of [`Semaphore::acquire`] and its relatives.
///
/// # Panics
///
/// When it is polled again after it was ready.
#[must_use = "futures do nothing unless awaited"]
pub struct Acquire<S: Deref<Target = Semaphore>> {
    /// `None` once it is ready.
    semaphore: Option<S>,
    place: Place,
}

impl<S: Deref<Target = Semaphore>> Acquire<S> {
    fn new(semaphore: S, count: usize, site: Site) -> Self {
        Self { semaphore: Some(semaphore), place: Place::new(count, site) }
    }
}

impl<S: Deref<Target = Semaphore>> Unpin for Acquire<S> {}

impl<S: Deref<Target = Semaphore>> Future for Acquire<S> {
    type Output = Result<Permit<S>, AcquireError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { semaphore, place } = &mut *self;
        let waits = semaphore.as_ref().expect("an acquire was polled after it was ready");
        let taken = ready!(place.poll(&waits.permits, cx));
        let semaphore = semaphore.take().expect("it was there just now");
        let (count, site) = (place.need(), place.site());
        Poll::Ready(if taken { Ok(Permit { semaphore, count, site }) } else { Err(AcquireError) })
    }
}

impl<S: Deref<Target = Semaphore>> Drop for Acquire<S> {
    #[inline]
    fn drop(&mut self) {
        if let Some(semaphore) = &self.semaphore {
            self.place.leave(&semaphore.permits);
        }
    }
}

impl<S: Deref<Target = Semaphore>> fmt::Debug for Acquire<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("count", &self.place.need()).finish_non_exhaustive()
    }
}

/// Permits of a [`Semaphore`] that were acquired; dropping it gives them back.
#[must_use = "dropping the permit gives it back"]
pub struct Permit<S: Deref<Target = Semaphore>> {
    semaphore: S,
    count: usize,
    site: Site,
}

/// A permit that keeps its semaphore alive.
pub type OwnedPermit = Permit<Arc<Semaphore>>;

impl<S: Deref<Target = Semaphore>> Permit<S> {
    /// How many permits it is.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Does not give the permits back: the semaphore has that many fewer from now on.
    pub fn forget(mut self) {
        self.count = 0;
    }
}

impl<S: Deref<Target = Semaphore> + Clone> Permit<S> {
    /// Splits `count` permits off; `None`, and nothing changes, when it has fewer.
    pub fn split(&mut self, count: usize) -> Option<Self> {
        self.count = self.count.checked_sub(count)?;
        Some(Self { semaphore: self.semaphore.clone(), count, site: self.site })
    }
}

impl<S: Deref<Target = Semaphore>> Drop for Permit<S> {
    #[inline]
    fn drop(&mut self) {
        if self.count > 0 {
            self.semaphore.permits.give(self.count, self.site);
        }
    }
}

impl<S: Deref<Target = Semaphore>> fmt::Debug for Permit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("count", &self.count).finish_non_exhaustive()
    }
}

/// The semaphore is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquireError;

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("acquire from a closed semaphore")
    }
}

impl Error for AcquireError {}

/// Why [`Semaphore::try_acquire`] acquired nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// Too few permits are free, or somebody waits for them.
    NoPermits,
    /// The semaphore is closed.
    Closed,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPermits => "acquire from a semaphore without enough free permits",
            Self::Closed => "acquire from a closed semaphore",
        })
    }
}

impl Error for TryAcquireError {}

/// Why [`Semaphore::acquire_timeout`] acquired nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireTimeoutError {
    /// Time ran out.
    Timeout,
    /// The semaphore is closed.
    Closed,
}

impl fmt::Display for AcquireTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "acquire from a semaphore within the time given",
            Self::Closed => "acquire from a closed semaphore",
        })
    }
}

impl Error for AcquireTimeoutError {}
