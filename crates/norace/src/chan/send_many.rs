//! Sending many values, which stay with the caller until they are sent.

use super::core::Core;
use super::error::SendError;
use super::send::{Stage, cancel_send, run, step};
use super::state::{State, Waiter};
use crate::budget;
use crate::select::SelectId;
use crate::wait::Wakes;
use norace_prim::probe::Site;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The future of [`Sender::send_many`](super::Sender::send_many).
///
/// It is `Unpin`, so `select!` and `(&mut future).await` take it without pinning.
#[must_use = "futures do nothing unless awaited"]
pub struct SendMany<'a, T> {
    core: &'a Core<T>,
    site: Site,
    /// How far the value has come that was taken from `values` last, if any; `Failed` when there is no more to do.
    stage: Stage<T>,
    values: &'a mut VecDeque<T>,
}

impl<'a, T> SendMany<'a, T> {
    #[track_caller]
    pub(super) fn new(core: &'a Core<T>, values: &'a mut VecDeque<T>) -> Self {
        Self { core, site: Site::here(), stage: Stage::Sent, values }
    }
}

// Nothing is pinned: a value that waits is in the core.
impl<T> Unpin for SendMany<'_, T> {}

/// Goes on from `stage`, and then with `values`, as far as possible without waiting: the result, or how it waits now.
fn step_all<T>(
    mut stage: Stage<T>,
    values: &mut VecDeque<T>,
    state: &mut State<T>,
    waiter: &Waiter<'_>,
    wakes: &mut Wakes,
) -> Result<Result<(), T>, Stage<T>> {
    loop {
        if let Stage::Sent = stage {
            let Some(value) = values.pop_front() else { return Ok(Ok(())) };
            stage = Stage::New(value);
        }
        if let Err(value) = step(stage, state, waiter, wakes)? {
            return Ok(Err(value));
        }
        stage = Stage::Sent;
    }
}

impl<T> Future for SendMany<'_, T> {
    type Output = Result<(), SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let Self { core, site, stage, values } = &mut *self;
        let former = std::mem::replace(stage, Stage::Failed);
        if let Stage::Failed = former {
            panic!("a send was polled after it had completed");
        }
        let waiter = Waiter { waker: cx.waker(), select: SelectId::current() };
        match run(core, *site, |state, wakes| step_all(former, values, state, &waiter, wakes)) {
            Ok(Ok(())) => Poll::Ready(Ok(())),
            Ok(Err(value)) => {
                values.push_front(value);
                Poll::Ready(Err(SendError(())))
            }
            Err(waiting) => {
                *stage = waiting;
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for SendMany<'_, T> {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Failed);
        if let Some(value) = cancel_send(self.core, self.site, stage) {
            self.values.push_front(value);
        }
    }
}

impl<T> fmt::Debug for SendMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMany")
            .field("waits", &matches!(self.stage, Stage::Waiting(_) | Stage::Offering(..)))
            .field("left", &self.values.len())
            .finish_non_exhaustive()
    }
}
