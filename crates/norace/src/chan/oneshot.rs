//! One answer to one question: a channel for a single value, in one allocation.
//!
//! Answering consumes the [`Sender`], so there is no second answer. The sender sees whether the receiver still waits;
//! the receiver sees a sender that was dropped without answering.
//!
//! ```
//! use norace::chan::oneshot;
//! let (reply, answer) = oneshot::channel();
//! std::thread::spawn(move || reply.send(6 * 7));
//! assert_eq!(answer.recv_blocking(), Ok(42));
//! ```
//!
//! # Protocol
//!
//! One state behind one lock. `Open { waker }` is the start. The sender moves it to `Sent` or, dropped, to
//! `NoSender`; the receiver takes the value out of `Sent` and leaves `NoReceiver`, as it does when dropped. Nobody
//! moves it away from `NoSender` and `NoReceiver`. Values and wakers are dropped and wakers called outside the lock.

use super::{RecvError, RecvTimeoutError, TryRecvError};
use crate::budget;
use crate::wait::{self, BlockedOn, Wakes, block_for, block_on};
use norace_prim::probe::{Effect, Kind, Monitor, Site};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::time::Duration;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// What the checker's reports say that a receive does.
const RECEIVE: &str = "receive from";

enum State<T> {
    Open { waker: Option<Waker> },
    Sent(T),
    NoSender,
    NoReceiver,
}

/// What the checker calls it.
struct OneshotOf<T>(PhantomData<T>);

impl<T> Kind for OneshotOf<T> {
    const WORD: &'static str = "oneshot";
    type Holds = T;
}

struct Core<T> {
    monitor: Monitor<OneshotOf<T>>,
    state: Mutex<State<T>>,
}

impl<T> Core<T> {
    /// Runs `step`, which does `what`, under the lock.
    fn with<R>(&self, what: &'static str, site: Site, step: impl FnOnce(&mut State<T>) -> R) -> R {
        self.monitor.enter(what, site, || step(&mut lock(&self.state)))
    }

    /// As [`with`](Self::with), for a step that may come to nothing, and says so.
    fn attempt<R>(
        &self,
        what: &'static str,
        site: Site,
        step: impl FnOnce(&mut State<T>) -> (Effect, R),
    ) -> R {
        self.monitor.attempt(what, site, || step(&mut lock(&self.state)))
    }
}

type Shared<T> = Arc<Core<T>>;

/// A channel for one value.
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let state = Mutex::new(State::Open { waker: None });
    let shared = Arc::new(Core { monitor: Monitor::new(), state });
    let receiver = Receiver { shared: Some(shared.clone()), site: Site::here() };
    (Sender { shared: Some(shared) }, receiver)
}

/// Who answers. Dropping it without an answer ends the receiver's wait with [`RecvError`].
pub struct Sender<T> {
    /// `None` once it has answered.
    shared: Option<Shared<T>>,
}

impl<T> Sender<T> {
    /// Answers; never waits.
    ///
    /// # Errors
    ///
    /// Gives the value back when the receiver is gone. `Ok` means that the value is there for the receiver, which may
    /// still be dropped without looking.
    #[track_caller]
    pub fn send(mut self, value: T) -> Result<(), T> {
        let shared = self.shared.take().expect("a sender answers once");
        let waker = shared.with("answer to", Site::here(), |state| match state {
            State::Open { waker } => {
                let waker = waker.take();
                *state = State::Sent(value);
                Ok(waker)
            }
            State::NoReceiver => Err(value),
            State::Sent(_) | State::NoSender => unreachable!("the sender is here, unanswered"),
        })?;
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Whether the receiver is gone, so that an answer would reach nobody.
    #[track_caller]
    pub fn is_closed(&self) -> bool {
        let shared = self.shared.as_ref().expect("a sender answers once");
        shared.attempt("look at", Site::here(), |state| match state {
            State::NoReceiver => (Effect::Learned, true),
            _ => (Effect::Nothing, false),
        })
    }
}

impl<T> Drop for Sender<T> {
    #[track_caller]
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        let waker = shared.with("drop the sender of", Site::here(), |state| match state {
            State::Open { waker } => {
                let waker = waker.take();
                *state = State::NoSender;
                waker
            }
            _ => None,
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// Who waits for the answer: a future of `Result<T, RecvError>`.
///
/// # Cancel safety
///
/// `(&mut receiver).await` may be given up and taken up again: an answer stays until it is taken. Dropping the receiver
/// drops an answer that nobody took.
#[must_use = "futures do nothing unless awaited"]
pub struct Receiver<T> {
    /// `None` once it has its answer.
    shared: Option<Shared<T>>,
    site: Site,
}

impl<T> Receiver<T> {
    /// Waits for the answer; this thread sleeps meanwhile.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the sender was dropped without answering.
    ///
    /// # Panics
    ///
    /// When the answer has been taken before.
    #[track_caller]
    pub fn recv_blocking(mut self) -> Result<T, RecvError> {
        self.site = Site::here();
        block_on(self)
    }

    /// Waits for the answer; this thread sleeps for at most `timeout`. After a time-out it can be called again.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`] when time runs out, or when the sender was dropped without answering.
    ///
    /// # Panics
    ///
    /// When the answer has been taken before.
    #[track_caller]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.site = Site::here();
        match block_for(Pin::new(self), timeout) {
            Some(result) => result.map_err(|RecvError| RecvTimeoutError::Closed),
            None => Err(RecvTimeoutError::Timeout),
        }
    }

    /// The answer, if it is there.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`] when there is none yet, or when the sender was dropped without answering.
    ///
    /// # Panics
    ///
    /// When the answer has been taken before.
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.site = Site::here();
        self.look(None).map_or(Err(TryRecvError::Empty), |result| {
            result.map_err(|RecvError| TryRecvError::Closed)
        })
    }

    /// The outcome if there is one; otherwise `current`, if any, is woken when there is.
    fn look(&mut self, current: Option<&Waker>) -> Option<Result<T, RecvError>> {
        let shared = self.shared.as_ref().expect("a oneshot was asked after it had completed");
        let mut wakes = Wakes::new();
        let result = shared.attempt(RECEIVE, self.site, |state| match state {
            State::Open { waker } => {
                let effect = match (waker, current) {
                    (_, None) => Effect::Nothing,
                    (Some(waker), Some(current)) if waker.will_wake(current) => Effect::Nothing,
                    (Some(waker), Some(current)) => {
                        wakes.update(waker, current);
                        Effect::Changed
                    }
                    (none, Some(current)) => {
                        *none = Some(current.clone());
                        Effect::Changed
                    }
                };
                (effect, None)
            }
            State::NoSender => (Effect::Learned, Some(Err(RecvError))),
            sent => match std::mem::replace(sent, State::NoReceiver) {
                State::Sent(value) => (Effect::Changed, Some(Ok(value))),
                _ => unreachable!("the receiver is here, unanswered"),
            },
        });
        if result.is_some() {
            self.shared = None;
        } else if current.is_some() {
            shared.monitor.waits(RECEIVE, self.site);
            wait::note(BlockedOn::Answer, self.site);
        }
        result
    }
}

impl<T> Unpin for Receiver<T> {}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(budget::poll_left(cx));
        let Some(result) = self.look(Some(cx.waker())) else { return Poll::Pending };
        budget::spend();
        Poll::Ready(result)
    }
}

impl<T> Drop for Receiver<T> {
    #[track_caller]
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        // The value or the waker in it is dropped after the lock is released.
        let last = shared.with("drop the receiver of", Site::here(), |state| match state {
            State::NoSender => None,
            _ => Some(std::mem::replace(state, State::NoReceiver)),
        });
        drop(last);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

#[cfg(all(test, norace))]
mod models;
