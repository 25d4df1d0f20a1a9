//! Objects that are used again instead of made again.
//!
//! ```
//! use norace::pool::Pool;
//!
//! let buffers = Pool::new(64, || Vec::<u8>::with_capacity(4096));
//! {
//!     let mut buffer = buffers.get_blocking();
//!     buffer.extend_from_slice(b"hello");
//! } // back in the pool, and emptied
//! let buffer = buffers.get_blocking();
//! assert!(buffer.is_empty());
//! assert!(cfg!(norace) || buffer.capacity() >= 4096);
//! ```
//!
//! # When
//!
//! For objects that cost more to make than some twenty nanoseconds: buffers of kilobytes and more, parsers, encoders,
//! connections; and where the number of objects in use has to have a bound that is waited for. Not for small
//! allocations, which the allocator serves as fast; not for objects that differ from each other, which want a map.
//!
//! # What it does
//!
//! * **Bounded**: at most `max_live` objects are in use, and at most `max_idle` lie idle. Idle ones count towards
//!   `max_live` as well, because they take memory too, but never keep anybody waiting: who finds no other gets one of
//!   those. [`Pool::unbounded`] makes objects without end.
//! * **Clean**: an object is [reset](Reset) when it comes back, so idle objects hold nothing of their last user.
//! * **Near**: an object goes to the thread that used it last, or one that shares its shard; who finds nothing there
//!   takes from others.
//! * **Gives memory back**: [`Pool::age`], called now and then by the pool itself, drops what was not used between two
//!   calls. A burst is forgotten after two of them.
//! * **Counts**: [`Pool::metrics`].
//!
//! # Cost
//!
//! Taking an object and giving it back is two exchanges of a word that other threads rarely touch; beyond the first
//! idle object of a shard it is a lock each. Nothing is allocated, but for a new object and for who has to wait.
//!
//! # Ordering
//!
//! Whatever was done with an object happens before what its next user does. A thread finds the object first that came
//! back last. Who waits is served first come, first served, and whoever comes later waits behind him.
//!
//! # Panics
//!
//! A panic in the constructor, in [`Reset::reset`], [`Reset::keep`] or a destructor goes on where it was raised, and
//! costs that one object; the bound, the line and the numbers stay right.
//!
//! # Under the checker
//!
//! In a model a pool is fickle: an object that comes back is kept or dropped, and who asks gets any of the idle ones or
//! a new one. Each of these choices is explored, so a test that depends on getting a fresh object, or on getting its
//! own back, fails in some execution, with its replay. What a reset keeps but nobody may read is overwritten
//! ([`Reset::poison`]). An object that [is not fresh](Reset::is_fresh) after its reset is a panic in ordinary debug
//! builds as well. [`Builder::predictable`] turns chance off.
//!
//! # Protocol
//!
//! It is in the documents of the source, `docs/design/pool.md`.

mod builder;
mod core;
mod desk;
mod entry;
mod get;
mod guard;
mod reset;
mod shard;

pub use builder::Builder;
pub use get::Get;
pub use guard::{Guard, OwnedGuard};
pub use reset::Reset;

use self::core::{Core, Got};
use crate::time;
use crate::wait::{block_for, block_on};
use norace_prim::probe::Site;
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use std::fmt;
use std::future::Future;
use std::pin::pin;

/// A pool of objects, shared by its clones; see the [module](self).
///
/// What makes the objects and what they are may go to any thread. Neither of these compiles:
///
/// ```compile_fail,E0277
/// # use norace::pool::Pool;
/// let shared = std::rc::Rc::new(1);
/// Pool::new(1, move || vec![*shared]);
/// ```
/// ```compile_fail,E0277
/// # use norace::pool::Pool;
/// Pool::new(1, || vec![std::rc::Rc::new(1)]);
/// ```
/// ```compile_fail,E0277
/// # use norace::pool::Pool;
/// let cells = Pool::new(1, || vec![std::cell::Cell::new(1)]);
/// let guard = cells.get_blocking();
/// // `Cell` is not `Sync`, so neither is the guard.
/// std::thread::scope(|scope| scope.spawn(|| guard.len()).join().unwrap());
/// ```
pub struct Pool<T> {
    core: Arc<Core<T>>,
}

/// What has happened in a pool, and what is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Acquires that got an idle object of the thread's own shard, or one that somebody gave back to who waited.
    pub hits: u64,
    /// Acquires that got an idle object of another shard.
    pub steals: u64,
    /// Acquires that needed a new object.
    pub misses: u64,
    /// Objects that the pool has dropped: too big, too many, too old, or lost to a panic.
    pub dropped: u64,
    /// Objects that lie idle.
    pub idle: usize,
    /// Objects in use.
    pub live: usize,
    /// Acquires that wait.
    pub waiting: usize,
}

impl<T: Reset + Send + 'static> Pool<T> {
    /// A pool of at most `max_live` objects in use, which `new` makes.
    #[cfg_attr(norace, track_caller)]
    pub fn new(max_live: usize, new: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::builder(max_live).build(new)
    }

    /// A pool that makes as many objects as are asked for. It keeps 1,024 of them idle.
    #[cfg_attr(norace, track_caller)]
    pub fn unbounded(new: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::unbounded_builder().build(new)
    }

    /// Begins a pool of at most `max_live` objects in use.
    ///
    /// # Panics
    ///
    /// When it is 0.
    pub fn builder(max_live: usize) -> Builder<T> {
        assert!(max_live > 0, "a pool of no objects would keep all waiting");
        Builder::new(max_live)
    }

    /// Begins a pool that makes as many objects as are asked for.
    pub fn unbounded_builder() -> Builder<T> {
        Builder::new(usize::MAX)
    }

    /// Ages the pool every `period`, for as long as there is one: a future to spawn on whatever runs futures.
    ///
    /// It does not keep the pool, and ends after the last handle and guard are gone.
    ///
    /// ```
    /// # use norace::pool::Pool;
    /// # use std::time::Duration;
    /// let pool = Pool::new(8, String::new);
    /// let ageing = pool.ageing(Duration::from_millis(1));
    /// let thread = std::thread::spawn(|| norace::block_on(ageing));
    /// drop(pool);
    /// thread.join().unwrap();
    /// ```
    pub fn ageing(&self, period: Duration) -> impl Future<Output = ()> + Send + use<T> {
        let core = Arc::downgrade(&self.core);
        async move {
            loop {
                time::sleep(period).await;
                let Some(core) = core.upgrade() else { return };
                core.age();
            }
        }
    }
}

impl<T: Reset> Pool<T> {
    /// An object if that needs no waiting: none when as many are in use as may be, or others wait already.
    ///
    /// Where all objects that may be have been made, there may also be none for a moment in which another thread has an
    /// idle one in hand: while it ages the pool, or moves what lies idle. Who must not miss that one waits with
    /// [`get`](Self::get).
    #[inline]
    #[cfg_attr(norace, track_caller)]
    pub fn try_get(&self) -> Option<Guard<'_, T>> {
        self.try_get_at(Site::here())
    }

    #[inline]
    fn try_get_at(&self, site: Site) -> Option<Guard<'_, T>> {
        let entry = match self.core.ask(site, None) {
            Got::Entry(entry) => entry,
            Got::Licence(licence) => self.core.make_asked(licence, site),
            Got::InLine(_) | Got::Nothing => return None,
        };
        Some(Guard::new(self, entry))
    }

    /// An object, as soon as there is one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up its place in the line; an object that it was given goes to the next.
    ///
    /// # Ordering
    ///
    /// First come, first served, where the first poll is what counts.
    #[inline]
    #[cfg_attr(norace, track_caller)]
    pub fn get(&self) -> Get<'_, T> {
        Get::new(self, Site::here())
    }

    /// An object; this thread sleeps until there is one.
    #[inline]
    #[cfg_attr(norace, track_caller)]
    pub fn get_blocking(&self) -> Guard<'_, T> {
        let site = Site::here();
        self.try_get_at(site).unwrap_or_else(|| block_on(Get::new(self, site)))
    }

    /// An object; this thread sleeps for at most `timeout` until there is one.
    #[cfg_attr(norace, track_caller)]
    pub fn get_timeout_blocking(&self, timeout: Duration) -> Option<Guard<'_, T>> {
        block_for(pin!(Get::new(self, Site::here())), timeout)
    }

    /// Makes idle objects until there are `count` more, or as many as the bounds allow; says how many it made.
    #[cfg_attr(norace, track_caller)]
    pub fn prefill(&self, count: usize) -> usize {
        self.core.prefill(count)
    }

    /// Drops the objects that were not used since the call before the last one of this, and gives the memory of their
    /// places back.
    #[cfg_attr(norace, track_caller)]
    pub fn age(&self) {
        self.core.age();
    }

    /// What has happened and what is there. Looks at every object's count, so it is for reports, not for hot paths;
    /// while others use the pool the numbers are of moments close to each other.
    #[cfg_attr(norace, track_caller)]
    pub fn metrics(&self) -> Metrics {
        self.core.metrics()
    }
}

impl<T> Pool<T> {
    #[inline]
    fn core(&self) -> &Core<T> {
        &self.core
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone() }
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("metrics", &self.core.metrics()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(norace)))]
mod tests;
