//! Waiting for an object.

use super::core::Got;
use super::{Guard, Pool, Reset};
use crate::budget;
use crate::wait::Key;
use norace_prim::probe::Site;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A future of an object, made by [`Pool::get`].
#[must_use = "futures do nothing unless awaited"]
pub struct Get<'a, T: Reset> {
    pool: &'a Pool<T>,
    site: Site,
    /// The place in the line, once there is one.
    key: Option<Key>,
}

impl<'a, T: Reset> Get<'a, T> {
    pub(super) fn new(pool: &'a Pool<T>, site: Site) -> Self {
        Self { pool, site, key: None }
    }
}

impl<'a, T: Reset> Future for Get<'a, T> {
    type Output = Guard<'a, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Guard<'a, T>> {
        ready!(budget::poll_left(cx));
        let (pool, site) = (self.pool, self.site);
        let got = match self.key {
            None => pool.core().ask(site, Some(cx.waker())),
            Some(key) => {
                let Some(got) = pool.core().look(key, site, cx.waker()) else {
                    return Poll::Pending;
                };
                // Before the constructor, which may panic.
                self.key = None;
                got
            }
        };
        let entry = match got {
            Got::Entry(entry) => entry,
            Got::Licence(licence) => pool.core().make_asked(licence, site),
            Got::InLine(key) => {
                self.key = Some(key);
                return Poll::Pending;
            }
            Got::Nothing => unreachable!("who brings a waker gets a place in the line"),
        };
        budget::spend();
        Poll::Ready(Guard::new(pool, entry))
    }
}

impl<T: Reset> Drop for Get<'_, T> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.pool.core().leave(key, self.site);
        }
    }
}

impl<T: Reset> fmt::Debug for Get<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get").field("waits", &self.key.is_some()).finish_non_exhaustive()
    }
}
