//! What the tests of waiting things share: polling by hand, counting wakes and drops.

mod pool;

pub(crate) use pool::Pool;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Polls once with a waker that does nothing.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Polls once with `waker`.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
pub(crate) struct WakeCount(AtomicUsize);

impl WakeCount {
    /// A counter and a waker that feeds it.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), Waker::from(count))
    }

    pub(crate) fn get(&self) -> usize {
        // Relaxed: read on the thread that woke, or after joining it.
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        // Relaxed: a count that orders nothing.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts live values: each [`Live`] made from it adds one until it is dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveCount(Arc<()>);

/// A value whose drop is counted.
#[derive(Clone, Debug)]
pub(crate) struct Live(#[expect(dead_code, reason = "held for its count")] Arc<()>);

impl LiveCount {
    pub(crate) fn value(&self) -> Live {
        Live(self.0.clone())
    }

    pub(crate) fn get(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}
