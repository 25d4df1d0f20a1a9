//! The receiving end.

use super::core::Core;
use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::state::{State, Taken, Waiter};
use crate::budget;
use crate::select::SelectId;
use crate::wait::{Key, Wakes, block_on, block_until};
use norace_prim::probe::{Effect, Site};
use norace_prim::sync::Arc;
use norace_prim::time::{Duration, Instant};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What the checker's reports say that a receive does.
const RECEIVE: &str = "receive from";

/// The receiving end of a channel. Clone it for more receivers: each value goes to exactly one of them.
///
/// When the last receiver is dropped the channel closes: what is buffered is dropped, and sends, waiting ones
/// included, get their values back.
pub struct Receiver<T> {
    core: Arc<Core<T>>,
}

impl<T> Receiver<T> {
    /// The first receiver of a new core.
    pub(super) fn new(core: Arc<Core<T>>) -> Self {
        Self { core }
    }

    /// Receives a value, waiting for one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a value that was handed to it goes to the next receiver that waits, or back
    /// to the front, where it does not count against the capacity. (A future that is forgotten with
    /// [`std::mem::forget`] while it waits keeps the one value that is handed to it until the last receiver is gone.)
    ///
    /// So a value that was handed to a receive has not been received until that is polled: while one such value may
    /// still come back, a closed channel has not ended, and other receives wait. Do not await one receive to its end
    /// while you keep another unpolled.
    ///
    /// # Ordering
    ///
    /// Receivers that wait are served first come, first served, and nobody overtakes them.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the channel is closed and every value has been received.
    #[cfg_attr(norace, track_caller)]
    pub fn recv(&self) -> Recv<'_, T> {
        Recv { core: &self.core, site: Site::here(), stage: Stage::New }
    }

    /// Receives a value; this thread sleeps until there is one.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the channel is closed and every value has been received.
    #[cfg_attr(norace, track_caller)]
    pub fn recv_blocking(&self) -> Result<T, RecvError> {
        match self.try_recv() {
            Ok(value) => Ok(value),
            Err(TryRecvError::Closed) => Err(RecvError),
            Err(TryRecvError::Empty) => block_on(self.recv()),
        }
    }

    /// Receives a value; this thread sleeps for at most `timeout` until there is one.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`] when time runs out, or when the channel is closed and every value has been received.
    #[cfg_attr(norace, track_caller)]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let deadline = Instant::now().checked_add(timeout);
        // A value handed over in the instant in which time runs out goes back when the future is dropped.
        match block_until(Pin::new(&mut self.recv()), deadline) {
            Some(result) => result.map_err(|RecvError| RecvTimeoutError::Closed),
            None => Err(RecvTimeoutError::Timeout),
        }
    }

    /// Receives a value if that needs no waiting: one is buffered, or a sender waits with one (but not in a select,
    /// where it might be sending something else just then).
    ///
    /// # Errors
    ///
    /// [`TryRecvError`] when there is none now, or when the channel is closed and every value has been received (not
    /// merely handed to a receive that may still be dropped).
    #[cfg_attr(norace, track_caller)]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let (core, site) = (&self.core, Site::here());
        match core.attempt("try to receive from", site, State::take, Taken::effect) {
            Taken::Value(value) => Ok(value),
            Taken::Empty => Err(TryRecvError::Empty),
            Taken::Closed => Err(TryRecvError::Closed),
        }
    }

    /// Appends to `values` what can be received without waiting, at most `max`, in one step; says how many.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`] when there is nothing now (and `max` is not 0), or when the channel is closed and every value
    /// has been received.
    #[cfg_attr(norace, track_caller)]
    pub fn try_recv_many(&self, values: &mut Vec<T>, max: usize) -> Result<usize, TryRecvError> {
        let take = |state: &mut State<T>, wakes: &mut Wakes| {
            let mut count = 0;
            while count < max {
                match state.take(wakes) {
                    Taken::Value(value) => values.push(value),
                    Taken::Empty if count == 0 => return Err(TryRecvError::Empty),
                    Taken::Closed if count == 0 => return Err(TryRecvError::Closed),
                    Taken::Empty | Taken::Closed => break,
                }
                count += 1;
            }
            Ok(count)
        };
        self.core.attempt("try to receive from", Site::here(), take, |result| match result {
            Ok(0) | Err(TryRecvError::Empty) => Effect::Nothing,
            Ok(_) => Effect::Changed,
            Err(TryRecvError::Closed) => Effect::Learned,
        })
    }

    /// Like [`try_recv_many`](Self::try_recv_many), but this thread sleeps until there is at least one value.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the channel is closed and every value has been received.
    #[cfg_attr(norace, track_caller)]
    pub fn recv_many_blocking(&self, values: &mut Vec<T>, max: usize) -> Result<usize, RecvError> {
        match self.try_recv_many(values, max) {
            Ok(count) => Ok(count),
            Err(TryRecvError::Closed) => Err(RecvError),
            Err(TryRecvError::Empty) => {
                values.push(block_on(self.recv())?);
                // Nothing more now is fine, and so is a close: there is one value.
                Ok(1 + self.try_recv_many(values, max - 1).unwrap_or(0))
            }
        }
    }

    /// The values to come, until the channel is closed and drained; this thread sleeps between them.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Closes the channel for all its ends; true when this call did it, false when it was closed before.
    ///
    /// Sends that wait get their values back. What is buffered can still be received.
    #[cfg_attr(norace, track_caller)]
    pub fn close(&self) -> bool {
        self.core.close()
    }

    /// Whether the channel is closed: by [`close`](Self::close), or because all senders or all receivers are gone.
    /// There may be values left to receive.
    #[cfg_attr(norace, track_caller)]
    pub fn is_closed(&self) -> bool {
        self.core.is_closed()
    }

    /// How many values are buffered. Values of sends that wait do not count.
    #[cfg_attr(norace, track_caller)]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Whether nothing is buffered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values the buffer takes; `None` when it is unbounded.
    pub fn capacity(&self) -> Option<usize> {
        self.core.capacity()
    }

    /// Whether `other` receives from the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.core.add_receiver();
        Self { core: self.core.clone() }
    }
}

impl<T> Drop for Receiver<T> {
    #[cfg_attr(norace, track_caller)]
    fn drop(&mut self) {
        self.core.drop_receiver();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt_end("Receiver", f)
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

/// The values to come; see [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[cfg_attr(norace, track_caller)]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv_blocking().ok()
    }
}

/// The values to come, from a receiver of its own; this thread sleeps between them.
#[derive(Debug)]
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[cfg_attr(norace, track_caller)]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv_blocking().ok()
    }
}

enum Stage {
    New,
    Waiting(Key),
    Done,
}

/// The future of [`Receiver::recv`].
///
/// It is `Unpin`, so `select!` and `(&mut recv).await` take it without pinning.
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a, T> {
    core: &'a Core<T>,
    site: Site,
    stage: Stage,
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let this = &mut *self;
        let waiter = Waiter { waker: cx.waker(), select: SelectId::current() };
        let taken = match std::mem::replace(&mut this.stage, Stage::Done) {
            Stage::New => {
                this.core.with(RECEIVE, this.site, |state, wakes| match state.take(wakes) {
                    Taken::Empty => Err(state.wait_to_receive(&waiter, wakes)),
                    taken => Ok(taken),
                })
            }
            Stage::Waiting(key) => {
                let poll =
                    |state: &mut State<T>, wakes: &mut Wakes| state.poll_recv(key, &waiter, wakes);
                this.core.with(RECEIVE, this.site, poll).ok_or(key)
            }
            Stage::Done => panic!("a receive was polled after it had completed"),
        };
        let result = match taken {
            Ok(Taken::Value(value)) => Ok(value),
            Ok(Taken::Closed) => Err(RecvError),
            Ok(Taken::Empty) => unreachable!("an empty channel makes a receive wait"),
            Err(key) => {
                this.stage = Stage::Waiting(key);
                this.core.waits(RECEIVE, this.site);
                return Poll::Pending;
            }
        };
        budget::spend();
        Poll::Ready(result)
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        if let Stage::Waiting(key) = self.stage {
            let cancel = |state: &mut State<T>, wakes: &mut Wakes| state.cancel_recv(key, wakes);
            self.core.with("give up receiving from", self.site, cancel);
        }
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::New => "new",
            Stage::Waiting(_) => "waiting",
            Stage::Done => "done",
        };
        f.debug_struct("Recv").field("stage", &stage).finish_non_exhaustive()
    }
}
