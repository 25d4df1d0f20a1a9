//! From the journal's frames back to the state.

use norace_journal::RecoveredFrame;

use super::OpenError;
use crate::codec::{DecodeError, OtherVersion, Record, ReplayError, decode_frame};
use crate::state::State;

/// A state that grows frame by frame, every record checked against the rules.
#[derive(Debug)]
pub(crate) struct Recovery {
    pub(crate) state: State,
    pub(crate) records: u64,
}

/// A record that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    pub(crate) sequence: u64,
    pub(crate) cause: ReplayError,
}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "record {}: {}", self.sequence, self.cause)
    }
}

impl Contradiction {
    /// The version of the rules, when it is nothing but that.
    pub(crate) fn other_version(&self) -> Option<OtherVersion> {
        match self.cause {
            ReplayError::Decode(DecodeError::OtherVersion(version)) => {
                Some(OtherVersion { sequence: self.sequence, version })
            }
            _ => None,
        }
    }
}

impl From<Contradiction> for OpenError {
    fn from(found: Contradiction) -> Self {
        if let Some(other) = found.other_version() {
            return Self::OtherVersion(other);
        }
        Self::Corrupt { sequence: found.sequence, cause: found.cause.to_string() }
    }
}

impl Recovery {
    pub(crate) fn new() -> Self {
        Self { state: State::new(), records: 0 }
    }

    /// Replays a frame. `seen` is called before each record, with the state it meets.
    pub(crate) fn frame(
        &mut self,
        frame: RecoveredFrame<'_>,
        mut seen: impl FnMut(&State, &Record),
    ) -> Result<(), Contradiction> {
        let mut next = self.state.sequence() + 1;
        let replayed = if frame.first_sequence == next {
            decode_frame(frame.payload, frame.count, |record| {
                seen(&self.state, record);
                next = record.change.sequence;
                record.replay(&mut self.state)?;
                self.records += 1;
                next += 1;
                Ok(())
            })
        } else {
            Err(ReplayError::OutOfOrder { expected: next })
        };
        replayed.map_err(|cause| Contradiction { sequence: next, cause })
    }
}

/// What the journal says when it does not open.
pub(crate) fn open_error(error: norace_journal::OpenError<Contradiction>) -> OpenError {
    match error {
        norace_journal::OpenError::Locked => OpenError::Locked,
        norace_journal::OpenError::Options(why) => OpenError::Config(why),
        norace_journal::OpenError::Caller(found) => found.into(),
        other => OpenError::Journal(other.to_string()),
    }
}
