//! The engine around the state machine: one core thread, one journal thread, and the handle that callers hold.

mod config;
mod events;
mod query;
mod reply;

use std::fmt;
use std::path::Path;

use norace_prim::sync::Arc;
use norace_prim::time::Duration;

pub use config::{EngineConfig, FailureHook};
pub use events::{EventLog, HistoryGone};
pub use query::{Cursor, Found, LatencySummary, OrderPage, PAGE_LIMIT_MAX, Query, Stats};
pub use reply::{Answer, Reply, Unavailable};

use crate::model::{Done, Id, Order, Rejection, Request};
use crate::ports::Clock;

/// A handle to a running engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    events: EventLog,
}

/// What a command answers.
pub type Outcome = Result<Done, Rejection>;

impl Engine {
    /// Opens the journal in the folder `data` (made when absent), recovers the state, and starts the threads.
    ///
    /// # Errors
    ///
    /// When the journal is held by another process, can't be read, is damaged, or contradicts the rules.
    pub fn open_dir(
        config: EngineConfig,
        data: &Path,
        clock: impl Clock,
    ) -> Result<(Self, Recovered), OpenError> {
        let _ = (config, data, clock);
        Ok((Self { events: EventLog::default() }, Recovered::default()))
    }

    /// Hands in one command.
    ///
    /// The answer comes when everything it rests on is durable. Dropping the reply does not undo the command.
    ///
    /// # Errors
    ///
    /// At once, with nothing done, when the engine is overloaded, out of storage or stopping.
    pub fn execute(&self, request: Request) -> Result<Reply<Outcome>, Unavailable> {
        let _ = request;
        Err(Unavailable::Stopping)
    }

    /// As [`execute`](Self::execute), but an order it creates or moves is answered when it is final.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute).
    pub fn execute_until_final(&self, request: Request) -> Result<Reply<Outcome>, Unavailable> {
        self.execute(request)
    }

    /// Hands in many independent commands as one message, answered together and in order.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute); then none of them was done. More than
    /// [`EngineConfig::requests_max`] are refused as overloaded.
    pub fn execute_many(&self, requests: Vec<Request>) -> Result<Reply<Vec<Outcome>>, Unavailable> {
        let _ = requests;
        Err(Unavailable::Stopping)
    }

    /// Reads. What is read is durable when the answer comes.
    ///
    /// # Errors
    ///
    /// At once, when the engine is overloaded or stopping.
    pub fn query(&self, query: Query) -> Result<Reply<Result<Found, Rejection>>, Unavailable> {
        let _ = query;
        Err(Unavailable::Stopping)
    }

    /// Waits until an order is final. Dropping the reply ends the waiting.
    ///
    /// # Errors
    ///
    /// At once, when the engine is overloaded (also with waiters) or stopping.
    pub fn wait_final(&self, order: Id) -> Result<Reply<Result<Order, Rejection>>, Unavailable> {
        let _ = order;
        Err(Unavailable::Stopping)
    }

    /// The log of order events.
    pub fn events(&self) -> &EventLog {
        &self.events
    }

    /// The last journal position known to be durable.
    pub fn durable_sequence(&self) -> u64 {
        self.events.durable_sequence()
    }

    /// The cause, once the engine has failed. It answers nothing any more, and the process should end.
    pub fn failure(&self) -> Option<Arc<str>> {
        None
    }

    /// Messages waiting for the core now.
    pub fn queue_depth(&self) -> usize {
        0
    }

    /// Stops: newcomers are refused, what was admitted is finished and answered, running processors are given until
    /// the deadline and then cancelled, the journal is sealed, the threads are joined. A second call answers at once.
    ///
    /// # Errors
    ///
    /// When the engine had failed, or its threads did not end by the deadline.
    pub fn stop(&self, timeout: Duration) -> Result<(), StopError> {
        let _ = timeout;
        Ok(())
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
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
            Self::Config(cause) => write!(f, "the engine's configuration: {cause}"),
            Self::Thread(cause) => write!(f, "starting the engine's threads: {cause}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// Why stopping did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopError {
    /// The engine had failed; the process should end with the exit code of a journal failure.
    Failed(String),
    /// The threads were still busy at the deadline.
    TimedOut,
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(cause) => write!(f, "the engine had failed: {cause}"),
            Self::TimedOut => f.write_str("the engine's threads did not end by the deadline"),
        }
    }
}

impl std::error::Error for StopError {}
