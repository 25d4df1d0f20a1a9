//! Wakers collected under a lock and called after it is released.

use norace_prim::thread;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// Wakers to call, and wakers to drop, once the lock under which they were collected is released.
///
/// Waking and dropping a waker run foreign code: an executor may poll or drop a whole task right there, and with it
/// other ends of the same channel. Neither may happen under a lock. Collecting one waker does not allocate.
///
/// Dropping the collection wakes everybody in it. Wakers that panic keep none of the others asleep: the first panic
/// goes on when all have been called.
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

    /// Whether there is nobody to wake and nothing to drop. Where that is usual, forgetting it then in its place spares
    /// moving it and a look at each part.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        // `rest` is filled after `first`.
        self.first.is_none() && self.discarded.is_none()
    }

    /// Calls all of them, in the order in which they were added.
    pub(crate) fn wake_all(self) {
        drop(self);
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        let Some(first) = self.first.take() else { return };
        if self.rest.is_empty() {
            first.wake();
        } else {
            for_each(std::iter::once(first).chain(std::mem::take(&mut self.rest)), Waker::wake);
        }
    }
}

/// Does `one` with each of `items`, also when it panics for some; then goes on with the first panic, if any.
pub(crate) fn for_each<T>(items: impl IntoIterator<Item = T>, mut one: impl FnMut(T)) {
    let mut panic = None;
    for item in items {
        // What panicked is gone; nothing of it is looked at again.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| one(item))) {
            match panic {
                None => panic = Some(payload),
                // Its drop is foreign code, too, and might panic in turn.
                Some(_) => std::mem::forget(payload),
            }
        }
    }
    if let Some(payload) = panic {
        if thread::panicking() {
            // A second panic would abort the process; the one under way is reported.
            std::mem::forget(payload);
        } else {
            resume_unwind(payload);
        }
    }
}
