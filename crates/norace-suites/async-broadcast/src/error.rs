//! Errors, as async-broadcast has them.

use norace::bus;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError<T>(pub T);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrySendError<T> {
    Full(T),
    Closed(T),
    Inactive(T),
}

impl<T> TrySendError<T> {
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    Overflowed(u64),
    Closed,
}

impl From<bus::RecvError> for RecvError {
    fn from(error: bus::RecvError) -> Self {
        match error {
            bus::RecvError::Lagged(missed) => Self::Overflowed(missed),
            _ => Self::Closed,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    Overflowed(u64),
    Empty,
    Closed,
}

impl From<bus::TryRecvError> for TryRecvError {
    fn from(error: bus::TryRecvError) -> Self {
        match error {
            bus::TryRecvError::Lagged(missed) => Self::Overflowed(missed),
            bus::TryRecvError::Empty => Self::Empty,
            _ => Self::Closed,
        }
    }
}
