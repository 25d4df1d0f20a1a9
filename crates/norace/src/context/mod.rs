//! Cancellation: a tree of [`Context`]s, each with a deadline and, once it is over, a [`Cause`].
//!
//! Work that may have to end early takes a context, selects on [`Context::cancelled`], and gives a
//! [child](Context::child) to what it starts. Cancelling a context cancels everything below it and nothing above it.
//! The first cause wins and is inherited. Contexts work on any executor and on plain threads.
//!
//! ```
//! use norace::context::{Cause, Context};
//! use std::time::Duration;
//!
//! let request = Context::new();
//! let query = request.with_timeout(Duration::from_secs(5));
//! request.cancel_with(Cause::Failed("client went away".into()));
//! assert_eq!(query.cause(), Some(Cause::Failed("client went away".into())));
//!
//! let outcome = norace::block_on(query.run(std::future::pending::<u32>()));
//! assert_eq!(outcome.unwrap_err().to_string(), "client went away");
//! ```

mod cancelled;
mod cause;
mod tree;

pub use cancelled::Cancelled;
pub use cause::Cause;

use crate::time::{Duration, Instant};
use crate::wait::block_for;
use norace_prim::probe::Site;
use norace_prim::sync::Arc;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use tree::Node;

/// A place in a cancellation tree. Clones are the same place.
///
/// A context is cancelled by [`cancel`](Self::cancel), by its deadline, or with its parent. Dropping the last clone
/// cancels nothing: contexts below it stay connected to those above it. A dropped context takes its own place in its
/// parent and its timer with it, so a parent may live for ever and have any number of short-lived children.
///
/// # Cost
///
/// A context is one allocation; asking whether it is cancelled is one atomic load. Cancelling visits every context
/// below once, however deep or wide the tree, first marks all of them and then wakes who waits, and holds no lock
/// while it goes from one to the next.
#[derive(Clone)]
pub struct Context {
    node: Arc<Node>,
}

impl Context {
    /// A context that is never cancelled unless somebody does it: the root of a tree.
    #[track_caller]
    pub fn new() -> Self {
        Self { node: Node::root() }
    }

    /// A context that is cancelled with this one, or alone.
    #[must_use = "a context nobody holds has no effect"]
    #[track_caller]
    pub fn child(&self) -> Self {
        Self { node: Node::below(&self.node, None) }
    }

    /// A child that is cancelled at `deadline` with [`Cause::DeadlineExceeded`], at once when that has passed.
    ///
    /// A deadline later than this context's own changes nothing.
    #[must_use = "a context nobody holds has no effect"]
    #[track_caller]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { node: Node::below(&self.node, Some(deadline)) }
    }

    /// A child whose deadline is `timeout` from now.
    #[must_use = "a context nobody holds has no effect"]
    #[track_caller]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.with_deadline(deadline),
            None => self.child(),
        }
    }

    /// Cancels this context and everything below it with [`Cause::Cancelled`]; false when it was cancelled before.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.cancel_with(Cause::Cancelled)
    }

    /// Cancels this context and everything below it with `cause`; false, and without effect, when it was cancelled
    /// before.
    ///
    /// When it returns everything that was below is cancelled, but for parts that another call is cancelling just then.
    #[track_caller]
    pub fn cancel_with(&self, cause: Cause) -> bool {
        tree::cancel(&self.node, &cause, Site::here())
    }

    /// Whether it is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.node.cause().is_some()
    }

    /// Why it is cancelled; `None` while it is not.
    pub fn cause(&self) -> Option<Cause> {
        self.node.cause().cloned()
    }

    /// When it will be cancelled at the latest: the earliest deadline from here up to the root.
    pub fn deadline(&self) -> Option<Instant> {
        self.node.deadline()
    }

    /// Waits until it is cancelled.
    ///
    /// Cancel safe, and it may be awaited again. Made for an arm of `select!`.
    #[track_caller]
    pub fn cancelled(&self) -> Cancelled<'_> {
        self.cancelled_at(Site::here())
    }

    /// A wait that was asked for at `site`.
    pub(crate) fn cancelled_at(&self, site: Site) -> Cancelled<'_> {
        Cancelled::new(&self.node, site)
    }

    /// Runs `future` until it is ready or this context is cancelled, whichever comes first; then drops it.
    ///
    /// When both happen before one poll the output wins. In a context that is cancelled already `future` is not
    /// started.
    ///
    /// # Cancel safety
    ///
    /// That of `future`.
    ///
    /// # Errors
    ///
    /// The cause when the context was cancelled first.
    pub async fn run<F: Future>(&self, future: F) -> Result<F::Output, Cause> {
        if let Some(cause) = self.cause() {
            return Err(cause);
        }
        let mut future = pin!(future);
        let mut cancelled = self.cancelled();
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => Pin::new(&mut cancelled).poll(cx).map(Err),
        })
        .await
    }

    /// Waits until it is cancelled, for at most `timeout`; this thread sleeps. `None` when time ran out.
    #[track_caller]
    pub fn wait_blocking(&self, timeout: Duration) -> Option<Cause> {
        block_for(pin!(self.cancelled()), timeout)
    }
}

impl Default for Context {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("cause", &self.node.cause())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}
