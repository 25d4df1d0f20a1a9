//! The sending end.

use super::core::Core;
use super::error::{SendError, SendTimeoutError, TrySendError};
use super::send_many::SendMany;
use super::state::{Put, State, Waiter};
use super::weak::WeakSender;
use crate::budget;
use crate::select::SelectId;
use crate::wait::{BlockedOn, Key, Wakes, block_for, block_on};
use norace_prim::probe::{Effect, Site};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What the checker's reports say that a send does.
const SEND: &str = "send to";

/// What they say that one does which is not to be any more.
const GIVE_UP: &str = "give up sending to";

/// The sending end of a channel. Clone it for more senders; any of them may send from tasks and threads alike.
///
/// When the last sender is dropped the channel closes: receivers get what is buffered, then the end.
pub struct Sender<T> {
    pub(super) core: Arc<Core<T>>,
}

impl<T> Sender<T> {
    /// The first sender of a new core.
    pub(super) fn new(core: Arc<Core<T>>) -> Self {
        Self { core }
    }

    /// Sends `value`, waiting for room; at capacity 0 until a receiver is chosen for it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready drops the value, which is then never delivered, unless a receiver has
    /// taken it already. [`Send::try_cancel`] tells which, and gives the value back.
    ///
    /// # Ordering
    ///
    /// Values come out in the order in which they went in. Sends that wait are served first come, first served; each
    /// one has its place kept for it until it is polled.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value when the channel is closed, also when that happens while this send waits.
    #[track_caller]
    pub fn send(&self, value: T) -> Send<'_, T> {
        Send { core: &self.core, site: Site::here(), stage: Stage::New(value) }
    }

    /// Sends `value`; this thread sleeps until there is room, or at capacity 0 until a receiver is chosen.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value when the channel is closed.
    #[track_caller]
    pub fn send_blocking(&self, value: T) -> Result<(), SendError<T>> {
        match self.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(value)) => Err(SendError(value)),
            Err(TrySendError::Full(value)) => block_on(self.send(value)),
        }
    }

    /// Sends `value`; this thread sleeps for at most `timeout` until there is room.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`] with the value when time runs out or the channel is closed. After `Timeout` the value is
    /// delivered to nobody.
    #[track_caller]
    pub fn send_timeout_blocking(
        &self,
        value: T,
        timeout: Duration,
    ) -> Result<(), SendTimeoutError<T>> {
        let mut send = self.send(value);
        match block_for(Pin::new(&mut send), timeout) {
            Some(Ok(())) => Ok(()),
            Some(Err(SendError(value))) => Err(SendTimeoutError::Closed(value)),
            None => match send.try_cancel() {
                TryCancel::Sent => Ok(()),
                TryCancel::Cancelled(value) => Err(SendTimeoutError::Timeout(value)),
            },
        }
    }

    /// Sends `value` if that needs no waiting: a receiver waits, or there is room that no waiting send was promised.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] with the value when there is no room, or when the channel is closed.
    #[track_caller]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let site = Site::here();
        let select = SelectId::current();
        let put = |state: &mut State<T>, wakes: &mut Wakes| state.put(value, select, wakes);
        match self.core.attempt(SEND, site, put, Put::effect) {
            Put::Done => Ok(()),
            Put::Full(value) => Err(TrySendError::Full(value)),
            Put::Closed(value) => {
                self.core.refused_send(site);
                Err(TrySendError::Closed(value))
            }
        }
    }

    /// Closes the channel for all its ends; true when this call did it, false when it was closed before.
    ///
    /// Sends that wait get their values back. What is buffered can still be received.
    #[track_caller]
    pub fn close(&self) -> bool {
        self.core.close()
    }

    /// Whether the channel is closed: by [`close`](Self::close), or because all receivers or all senders are gone.
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

    /// Sends all of `values`, from the front, waiting for room as often as that takes.
    ///
    /// Each step sends as many as there is room for. Values of other senders may come between those of one call when
    /// it has to wait.
    ///
    /// # Cancel safety
    ///
    /// What has been sent is gone from `values`, and what is left in it when the future is dropped will not be sent:
    /// the value at which it waited is back at the front, unless a receiver has taken it already. As an arm of a
    /// [`select!`](crate::select!) it may have sent some of its values when another arm is taken; `values` tells.
    ///
    /// # Ordering
    ///
    /// As that of [`send`](Self::send), value by value.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the channel is closed before all are sent; the others are left in `values`.
    ///
    /// ```
    /// # norace::block_on(async {
    /// use norace::chan::{SendError, bounded};
    /// use std::collections::VecDeque;
    ///
    /// let (tx, rx) = bounded(2);
    /// let mut batch = VecDeque::from(vec!['a', 'b', 'c']);
    /// assert!(norace::time::timeout(std::time::Duration::ZERO, tx.send_many(&mut batch)).await.is_err());
    /// assert_eq!(batch, ['c']);
    /// rx.close();
    /// assert_eq!(tx.send_many(&mut batch).await, Err(SendError(())));
    /// assert_eq!(batch, ['c']);
    /// # });
    /// ```
    #[track_caller]
    pub fn send_many<'a>(&'a self, values: &'a mut VecDeque<T>) -> SendMany<'a, T> {
        SendMany::new(&self.core, values)
    }

    /// Like [`send_many`](Self::send_many), but this thread sleeps when it has to wait.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the channel is closed before all are sent; the others are left in `values`.
    #[track_caller]
    pub fn send_many_blocking(&self, values: &mut VecDeque<T>) -> Result<(), SendError<()>> {
        block_on(self.send_many(values))
    }

    /// Sends as many of `values`, from the front, as need no waiting, in one step; says how many.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] when there are values and not one could be sent, because there is no room or the channel is
    /// closed; they stay in `values`.
    #[track_caller]
    pub fn try_send_many(&self, values: &mut VecDeque<T>) -> Result<usize, TrySendError<()>> {
        let (site, select) = (Site::here(), SelectId::current());
        let put = |state: &mut State<T>, wakes: &mut Wakes| {
            let mut sent = 0;
            while let Some(value) = values.pop_front() {
                let (value, stopped) = match state.put(value, select, wakes) {
                    Put::Done => {
                        sent += 1;
                        continue;
                    }
                    Put::Full(value) => (value, Put::Full(())),
                    Put::Closed(value) => (value, Put::Closed(())),
                };
                values.push_front(value);
                return (sent, stopped);
            }
            (sent, Put::Done)
        };
        let effect = |(sent, stopped): &(usize, Put<()>)| match stopped {
            Put::Closed(()) => Effect::Learned,
            _ if *sent > 0 => Effect::Changed,
            _ => Effect::Nothing,
        };
        match self.core.attempt(SEND, site, put, effect) {
            (0, Put::Full(())) => Err(TrySendError::Full(())),
            (0, Put::Closed(())) => {
                self.core.refused_send(site);
                Err(TrySendError::Closed(()))
            }
            (sent, _) => Ok(sent),
        }
    }

    /// How many senders there are.
    #[cfg_attr(norace, track_caller)]
    pub fn sender_count(&self) -> usize {
        self.core.senders()
    }

    /// How many receivers there are.
    #[cfg_attr(norace, track_caller)]
    pub fn receiver_count(&self) -> usize {
        self.core.receivers()
    }

    /// This sender as a [`Sink`](futures_sink::Sink).
    #[cfg(feature = "futures")]
    #[track_caller]
    pub fn into_sink(self) -> super::SendSink<T> {
        super::SendSink::new(self)
    }

    /// An end that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(&self.core)
    }

    /// Whether `other` sends into the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.core.add_sender();
        Self { core: self.core.clone() }
    }
}

impl<T> Drop for Sender<T> {
    #[track_caller]
    fn drop(&mut self) {
        self.core.drop_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt_end("Sender", f)
    }
}

/// How far a send has come.
pub(super) enum Stage<T> {
    New(T),
    /// The core has the value.
    Waiting(Key),
    /// One arm of a select: the core knows that there is a value.
    Offering(Key, T),
    Sent,
    /// The error, or a panic, has carried the value away.
    Failed,
}

impl<T> fmt::Debug for Stage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New(_) => "new",
            Self::Waiting(_) => "waiting",
            Self::Offering(..) => "offering",
            Self::Sent => "sent",
            Self::Failed => "failed",
        })
    }
}

/// The future of [`Sender::send`].
///
/// It is `Unpin`, so `select!` and `(&mut send).await` take it without pinning.
#[must_use = "futures do nothing unless awaited"]
pub struct Send<'a, T> {
    core: &'a Core<T>,
    site: Site,
    stage: Stage<T>,
}

/// What [`Send::try_cancel`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a cancelled value is dropped with it"]
pub enum TryCancel<T> {
    /// The value was not sent and never will be; here it is.
    Cancelled(T),
    /// A receiver has the value, or it is in the buffer.
    Sent,
}

impl<T> Send<'_, T> {
    /// Ends the send, whatever it has come to: either its value is back, or it was sent.
    ///
    /// # Panics
    ///
    /// When the send has failed before: its error carried the value.
    pub fn try_cancel(mut self) -> TryCancel<T> {
        let stage = std::mem::replace(&mut self.stage, Stage::Sent);
        if let Stage::Failed = stage {
            panic!("a send was cancelled after it had failed");
        }
        cancel_send(self.core, self.site, stage).map_or(TryCancel::Sent, TryCancel::Cancelled)
    }
}

impl<T> Send<'_, T> {
    /// Takes an offer back; a later poll begins anew, behind others.
    pub(crate) fn withdraw(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Offering(key, value) => {
                give_up(self.core, self.site, key);
                Stage::New(value)
            }
            stage => stage,
        };
    }
}

/// Goes on from `stage` as far as possible without waiting: the result, or how it waits now.
#[inline(never)]
pub(super) fn step<T>(
    stage: Stage<T>,
    state: &mut State<T>,
    waiter: &Waiter<'_>,
    wakes: &mut Wakes,
) -> Result<Result<(), T>, Stage<T>> {
    let value = match (stage, waiter.select) {
        (Stage::Waiting(key), None) => {
            return state.poll_send(key, waiter.waker, wakes).ok_or(Stage::Waiting(key));
        }
        (Stage::Offering(key, value), Some(select)) => {
            return state
                .poll_offer(key, value, (waiter.waker, select), wakes)
                .map_err(|(key, value)| Stage::Offering(key, value));
        }
        // It moved into a select, or out of one, and begins anew.
        (Stage::Waiting(key), Some(_)) => match state.cancel_send(key, wakes) {
            Some(value) => value,
            None => return Ok(Ok(())),
        },
        (Stage::Offering(key, value), None) => {
            state.cancel_send(key, wakes);
            value
        }
        (Stage::New(value), _) => value,
        (Stage::Sent | Stage::Failed, _) => unreachable!("`poll` refuses these"),
    };
    match (state.put(value, waiter.select, wakes), waiter.select) {
        (Put::Done, _) => Ok(Ok(())),
        (Put::Closed(value), _) => Ok(Err(value)),
        (Put::Full(value), None) => {
            Err(Stage::Waiting(state.wait_to_send(value, waiter.waker.clone())))
        }
        (Put::Full(value), Some(select)) => {
            Err(Stage::Offering(state.offer(select, waiter.waker.clone()), value))
        }
    }
}

// Nothing is pinned: a value that waits is in the core.
impl<T> Unpin for Send<'_, T> {}

/// Goes on from `stage` as far as possible without waiting.
#[inline]
pub(super) fn poll_send<T>(
    core: &Core<T>,
    site: Site,
    stage: &mut Stage<T>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), SendError<T>>> {
    ready!(budget::poll_left(cx));
    let former = std::mem::replace(stage, Stage::Failed);
    if let Stage::Sent | Stage::Failed = former {
        panic!("a send was polled after it had completed");
    }
    let waker = cx.waker();
    let go_on = |state: &mut State<T>, wakes: &mut Wakes| {
        let stage = match former {
            Stage::New(value) => match state.buffer(value) {
                Ok(()) => return Ok(Ok(())),
                Err(value) => Stage::New(value),
            },
            stage => stage,
        };
        let waiter = Waiter { waker, select: SelectId::current() };
        step(stage, state, &waiter, wakes)
    };
    match run(core, site, go_on) {
        Ok(Ok(())) => {
            *stage = Stage::Sent;
            Poll::Ready(Ok(()))
        }
        Ok(Err(value)) => Poll::Ready(Err(SendError(value))),
        Err(waiting) => {
            *stage = waiting;
            Poll::Pending
        }
    }
}

/// Runs a `step` of a send: the result, or how it waits now.
#[inline]
pub(super) fn run<T>(
    core: &Core<T>,
    site: Site,
    step: impl FnOnce(&mut State<T>, &mut Wakes) -> Result<Result<(), T>, Stage<T>>,
) -> Result<Result<(), T>, Stage<T>> {
    let outcome = core.with(SEND, site, step);
    match &outcome {
        Ok(sent) => {
            if sent.is_err() {
                core.refused_send(site);
            }
            budget::spend();
        }
        Err(_) => core.waits(SEND, BlockedOn::Send, site),
    }
    outcome
}

/// Gives up a send that has come to `stage`; its value, unless somebody has it.
pub(super) fn cancel_send<T>(core: &Core<T>, site: Site, stage: Stage<T>) -> Option<T> {
    match stage {
        Stage::New(value) => Some(value),
        Stage::Offering(key, value) => {
            give_up(core, site, key);
            Some(value)
        }
        Stage::Waiting(key) => give_up(core, site, key),
        Stage::Sent | Stage::Failed => None,
    }
}

/// Takes a send that waits or offers out of the core; the value, if that had it still.
#[inline(never)]
fn give_up<T>(core: &Core<T>, site: Site, key: Key) -> Option<T> {
    core.with(GIVE_UP, site, |state, wakes| state.cancel_send(key, wakes))
}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (core, site) = (self.core, self.site);
        poll_send(core, site, &mut self.stage, cx)
    }
}

impl<T> Drop for Send<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Stage::Waiting(key) | Stage::Offering(key, _) = self.stage {
            drop(give_up(self.core, self.site, key));
        }
    }
}

impl<T> fmt::Debug for Send<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send").field("stage", &self.stage).finish_non_exhaustive()
    }
}
