//! Errors of the bus: one type per operation. A publication that fails gives its value back.

use std::error::Error;
use std::fmt;

/// [`publish`](super::Bus::publish) failed because the bus is closed; the value comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublishError<T>(pub T);

impl<T> fmt::Debug for PublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublishError(..)")
    }
}

impl<T> fmt::Display for PublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("published on a closed bus")
    }
}

impl<T> Error for PublishError<T> {}

/// [`try_publish`](super::Bus::try_publish) failed; the value comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPublishError<T> {
    /// A subscriber that blocks is a whole ring behind; or another publication that was begun a whole ring ago has not
    /// ended; or each slot is being read by a subscriber that does not block.
    Full(T),
    /// The bus is closed.
    Closed(T),
}

impl<T> TryPublishError<T> {
    /// The value that was not published.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }

    /// Whether a later attempt may succeed.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether every later attempt fails, too.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl<T> fmt::Debug for TryPublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TryPublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "published on a full bus",
            Self::Closed(_) => "published on a closed bus",
        })
    }
}

impl<T> Error for TryPublishError<T> {}

/// There was no event to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// The bus is closed and this subscriber has received what there was.
    Closed,
    /// So many sequences are lost to this subscriber, because it was too slow or asked for what is no longer there. It
    /// goes on behind them.
    Lagged(u64),
    /// This subscriber was too slow, by so many sequences, and its policy ends it for that.
    Disconnected(u64),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("received on a closed bus"),
            Self::Lagged(missed) => write!(f, "lagged behind the bus by {missed} sequences"),
            Self::Disconnected(missed) => {
                write!(f, "disconnected from the bus, {missed} sequences too late")
            }
        }
    }
}

impl Error for RecvError {}

/// [`try_next`](super::Subscriber::try_next) found no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is none now.
    Empty,
    /// As [`RecvError::Closed`].
    Closed,
    /// As [`RecvError::Lagged`].
    Lagged(u64),
    /// As [`RecvError::Disconnected`].
    Disconnected(u64),
}

impl TryRecvError {
    /// What a wait would have ended with; `None` when it would have waited.
    pub(super) fn ended(self) -> Option<RecvError> {
        match self {
            Self::Empty => None,
            Self::Closed => Some(RecvError::Closed),
            Self::Lagged(missed) => Some(RecvError::Lagged(missed)),
            Self::Disconnected(missed) => Some(RecvError::Disconnected(missed)),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ended() {
            None => f.write_str("received on an empty bus"),
            Some(error) => error.fmt(f),
        }
    }
}

impl Error for TryRecvError {}
