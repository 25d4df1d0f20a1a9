//! Errors of the operations on a hot value: one type per operation.

use std::error::Error;
use std::fmt;

/// Somebody else has published since the version that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The version that was expected.
    pub expected: u64,
    /// The version in force when it was compared.
    pub current: u64,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, current } = self;
        write!(f, "version {expected} was expected, {current} is in force")
    }
}

impl Error for Stale {}

/// [`compare_publish`](super::Hot::compare_publish) published nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareError<E> {
    /// Somebody else has published.
    Stale(Stale),
    /// The value was refused.
    Invalid(E),
}

impl<E: fmt::Display> fmt::Display for CompareError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale(stale) => stale.fmt(f),
            Self::Invalid(error) => write!(f, "the value was refused: {error}"),
        }
    }
}

impl<E: Error + 'static> Error for CompareError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Stale(_) => None,
            Self::Invalid(error) => Some(error),
        }
    }
}

/// [`rollback`](super::Hot::rollback) published nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackError<E> {
    /// The version is not in the history: too old, never there, or no history is kept.
    Gone {
        /// The version that was asked for.
        version: u64,
    },
    /// The old value was refused after the present one.
    Invalid(E),
}

impl<E: fmt::Display> fmt::Display for RollbackError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { version } => write!(f, "version {version} is not in the history"),
            Self::Invalid(error) => write!(f, "the old value was refused: {error}"),
        }
    }
}

impl<E: Error + 'static> Error for RollbackError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Gone { .. } => None,
            Self::Invalid(error) => Some(error),
        }
    }
}

/// The last [`Hot`](super::Hot) is gone: nothing changes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("waited for a change of a value that nobody can publish any more")
    }
}

impl Error for Closed {}
