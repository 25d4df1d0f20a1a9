//! Accounts, transfers and orders: a pure state machine and the durable engine around it.
//!
//! One thread owns all money and order state and decides every command; another makes the decisions durable, a batch
//! at a time. Nothing leaves the engine (answers, reads, refusals, events) before everything it rests on is durable,
//! so that what anyone saw is always a prefix of what a restart recovers.

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
pub use codec::{DecodeError, Record, ReplayError};
pub use engine::{
    Answer, Changed, Cursor, Engine, EngineConfig, EventLog, FailureHook, Found, HistoryGone,
    LatencySummary, OpenError, OrderPage, Outcome, PAGE_LIMIT_MAX, Query, Recovered, Reply, Stats,
    StopError, Unavailable,
};
pub use model::{
    AMOUNT_MAX, Account, Action, Amount, AmountError, CallKind, Command, Done, Handling,
    ID_BYTES_MAX, Id, IdError, IdempotencyKey, KEY_BYTES_MAX, KeyError, METADATA_BYTES_MAX,
    Metadata, MetadataError, NewId, Order, OrderEvent, OrderState, REASON_BYTES_MAX, Reason,
    ReasonError, Rejection, Request, Settlement, Transfer, TransferMode, TransferState,
};
pub use ports::{Clock, Journal, JournalError, ManualClock, Room, SystemClock};
pub use processor::{
    AsyncOptions, BoxFuture, Decision, Processor, ProcessorChoice, ProcessorError,
    SimulatedOptions, SimulatedProvider,
};
pub use state::{
    Applied, Change, Counts, Input, LedgerTotals, Leg, LegKind, OrderStep, SideTotals, State,
    Subject,
};
