//! Who moves orders on.

mod driver;
mod simulated;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use crate::model::{Order, Reason};
pub(crate) use driver::Driver;
pub use simulated::{SimulatedOptions, SimulatedProvider};

/// A boxed future that can move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Who moves new orders on, unless the [settings](crate::EngineSettings::new_orders) say otherwise.
#[derive(Clone, Default)]
pub enum ProcessorChoice {
    /// The engine itself: an order is confirmed, or failed for lack of funds, in the step that creates it.
    #[default]
    Ledger,
    /// Clients drive every move.
    Manual,
    /// A [`Processor`], asked after the funds are reserved and that is durable.
    Async(Arc<dyn Processor>),
}

impl fmt::Debug for ProcessorChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger => f.write_str("Ledger"),
            Self::Manual => f.write_str("Manual"),
            Self::Async(_) => f.write_str("Async"),
        }
    }
}

/// The largest [`AsyncOptions::concurrency`].
pub const CONCURRENCY_MAX: usize = 1 << 16;

/// Bounds on the work of an asynchronous processor. They can be changed while it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsyncOptions {
    /// Calls at once, from 1 to [`CONCURRENCY_MAX`]; what is beyond counts as the nearer one. When it falls, the calls
    /// under way end first.
    pub concurrency: usize,
    /// How long one call may take; it keeps what it began with.
    pub timeout: Duration,
    /// Calls for one order before it is flagged; only a processor with outside effects is called again.
    pub attempts_max: u32,
    /// The pause before the second call; doubled for each further one.
    pub backoff_min: Duration,
    /// The longest pause.
    pub backoff_max: Duration,
}

impl Default for AsyncOptions {
    fn default() -> Self {
        Self {
            concurrency: 64,
            timeout: Duration::from_secs(30),
            attempts_max: 8,
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_secs(30),
        }
    }
}

/// Decides orders outside the core, for example by asking a payment provider.
///
/// It is called with the order in `processing`: its funds are reserved and durably so. It may be called again for the
/// same order after a restart, and, with outside effects, after a time-out or a failure: the order's id is the key by
/// which a provider recognises a repeat.
pub trait Processor: Send + Sync + 'static {
    /// Decides `order`.
    fn process(&self, order: Order) -> BoxFuture<Result<Decision, ProcessorError>>;

    /// True when a call can have effects outside this process.
    ///
    /// Without, a panic, an error or a time-out fails the order. With, only [`Decision::Refuse`] does: after anything
    /// else the order stays in `processing` and is tried again, then flagged.
    fn has_outside_effects(&self) -> bool;
}

/// A definite result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The order is confirmed.
    Confirm,
    /// The order fails, for this reason.
    Refuse(Reason),
}

/// No definite result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessorError(pub Reason);

impl fmt::Display for ProcessorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "processing gave no result: {}", self.0)
    }
}

impl std::error::Error for ProcessorError {}

/// An order on its way to the processor.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) at: u32,
    pub(crate) order: Order,
    /// How long the call may take.
    pub(crate) timeout: Duration,
}

/// What came of a [`Job`].
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) at: u32,
    pub(crate) result: Result<Decision, ProcessorError>,
}
