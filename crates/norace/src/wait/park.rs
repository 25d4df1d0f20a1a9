//! Running a future on a plain thread, which sleeps while the future waits.
//!
//! One parker per thread: a flag and a condition variable. The parker is cached in a thread-local and *taken out*
//! while a wait uses it, so a wait inside a wait (a waker or a poll that blocks in turn) gets one of its own and
//! cannot swallow the outer one's notification. A waker that outlives its wait sets the flag of a later one: that
//! costs one extra poll.

use crate::budget;
use crate::select::SelectId;
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait, wait_timeout};
use norace_prim::thread_local;
use norace_prim::time::Instant;
use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker};

#[derive(Default)]
struct Parker {
    notified: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    /// Sleeps until notified; false when `deadline` came first.
    fn park(&self, deadline: Option<Instant>) -> bool {
        let mut notified = lock(&self.notified);
        while !*notified {
            notified = match deadline {
                None => wait(&self.changed, notified),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    wait_timeout(&self.changed, notified, left).0
                }
            };
        }
        *notified = false;
        true
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let was_notified = std::mem::replace(&mut *lock(&self.notified), true);
        if !was_notified {
            self.changed.notify_one();
        }
    }
}

thread_local! {
    static IDLE: Cell<Option<(Arc<Parker>, Waker)>> = const { Cell::new(None) };
}

/// Runs `future` on this thread, which sleeps whenever the future waits.
///
/// Needs no runtime and starts none: right for channels, contexts, timers and selects on plain threads. Not for
/// tasks: the worker that runs the task would sleep, too.
///
/// ```
/// let (tx, rx) = norace::chan::bounded(1);
/// let sum = norace::block_on(async {
///     tx.send(20).await?;
///     Ok::<_, norace::chan::SendError<u32>>(rx.recv().await.expect("the sender is alive") + 1)
/// });
/// assert_eq!(sum, Ok(21));
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    match block_until(pin!(future), None) {
        Some(output) => output,
        None => unreachable!("a wait without a deadline ends with the future"),
    }
}

/// Runs `future` until it is ready or `deadline` has passed; it is polled at least once.
pub(crate) fn block_until<F: Future>(
    mut future: Pin<&mut F>,
    deadline: Option<Instant>,
) -> Option<F::Output> {
    let cached = IDLE.try_with(Cell::take).ok().flatten();
    let (parker, waker) = cached.unwrap_or_else(|| {
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(parker.clone());
        (parker, waker)
    });
    let mut cx = Context::from_waker(&waker);
    let output = loop {
        // Neither the budget of a task that blocks its worker here (once spent it would never come back) nor the select
        // in which somebody blocks is this future's.
        let poll = || budget::with(|| future.as_mut().poll(&mut cx));
        if let Poll::Ready(output) = SelectId::during(None, poll) {
            break Some(output);
        }
        if !parker.park(deadline) {
            break None;
        }
    };
    // While thread-locals are being destroyed there is no cache, and none is needed.
    let _ = IDLE.try_with(|idle| idle.set(Some((parker, waker))));
    output
}

#[cfg(test)]
mod tests;
