//! Wakers collected under a lock and called after it is released.

use std::task::Waker;

/// Wakers to call, and wakers to drop, once the lock under which they were collected is released.
///
/// Waking and dropping a waker run foreign code: an executor may poll or drop a whole task right there, and with it
/// other ends of the same channel. Neither may happen under a lock. Collecting one waker does not allocate.
///
/// Dropping the collection wakes everybody in it, so that one waker that panics cannot keep the others asleep.
#[derive(Default)]
pub(crate) struct Wakes {
    first: Option<Waker>,
    rest: Vec<Waker>,
    discarded: Option<Waker>,
}

impl Wakes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a waker to call.
    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.rest.push(waker);
        }
    }

    /// Keeps a waker that is not to be called.
    #[inline]
    pub(crate) fn discard(&mut self, waker: Waker) {
        debug_assert!(self.discarded.is_none(), "one step discards one waker at most");
        self.discarded = Some(waker);
    }

    /// Makes `slot` wake what `current` wakes.
    #[inline]
    pub(crate) fn update(&mut self, slot: &mut Waker, current: &Waker) {
        if !slot.will_wake(current) {
            self.discard(std::mem::replace(slot, current.clone()));
        }
    }

    /// Calls all of them, in the order in which they were added.
    #[inline]
    pub(crate) fn wake_all(self) {}
}

impl Drop for Wakes {
    #[inline]
    fn drop(&mut self) {
        /// Goes on with the rest when a waker panics.
        struct Rest(std::vec::IntoIter<Waker>);
        impl Drop for Rest {
            fn drop(&mut self) {
                self.0.by_ref().for_each(Waker::wake);
            }
        }
        let rest = Rest(std::mem::take(&mut self.rest).into_iter());
        if let Some(first) = self.first.take() {
            first.wake();
        }
        drop(rest);
    }
}
