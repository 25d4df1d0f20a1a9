//! The receiving end.

use super::core::Core;
use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::state::{State, Taken, Waiter};
use super::weak::WeakReceiver;
use crate::budget;
use crate::select::SelectId;
use crate::wait::{BlockedOn, Key, Wakes, block_for, block_on};
use norace_prim::probe::Site;
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
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
    pub(super) core: Arc<Core<T>>,
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
    #[track_caller]
    pub fn recv(&self) -> Recv<'_, T> {
        self.recv_at(Site::here())
    }

    /// A receive that was asked for at `site`.
    pub(crate) fn recv_at(&self, site: Site) -> Recv<'_, T> {
        Recv { core: &self.core, site, stage: Stage::New }
    }

    /// Receives a value; this thread sleeps until there is one.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the channel is closed and every value has been received.
    #[track_caller]
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
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        // A value handed over in the instant in which time runs out goes back when the future is dropped.
        match block_for(Pin::new(&mut self.recv()), timeout) {
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
    #[track_caller]
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
    #[track_caller]
    pub fn try_recv_many(&self, values: &mut Vec<T>, max: usize) -> Result<usize, TryRecvError> {
        let take = |state: &mut State<T>, wakes: &mut Wakes| state.take_many(values, max, wakes);
        let (core, site) = (&self.core, Site::here());
        match core.attempt("try to receive from", site, take, Taken::effect) {
            Taken::Value(count) => Ok(count),
            Taken::Empty => Err(TryRecvError::Empty),
            Taken::Closed => Err(TryRecvError::Closed),
        }
    }

    /// Waits for a value, then appends to `values` what can be received without waiting, at most `max`, in one step;
    /// says how many, which is 0 only if `max` is.
    ///
    /// # Cancel safety
    ///
    /// As that of [`recv`](Self::recv): `values` changes only in the poll that is ready, and a value that was handed to
    /// a future that is dropped goes to the next receiver or back to the front. As an arm of a
    /// [`select!`](crate::select!) that is not taken it received nothing.
    ///
    /// # Ordering
    ///
    /// The values of one call stand in the order in which they went in.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the channel is closed and every value has been received.
    ///
    /// ```
    /// # norace::block_on(async {
    /// let (tx, rx) = norace::chan::bounded(8);
    /// tx.send_many(&mut (1..=5).collect()).await.expect("the receiver is alive");
    /// let mut batch = Vec::new();
    /// assert_eq!(rx.recv_many(&mut batch, 3).await, Ok(3));
    /// assert_eq!(rx.recv_many(&mut batch, 3).await, Ok(2));
    /// assert_eq!(batch, [1, 2, 3, 4, 5]);
    /// # });
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(&'a self, values: &'a mut Vec<T>, max: usize) -> RecvMany<'a, T> {
        RecvMany { receive: self.recv(), values, max }
    }

    /// Like [`recv_many`](Self::recv_many), but this thread sleeps until there is at least one value.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the channel is closed and every value has been received.
    #[track_caller]
    pub fn recv_many_blocking(&self, values: &mut Vec<T>, max: usize) -> Result<usize, RecvError> {
        match self.try_recv_many(values, max) {
            Ok(count) => Ok(count),
            Err(TryRecvError::Closed) => Err(RecvError),
            Err(TryRecvError::Empty) => block_on(self.recv_many(values, max)),
        }
    }

    /// The values to come, until the channel is closed and drained; this thread sleeps between them.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Closes the channel for all its ends; true when this call did it, false when it was closed before.
    ///
    /// Sends that wait get their values back. What is buffered can still be received.
    #[track_caller]
    pub fn close(&self) -> bool {
        self.core.close()
    }

    /// Whether the channel is closed: by [`close`](Self::close), or because all senders or all receivers are gone.
    /// There may be values left to receive.
    #[track_caller]
    pub fn is_closed(&self) -> bool {
        self.core.is_closed()
    }

    /// How many values are buffered. Values of sends that wait do not count.
    #[track_caller]
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

    /// How many senders there are, this channel's own feed included.
    #[cfg_attr(norace, track_caller)]
    pub fn sender_count(&self) -> usize {
        self.core.senders()
    }

    /// How many receivers there are.
    #[cfg_attr(norace, track_caller)]
    pub fn receiver_count(&self) -> usize {
        self.core.receivers()
    }

    /// This receiver as a [`Stream`](futures_core::Stream).
    #[cfg(feature = "futures")]
    #[track_caller]
    pub fn into_stream(self) -> super::RecvStream<T> {
        super::RecvStream::new(self)
    }

    /// An end that does not keep the channel open.
    pub fn downgrade(&self) -> WeakReceiver<T> {
        WeakReceiver::new(&self.core)
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
    #[track_caller]
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

    #[track_caller]
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

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv_blocking().ok()
    }
}

/// How far a receive has come.
pub(super) enum Stage {
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

impl<T> Recv<'_, T> {
    /// Receives one value, and `finish`es with it in the same step.
    #[inline]
    fn poll_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        finish: impl FnOnce(T, &mut State<T>, &mut Wakes) -> R,
    ) -> Poll<Result<R, RecvError>> {
        let (core, site) = (self.core, self.site);
        poll_receive(core, site, &mut self.stage, cx, finish)
    }
}

/// Goes on from `stage` as far as possible without waiting, and `finish`es with a value in the same step.
#[inline]
pub(super) fn poll_receive<T, R>(
    core: &Core<T>,
    site: Site,
    stage: &mut Stage,
    cx: &mut Context<'_>,
    finish: impl FnOnce(T, &mut State<T>, &mut Wakes) -> R,
) -> Poll<Result<R, RecvError>> {
    ready!(budget::poll_left(cx));
    let former = std::mem::replace(stage, Stage::Done);
    if let Stage::Done = former {
        panic!("a receive was polled after it had completed");
    }
    let waker = cx.waker();
    let receive = |state: &mut State<T>, wakes: &mut Wakes| {
        if let Stage::New = former
            && let Some(value) = state.unbuffer()
        {
            return Ok(Ok(finish(value, state, wakes)));
        }
        let waiter = Waiter { waker, select: SelectId::current() };
        let taken = match former {
            Stage::Waiting(key) => state.poll_recv(key, &waiter, wakes).ok_or(key)?,
            _ => state.take(wakes),
        };
        match taken {
            Taken::Value(value) => Ok(Ok(finish(value, state, wakes))),
            Taken::Closed => Ok(Err(RecvError)),
            Taken::Empty => Err(state.wait_to_receive(&waiter, wakes)),
        }
    };
    match core.with(RECEIVE, site, receive) {
        Ok(result) => {
            budget::spend();
            Poll::Ready(result)
        }
        Err(key) => {
            *stage = Stage::Waiting(key);
            core.waits(RECEIVE, BlockedOn::Receive, site);
            Poll::Pending
        }
    }
}

/// Gives up a receive that has come to `stage`.
#[inline]
pub(super) fn cancel_receive<T>(core: &Core<T>, site: Site, stage: &Stage) {
    if let Stage::Waiting(key) = *stage {
        give_up(core, site, key);
    }
}

#[inline(never)]
fn give_up<T>(core: &Core<T>, site: Site, key: Key) {
    let cancel = |state: &mut State<T>, wakes: &mut Wakes| state.cancel_recv(key, wakes);
    core.with("give up receiving from", site, cancel);
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_with(cx, |value, _, _| value)
    }
}

impl<T> Drop for Recv<'_, T> {
    #[inline]
    fn drop(&mut self) {
        cancel_receive(self.core, self.site, &self.stage);
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

/// The future of [`Receiver::recv_many`].
///
/// It is `Unpin`, so `select!` and `(&mut future).await` take it without pinning.
#[must_use = "futures do nothing unless awaited"]
pub struct RecvMany<'a, T> {
    receive: Recv<'a, T>,
    values: &'a mut Vec<T>,
    max: usize,
}

impl<T> Future for RecvMany<'_, T> {
    type Output = Result<usize, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receive, values, max } = &mut *self;
        let Some(more_max) = max.checked_sub(1) else { return Poll::Ready(Ok(0)) };
        receive.poll_with(cx, |value, state, wakes| {
            values.push(value);
            match state.take_many(values, more_max, wakes) {
                Taken::Value(more) => 1 + more,
                Taken::Empty | Taken::Closed => 1,
            }
        })
    }
}

impl<T> fmt::Debug for RecvMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvMany")
            .field("receive", &self.receive)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}
