//! Waiting for a context to be cancelled.

use super::cause::Cause;
use super::tree::Node;
use crate::wait::Key;
use norace_prim::probe::Site;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The future of [`Context::cancelled`](super::Context::cancelled).
///
/// It may be polled again after it was ready, and is ready again.
#[must_use = "futures do nothing unless awaited"]
pub struct Cancelled<'a> {
    node: &'a Node,
    waiter: Option<Key>,
    site: Site,
}

impl<'a> Cancelled<'a> {
    pub(super) fn new(node: &'a Node, site: Site) -> Self {
        Self { node, waiter: None, site }
    }
}

impl Future for Cancelled<'_> {
    type Output = Cause;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Cause> {
        let this = &mut *self;
        let cause = this.node.poll_cancelled(&mut this.waiter, cx.waker(), this.site);
        cause.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Cancelled<'_> {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter {
            self.node.stop_waiting(waiter, self.site);
        }
    }
}

impl fmt::Debug for Cancelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled").field("cause", &self.node.cause()).finish_non_exhaustive()
    }
}
