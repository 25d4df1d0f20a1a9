//! Models: every way in which the engine's threads can meet.
//!
//! They say what may never be seen; [`check`](norace_check::check) runs them under each schedule. What they share:
//! whatever a caller sees through an answer is read back from a [`Disk`] with relaxed loads, so that the answer itself
//! has to carry the order.

mod commit;
mod handoff;
mod workers;

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::Arc;

use crate::engine::EventFeed;
use crate::ports::{FrameReader, History, Journal, JournalError, Room};

/// A disk that remembers how far it got.
#[derive(Clone, Debug, Default)]
struct Disk {
    durable: Arc<AtomicU64>,
    /// The append that fails, counted from 1; none at 0.
    fails_at: u64,
    appends: u64,
    /// A mutant: what is appended is acknowledged and never gets there.
    forgets: bool,
}

impl Disk {
    fn durable(&self) -> u64 {
        // Relaxed: see the head of this file.
        self.durable.load(Ordering::Relaxed)
    }
}

impl Journal for Disk {
    fn append(&mut self, first: u64, count: u32, _payload: &[u8]) -> Result<(), JournalError> {
        self.appends += 1;
        if self.appends == self.fails_at {
            return Err(JournalError::Failed("a fault".into()));
        }
        if self.forgets {
            return Ok(());
        }
        assert_eq!(first, self.durable() + 1, "batches are appended in order");
        // Relaxed: see the head of this file.
        self.durable.store(first + u64::from(count) - 1, Ordering::Relaxed);
        Ok(())
    }

    fn seal(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn room(&self) -> Box<dyn Room> {
        Box::new(Endless)
    }

    fn history(&self) -> Box<dyn History> {
        Box::new(Forgetful)
    }

    fn make_room(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

/// A feed of events that nobody follows.
fn feed(disk: &Disk) -> EventFeed {
    EventFeed::new(1, 0, disk.history())
}

#[derive(Debug)]
struct Forgetful;

impl History for Forgetful {
    fn reader(&self) -> Box<dyn FrameReader> {
        unreachable!("these models have no events")
    }
}

#[derive(Debug)]
struct Endless;

impl Room for Endless {
    fn wait(&self, _frames: u64, _payload_bytes: usize) -> Result<(), JournalError> {
        Ok(())
    }
}
