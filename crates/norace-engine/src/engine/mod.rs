//! The engine around the state machine: one core thread, one journal thread, and the handle that callers hold.
//!
//! ```text
//!  callers --try_send--> inbox --> core --hand_over--> journal thread --> answers, events, work for processors
//!             bounded             decides              appends, syncs, then releases
//! ```
//!
//! Stopping, in this order: 1. the handle refuses newcomers; 2. processors get time to end and are cancelled; 3. the
//! inbox is closed; 4. the core decides what was admitted, tells waiting callers that it stops, hands over its last
//! batch and ends; 5. the journal thread commits that, seals the journal, ends the feed of events and ends.
//!
//! Failing (a write, a sync, a panic in either thread): the cause is noted once, nothing is released any more, all
//! waiting callers learn that the outcome is unknown, newcomers are refused, and then the failure hook is called.

mod commit;
mod config;
mod core;
mod events;
mod journal;
mod latency;
mod message;
mod query;
mod recovery;
mod reply;
mod settings;
mod start;
mod waiters;

#[cfg(test)]
#[cfg(norace)]
mod models;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use norace::chan::{self, TrySendError};
use norace_journal::Options as JournalOptions;
use norace_journal::storage::{DirStorage, Storage};
use norace_prim::atomic::{AtomicBool, Ordering};
use norace_prim::sync::{self, Arc, Mutex};
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};

#[cfg(test)]
pub(crate) use self::core::{REQUEST_BYTES_MAX, request_bytes_max};
pub use config::{EngineConfig, Failure, FailureHook, FailureKind};
pub use events::{EventFeed, Follower};
#[cfg(test)]
pub(crate) use journal::Stepped;
pub(crate) use message::Message;
pub use query::{Found, LatencySummary, PAGE_LIMIT_MAX, Query, Stats};
pub(crate) use recovery::Recovery;
pub use reply::{Answer, Reply, Unavailable};
pub use settings::{EngineSettings, NewOrders, SettingsSource};

#[cfg(test)]
pub(crate) use start::{Prepared, prepare};

use commit::Commit;

use crate::codec::OtherVersion;
use crate::model::{Done, Id, Order, Rejection, Request};
use crate::ports::Clock;
use crate::processor::Driver;

/// A handle to a running engine; clones share it.
///
/// Dropping the last one without [`stop`](Self::stop) closes the inbox: what was admitted is still decided and made
/// durable, but nobody waits for it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    inbox: chan::Sender<Message>,
    events: EventFeed,
    commit: Arc<Commit>,
    settings: SettingsSource,
    stopping: AtomicBool,
    driver: Option<Driver>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

/// What a command answers.
pub type Outcome = Result<Done, Rejection>;

impl Engine {
    /// Opens the journal in the folder `data` (made when absent), recovers the state, and starts the threads.
    ///
    /// # Errors
    ///
    /// When the journal is held by another process, can't be read, is damaged, contradicts the rules, or was
    /// written by other rules.
    pub fn open_dir(
        config: EngineConfig,
        data: &Path,
        clock: impl Clock,
    ) -> Result<(Self, Recovered), OpenError> {
        let storage = DirStorage::create(data)
            .map_err(|error| OpenError::Journal(format!("{}: {error}", data.display())))?;
        Self::open(config, storage, JournalOptions::default(), clock)
    }

    /// Opens the journal in `storage`, recovers the state, and starts the threads.
    ///
    /// # Errors
    ///
    /// As [`open_dir`](Self::open_dir).
    pub fn open(
        config: EngineConfig,
        storage: impl Storage,
        options: JournalOptions,
        clock: impl Clock,
    ) -> Result<(Self, Recovered), OpenError> {
        start::open(config, storage, options, Box::new(clock))
    }

    /// Hands in one command.
    ///
    /// The answer comes when everything it rests on is durable. Dropping the reply does not undo the command.
    ///
    /// # Errors
    ///
    /// At once, with nothing done, when the engine is overloaded or stopping. A journal without room is answered by the
    /// reply, with nothing done either.
    pub fn execute(&self, request: Request) -> Result<Reply<Outcome>, Unavailable> {
        let (replier, reply) = Reply::channel();
        self.send(Message::Execute { request, replier })?;
        Ok(reply)
    }

    /// Hands in many independent commands as one message, answered together and in order.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute); then none of them was done. More than [`EngineSettings::requests_max`] are
    /// refused as overloaded, and so are those whose records would fill more than some half of a journal segment.
    pub fn execute_many(&self, requests: Vec<Request>) -> Result<Reply<Vec<Outcome>>, Unavailable> {
        if requests.len() > self.0.settings.read().requests_max {
            return Err(Unavailable::Overloaded);
        }
        let (replier, reply) = Reply::channel();
        self.send(Message::ExecuteMany { requests, replier })?;
        Ok(reply)
    }

    /// Reads. What is read is durable when the answer comes.
    ///
    /// # Errors
    ///
    /// At once, when the engine is overloaded or stopping.
    pub fn query(&self, query: Query) -> Result<Reply<Result<Found, Rejection>>, Unavailable> {
        let (replier, reply) = Reply::channel();
        self.send(Message::Query { query, replier })?;
        Ok(reply)
    }

    /// Waits until an order is final. Dropping the reply ends the waiting.
    ///
    /// # Errors
    ///
    /// At once, when the engine is overloaded or stopping; by the reply, when too many wait already.
    pub fn wait_final(&self, order: Id) -> Result<Reply<Result<Order, Rejection>>, Unavailable> {
        let (replier, reply) = Reply::channel();
        self.send(Message::WaitFinal { order, replier })?;
        Ok(reply)
    }

    fn send(&self, message: Message) -> Result<(), Unavailable> {
        // Relaxed: who reads it too early is admitted as if it had come before the stop; the channel settles the rest.
        if self.0.stopping.load(Ordering::Relaxed) {
            return Err(Unavailable::Stopping);
        }
        self.0.inbox.try_send(message).map_err(|refused| match refused {
            TrySendError::Full(_) => Unavailable::Overloaded,
            TrySendError::Closed(_) => Unavailable::Stopping,
        })
    }

    /// Has the engine look at its settings now. Without that they hold from the next message on, which is late for
    /// what happens by itself: orders that wait for a processor with more room.
    pub fn settings_changed(&self) {
        // In a full inbox there is a message before which the core looks anyway.
        drop(self.0.inbox.try_send(Message::Wake));
    }

    /// Order events, for whoever follows them.
    pub fn events(&self) -> &EventFeed {
        &self.0.events
    }

    /// The last journal position known to be durable.
    pub fn durable_sequence(&self) -> u64 {
        self.0.events.durable_sequence()
    }

    /// The cause, once the engine has failed. It answers nothing any more, and the process should end.
    pub fn failure(&self) -> Option<Failure> {
        self.0.commit.failure()
    }

    /// Messages waiting for the core now.
    pub fn queue_depth(&self) -> usize {
        self.0.inbox.len()
    }

    /// Stops: newcomers are refused, what was admitted is finished and answered, running processors are given half of
    /// the time and then cancelled, the journal is sealed, the threads are joined. A second call waits like the first.
    ///
    /// Blocks the calling thread.
    ///
    /// # Errors
    ///
    /// When the engine had failed, or its threads did not end in time.
    pub fn stop(&self, timeout: Duration) -> Result<(), StopError> {
        let deadline = Instant::now() + timeout;
        // Relaxed: see `send`.
        self.0.stopping.store(true, Ordering::Relaxed);
        if let Some(driver) = &self.0.driver {
            driver.stop(Instant::now() + timeout / 2);
        }
        self.0.inbox.close();
        if !self.0.commit.wait_ended(deadline) {
            return Err(StopError::TimedOut);
        }
        for thread in sync::lock(&self.0.threads).drain(..) {
            // A panic has been turned into a failure by the thread itself.
            drop(thread.join());
        }
        match self.failure() {
            Some(failure) => Err(StopError::Failed(failure)),
            None => Ok(()),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("queue_depth", &self.queue_depth())
            .field("failure", &self.failure())
            .finish_non_exhaustive()
    }
}

/// What opening found in the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Records replayed.
    pub records: u64,
    /// The last position; 0 in an empty journal.
    pub last_sequence: u64,
    /// Bytes of a torn last frame that were cut.
    pub torn_tail_bytes: u64,
    /// Asynchronous orders that are taken up again.
    pub resumed_orders: u64,
}

/// Why an engine could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process holds the journal.
    Locked,
    /// Reading or writing failed, or a vouched part of the journal is damaged or missing.
    Journal(String),
    /// A record is not what the rules make of its input.
    Corrupt {
        /// The record's position.
        sequence: u64,
        /// What differs.
        cause: String,
    },
    /// Other rules wrote the journal; it is not damaged.
    OtherVersion(OtherVersion),
    /// A bound in the configuration can't work.
    Config(&'static str),
    /// A thread could not be started.
    Thread(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("another process holds the journal"),
            Self::Journal(cause) => write!(f, "opening the journal: {cause}"),
            Self::Corrupt { sequence, cause } => {
                write!(f, "the journal contradicts the rules at record {sequence}: {cause}")
            }
            Self::OtherVersion(other) => write!(f, "opening the journal: {other}"),
            Self::Config(cause) => write!(f, "the engine's configuration: {cause}"),
            Self::Thread(cause) => write!(f, "starting the engine's threads: {cause}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// Why stopping did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopError {
    /// The engine had failed.
    Failed(Failure),
    /// The threads were still busy at the deadline.
    TimedOut,
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => write!(f, "the engine had failed: {failure}"),
            Self::TimedOut => f.write_str("the engine's threads did not end by the deadline"),
        }
    }
}

impl std::error::Error for StopError {}
