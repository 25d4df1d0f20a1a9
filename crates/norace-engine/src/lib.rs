//! Accounts, transfers and orders: a pure state machine and the durable engine around it.
//!
//! One thread owns all money and order state and decides every command; another makes the decisions durable, a batch
//! at a time. Nothing leaves the engine (answers, reads, refusals, events) before everything it rests on is durable,
//! so that what anyone saw is always a prefix of what a restart recovers.
//!
//! ```
//! use norace_engine::{
//!     Amount, Command, Done, Engine, EngineConfig, Id, Metadata, NewId, OrderState, Request, SystemClock,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::env::temp_dir().join(format!("norace-doc-{}", std::process::id()));
//! let (engine, _) = Engine::open_dir(EngineConfig::default(), &folder, SystemClock)?;
//! let open = |name: &str, allow_overdraft| -> Result<Request, Box<dyn std::error::Error>> {
//!     let (id, ledger) = (NewId::Given(Id::new(name)?), Id::main_ledger());
//!     Ok(Request::new(Command::CreateAccount { id, ledger, allow_overdraft }))
//! };
//! let order = Request::new(Command::CreateOrder {
//!     id: NewId::Given(Id::new("order-1")?),
//!     payer: Id::new("ann")?,
//!     payee: Id::new("shop")?,
//!     amount: Amount::new(1299)?,
//!     metadata: Metadata::default(),
//! });
//! let answer = engine.execute_many(vec![open("ann", true)?, open("shop", false)?, order])?.wait()?;
//! // The answer is here, so the order is on disk: created, its funds reserved, and confirmed.
//! assert_eq!(answer.sequence, 5);
//! let Ok(Done::Order { order, .. }) = &answer.result[2] else { panic!("an order was asked for") };
//! assert_eq!((order.state, order.version), (OrderState::Confirmed, 3));
//!
//! engine.stop(std::time::Duration::from_secs(10))?;
//! assert!(norace_engine::verify_dir(&folder)?.ok);
//! # std::fs::remove_dir_all(folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! | to read first | what it is |
//! | --- | --- |
//! | [`State::apply`] | the rules: a pure function |
//! | [`Engine`] | the threads and queues around them |
//! | [`Processor`] | how orders are decided outside |
//! | [`verify`] | the audit of a journal |

mod audit;
mod codec;
mod engine;
mod model;
mod ports;
mod processor;
mod state;
#[cfg(test)]
mod testing;

pub use audit::{
    BadFrame, DumpError, DumpSummary, RecordView, VerifyError, VerifyReport, dump, dump_dir,
    verify, verify_dir,
};
pub use codec::{DecodeError, OtherVersion, Record, ReplayError};
pub use engine::{
    Answer, Engine, EngineConfig, EngineSettings, EventFeed, Failure, FailureHook, FailureKind,
    Follower, Found, LatencySummary, NewOrders, OpenError, Outcome, PAGE_LIMIT_MAX, Query,
    Recovered, Reply, SettingsSource, Stats, StopError, Unavailable,
};
pub use model::{
    AMOUNT_MAX, Account, Action, Amount, AmountError, CallKind, Command, Cursor, Done, Handling,
    ID_BYTES_MAX, Id, IdError, IdempotencyKey, KEY_BYTES_MAX, KeyError, METADATA_BYTES_MAX,
    Metadata, MetadataError, NewId, Order, OrderEvent, OrderPage, OrderState, REASON_BYTES_MAX,
    Reason, ReasonError, Rejection, Request, Settlement, Transfer, TransferMode, TransferState,
};
pub use ports::{
    Clock, FrameReader, History, HistoryError, Journal, JournalError, ManualClock, Room,
    SystemClock,
};
pub use processor::{
    AsyncOptions, BoxFuture, CONCURRENCY_MAX, Decision, Processor, ProcessorChoice, ProcessorError,
    SimulatedOptions, SimulatedProvider,
};
pub use state::{
    Applied, Change, Counts, Input, LedgerTotals, Leg, LegKind, OrderStep, SideTotals, State,
    Subject,
};
