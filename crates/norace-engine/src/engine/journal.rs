//! The journal crate behind the engine's port, and the thread that drives it.

use norace_journal::storage::Storage;
use norace_journal::{AppendError, FindError, NoRoom, Reader, RecoveredFrame, RoomHandle};
use norace_prim::sync::Arc;
use norace_prim::time::{Duration, Instant};

use super::commit::{Batch, Commit, Failed, Work};
use super::config::Failure;
use super::events::EventFeed;
use crate::ports::{FrameReader, History, HistoryError, Journal, JournalError, Room};

impl<S: Storage> Journal for norace_journal::Journal<S> {
    fn append(
        &mut self,
        first_sequence: u64,
        count: u32,
        payload: &[u8],
    ) -> Result<(), JournalError> {
        Self::append(self, first_sequence, count, payload).map_err(JournalError::from)
    }

    fn seal(&mut self) -> Result<(), JournalError> {
        Self::seal(self).map_err(JournalError::from)
    }

    fn room(&self) -> Box<dyn Room> {
        Box::new(Self::room(self))
    }

    fn history(&self) -> Box<dyn History> {
        Box::new(self.reader())
    }

    fn make_room(&mut self) -> Result<(), JournalError> {
        // With a helper thread the journal tries again by itself; asking here would only stall this thread.
        match self.options().prepare {
            norace_journal::Prepare::Inline => Self::make_room(self).map_err(JournalError::from),
            _ => Ok(()),
        }
    }
}

impl<S: Storage> History for Reader<S> {
    fn reader(&self) -> Box<dyn FrameReader> {
        Box::new(self.clone())
    }
}

impl<S: Storage> FrameReader for Reader<S> {
    fn find(&mut self, sequence: u64) -> Result<RecoveredFrame<'_>, HistoryError> {
        Self::find(self, sequence).map_err(|error| match error {
            FindError::Gone { oldest } => HistoryError::Gone { oldest: oldest.saturating_sub(1) },
            other => HistoryError::Unreadable(other.to_string()),
        })
    }

    fn rest(&mut self) {
        Self::rest(self);
    }
}

impl Room for RoomHandle {
    fn wait(&self, frames: u64, payload_bytes: usize) -> Result<(), JournalError> {
        let bytes = u32::try_from(payload_bytes).map_err(|_| JournalError::Full)?;
        Self::wait(self, frames, bytes).map_err(|error| match error {
            NoRoom::StorageFull => JournalError::Full,
            other => JournalError::Failed(other.to_string()),
        })
    }
}

impl From<AppendError> for JournalError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::StorageFull => Self::Full,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// What the journal thread runs: commits batches until the core has closed or the engine has failed.
pub(crate) struct Committer<J> {
    journal: J,
    commit: Arc<Commit>,
    events: EventFeed,
    /// The batch before this one, given back for its memory.
    done: Batch,
    sealed: bool,
}

/// What one step of a [`Committer`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stepped {
    /// There may be more to do.
    Worked,
    /// Nothing came for a while.
    Idle,
    /// It is over.
    Ended,
}

impl<J: Journal> Committer<J> {
    pub(crate) fn new(journal: J, commit: Arc<Commit>, events: EventFeed) -> Self {
        Self { journal, commit, events, done: Batch::default(), sealed: true }
    }

    /// Runs to the end; `seal_after` says what it is each time that is asked.
    pub(crate) fn run(&mut self, seal_after: impl Fn() -> Duration) {
        loop {
            let idle_after = (!self.sealed).then(&seal_after);
            if self.step(idle_after) == Stepped::Ended {
                return;
            }
        }
    }

    /// Waits for work, at most until `idle_after`, and does it.
    pub(crate) fn step(&mut self, idle_after: Option<Duration>) -> Stepped {
        let done = std::mem::take(&mut self.done);
        let worked = match self.commit.next(done, idle_after) {
            Work::Commit(batch) => self.commit_batch(batch).map(|()| Stepped::Worked),
            Work::Idle => self.seal().map(|()| Stepped::Idle),
            Work::MakeRoom => match self.journal.make_room() {
                Ok(()) | Err(JournalError::Full) => Ok(Stepped::Worked),
                Err(error) => Err(Some(error)),
            },
            Work::Close => self.seal().map(|()| Stepped::Ended),
            Work::Failed => Err(None),
        };
        worked.unwrap_or_else(|failure| {
            if let Some(error) = failure {
                self.commit.fail(Failure::journal(&error));
            }
            Stepped::Ended
        })
    }

    fn seal(&mut self) -> Result<(), Option<JournalError>> {
        self.sealed = true;
        self.journal.seal().map_err(Some)
    }

    /// Makes a batch durable, then lets out what rests on it.
    fn commit_batch(&mut self, mut batch: Batch) -> Result<(), Option<JournalError>> {
        let begun = Instant::now();
        if batch.count > 0 {
            self.sealed = false;
            // Room was certain before any of these records was decided, so even "full" is a failure here.
            let first = batch.first_sequence();
            let appended = self.journal.append(first, batch.count, &batch.payload);
            if let Err(error) = &appended {
                // Before the batch is dropped: who learns that the outcome is unknown finds the cause in place.
                self.commit.fail(Failure::journal(error));
            }
            appended.map_err(Some)?;
        }
        self.commit.durable(&batch, begun.elapsed()).map_err(|Failed| None)?;
        self.events.note_durable(batch.last_sequence);
        for effect in batch.effects.drain(..) {
            effect.release();
        }
        // Last, for it wakes all who follow.
        self.events.publish(&mut batch.events);
        self.done = batch;
        Ok(())
    }
}
