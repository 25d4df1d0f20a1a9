//! Sending many values, which stay with the caller until they are sent.

use super::core::Core;
use super::error::SendError;
use super::state::{Put, State, Waiter};
use crate::budget;
use crate::select::SelectId;
use crate::wait::{Key, Wakes};
use norace_prim::probe::Site;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[derive(Clone, Copy)]
enum Stage {
    New,
    /// The core has the first value.
    Waiting(Key),
    /// In a select: the core knows that there is a first value.
    Offering(Key),
    Done,
}

/// What one step came to, when it could not send everything.
enum Stop {
    Closed,
    Waits(Stage),
}

/// The future of [`Sender::send_many`](super::Sender::send_many).
///
/// It is `Unpin`, so `select!` and `(&mut future).await` take it without pinning.
#[must_use = "futures do nothing unless awaited"]
pub struct SendMany<'a, T> {
    core: &'a Core<T>,
    site: Site,
    stage: Stage,
    values: &'a mut VecDeque<T>,
}

impl<'a, T> SendMany<'a, T> {
    #[track_caller]
    pub(super) fn new(core: &'a Core<T>, values: &'a mut VecDeque<T>) -> Self {
        Self { core, site: Site::here(), stage: Stage::New, values }
    }
}

/// Finishes with the value at which a send waits, or goes on waiting.
fn resume<T>(
    stage: Stage,
    values: &mut VecDeque<T>,
    state: &mut State<T>,
    waiter: &Waiter<'_>,
    wakes: &mut Wakes,
) -> Result<(), Stop> {
    match (stage, waiter.select) {
        (Stage::Waiting(key), None) => match state.poll_send(key, waiter.waker, wakes) {
            None => Err(Stop::Waits(stage)),
            Some(Ok(())) => Ok(()),
            Some(Err(value)) => {
                values.push_front(value);
                Err(Stop::Closed)
            }
        },
        (Stage::Offering(key), Some(select)) => {
            let value = values.pop_front().expect("it offers the first value");
            match state.poll_offer(key, value, (waiter.waker, select), wakes) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(value)) => {
                    values.push_front(value);
                    Err(Stop::Closed)
                }
                Err((key, value)) => {
                    values.push_front(value);
                    Err(Stop::Waits(Stage::Offering(key)))
                }
            }
        }
        // It moved into a select, or out of one, and begins anew.
        (Stage::Waiting(key), Some(_)) | (Stage::Offering(key), None) => {
            take_back(key, values, state, wakes);
            Ok(())
        }
        (Stage::New | Stage::Done, _) => Ok(()),
    }
}

/// Stops waiting; the value at which the send waited is the first again, unless a receiver has it or it never left.
fn take_back<T>(key: Key, values: &mut VecDeque<T>, state: &mut State<T>, wakes: &mut Wakes) {
    if let Some(value) = state.cancel_send(key, wakes) {
        values.push_front(value);
    }
}

/// Sends what can be sent without waiting, and waits if something is left.
fn step<T>(
    stage: Stage,
    values: &mut VecDeque<T>,
    state: &mut State<T>,
    waiter: &Waiter<'_>,
    wakes: &mut Wakes,
) -> Result<(), Stop> {
    resume(stage, values, state, waiter, wakes)?;
    match state.put_many(values, waiter.select, wakes) {
        Put::Done => Ok(()),
        Put::Closed(value) => {
            values.push_front(value);
            Err(Stop::Closed)
        }
        Put::Full(value) => Err(Stop::Waits(match waiter.select {
            None => Stage::Waiting(state.wait_to_send(value, waiter.waker.clone())),
            Some(select) => {
                values.push_front(value);
                Stage::Offering(state.offer(select, waiter.waker.clone()))
            }
        })),
    }
}

impl<T> Future for SendMany<'_, T> {
    type Output = Result<(), SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let Self { core, site, stage, values } = &mut *self;
        let former = std::mem::replace(stage, Stage::Done);
        if let Stage::Done = former {
            panic!("a send was polled after it had completed");
        }
        let waiter = Waiter { waker: cx.waker(), select: SelectId::current() };
        let send =
            |state: &mut State<T>, wakes: &mut Wakes| step(former, values, state, &waiter, wakes);
        let result = match core.with("send to", *site, send) {
            Ok(()) => Ok(()),
            Err(Stop::Closed) => {
                core.refused_send(*site);
                Err(SendError(()))
            }
            Err(Stop::Waits(waiting)) => {
                *stage = waiting;
                core.waits("send to", *site);
                return Poll::Pending;
            }
        };
        budget::spend();
        Poll::Ready(result)
    }
}

impl<T> Drop for SendMany<'_, T> {
    fn drop(&mut self) {
        let Self { core, site, stage, values } = self;
        if let Stage::Waiting(key) | Stage::Offering(key) = *stage {
            let cancel = |state: &mut State<T>, wakes: &mut Wakes| {
                take_back(key, values, state, wakes);
            };
            core.with("give up sending to", *site, cancel);
        }
    }
}

impl<T> fmt::Debug for SendMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::New => "new",
            Stage::Waiting(_) => "waiting",
            Stage::Offering(_) => "offering",
            Stage::Done => "done",
        };
        f.debug_struct("SendMany")
            .field("stage", &stage)
            .field("left", &self.values.len())
            .finish_non_exhaustive()
    }
}
