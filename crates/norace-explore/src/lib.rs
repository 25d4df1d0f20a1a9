//! The core of the Norace checker: it runs a concurrent program under every schedule and every outcome that the memory
//! model allows, one execution per class of equivalent ones, on one OS thread.
//!
//! Code that uses the types of this crate ([`sync`], [`cell`], [`thread`], [`time`]) behaves as with `std` outside a
//! model. Inside [`Explorer::explore`] every operation is a step that the explorer schedules. The algorithms, and why
//! the number of executions is exact, are in `docs/design/explore.md`.
//!
//! - [`Explorer`], [`Config`], [`Strategy`], [`Report`]: running models.
//! - [`Finding`]: data races, deadlocks, leaks, livelocks, panics.
//! - [`Trace`]: an execution, event by event.
//!
//! **Invariants:** given the same choices, the same execution; no operation allocates in steady state; nothing here
//! depends on the kit.

pub mod cell;
mod clock;
mod config;
mod coroutine;
mod current;
mod driver;
mod engine;
mod event;
mod explorer;
mod finding;
mod job;
mod meta;
pub mod probe;
mod pulse;
mod slot;
mod statics;
pub mod sync;
pub mod thread;
pub mod time;
mod trace;

pub use config::{Config, Level, Misuse, Mode, Strengthen, THREADS_MAX, Traces};
pub use current::in_model;
pub use driver::{Plan, Run, Strategy};
pub use engine::Choice;
pub use event::{Class, Kind, MessageId, ObjectId, ThreadId};
pub use explorer::{Completeness, Execution, Explorer, Found, Report};
pub use finding::{
    Access, Blocked, Finding, Nested, ObjectInfo, Place, ThreadInfo, Unordered, Waits,
};
pub use pulse::{Pulse, pulse};
pub use trace::{PanicBegun, Trace, TraceEvent};
