//! Answers on their way, and what an answer says.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use norace::chan::{RecvTimeoutError, TryRecvError, oneshot};
use norace_prim::time::Duration;

use super::commit::Replier;

/// A result, and the journal position it rests on: everything up to there was durable when the answer left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The journal position.
    pub sequence: u64,
    /// The result.
    pub result: T,
}

/// The engine did not answer the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// Too much is waiting already; nothing was done.
    Overloaded,
    /// The journal has no room for the records this needs; nothing was done.
    StorageFull,
    /// The engine is stopping or has stopped; nothing was done.
    Stopping,
    /// The engine failed while the command was under way: it may or may not be in the journal.
    OutcomeUnknown,
}

impl Unavailable {
    /// The stable code at the surface. An unknown outcome is that of an engine on its way out.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Overloaded => "overloaded",
            Self::StorageFull => "storage-full",
            Self::Stopping | Self::OutcomeUnknown => "stopping",
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overloaded => "the engine has too much waiting already; nothing was done",
            Self::StorageFull => "the journal has no room left; nothing was done",
            Self::Stopping => "the engine is stopping; nothing was done",
            Self::OutcomeUnknown => "the engine failed; the command may or may not have happened",
        })
    }
}

impl std::error::Error for Unavailable {}

/// An answer to come. Dropping it loses the answer and nothing else.
///
/// # Cancel safety
///
/// `(&mut reply).await` may be given up and taken up again.
#[must_use = "an answer that nobody takes is lost"]
pub struct Reply<T>(oneshot::Receiver<Result<Answer<T>, Unavailable>>);

impl<T> Reply<T> {
    pub(crate) fn channel() -> (Replier<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Waits for the answer on this thread.
    ///
    /// # Errors
    ///
    /// When the engine refused after all; [`Unavailable::OutcomeUnknown`] when it failed.
    pub fn wait(self) -> Result<Answer<T>, Unavailable> {
        self.0.recv_blocking().unwrap_or(Err(Unavailable::OutcomeUnknown))
    }

    /// Waits for the answer on this thread, for at most `timeout`; absent when it did not come. It can be called again.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<Answer<T>, Unavailable>> {
        match self.0.recv_timeout(timeout) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Closed) => Some(Err(Unavailable::OutcomeUnknown)),
        }
    }

    /// The answer, if it is there.
    pub fn try_take(&mut self) -> Option<Result<Answer<T>, Unavailable>> {
        match self.0.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => Some(Err(Unavailable::OutcomeUnknown)),
        }
    }
}

impl<T> Future for Reply<T> {
    type Output = Result<Answer<T>, Unavailable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.0).poll(context);
        answer.map(|sent| sent.unwrap_or(Err(Unavailable::OutcomeUnknown)))
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}
