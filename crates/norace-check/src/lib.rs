//! Runs concurrent code under every schedule and every outcome that the memory model allows, and explains what goes
//! wrong: data races, deadlocks, lost wake-ups, leaks, livelocks, and panics that only some schedules meet.
//!
//! Code under test uses the types of `norace_prim` (or `norace::prim`) instead of `std`'s. In ordinary builds those
//! *are* `std`'s; `cargo norace check` builds with `--cfg norace`, which puts this checker behind them.
//!
//! ```
//! # if cfg!(norace) {
//! use norace_check::{RaceCell, check};
//! use norace_explore::{sync::Mutex, thread}; // in your code: norace_prim
//! use std::sync::Arc;
//!
//! check(|| {
//!     let balance = Arc::new((Mutex::new(()), RaceCell::new(10)));
//!     let other = balance.clone();
//!     let thread = thread::spawn(move || {
//!         let _guard = other.0.lock().unwrap();
//!         other.1.update(|cents| cents + 5);
//!     });
//!     {
//!         let _guard = balance.0.lock().unwrap();
//!         balance.1.update(|cents| cents - 5);
//!     }
//!     thread.join().unwrap();
//!     assert_eq!(balance.1.get(), 10);
//! });
//! # }
//! ```
//!
//! # Map
//!
//! | what | for |
//! | --- | --- |
//! | [`check`], [`Builder`] | running a model: budget, bounds, strategy, memory model |
//! | [`RaceCell`] | plain data that threads share without asking: for teaching, and for ports of racy programs |
//! | [`Tracked`] | a value that has to be dropped before the model ends |
//! | [`choose`] | a value of which every possibility is explored |
//! | [`linear`] | random operation sequences against a sequential model |
//! | [`Outcome`], [`Finding`] | what came out, also as JSON, text and one HTML page |
//!
//! # What it cannot do
//!
//! It sees what goes through the facade: a race on data behind a raw pointer or in foreign code is not seen, and a call
//! that blocks in the operating system is reported as uncontrolled. Load buffering, which C++ allows and no compiler is
//! known to make of Rust programs, is not explored. `Arc` is `std`'s: its counts order nothing here.

mod builder;
mod fix;
mod identity;
mod json;
pub mod linear;
mod outcome;
mod portfolio;
mod regressions;
mod report;
mod search;
mod settings;
mod shrink;
mod token;
mod watchdog;

pub use builder::Builder;
pub use norace_explore::cell::RaceCell;
pub use norace_explore::probe::Tracked;
pub use norace_explore::{Level, Misuse, Mode, Strategy, in_model};
pub use outcome::{Outcome, Status};
pub use report::{Finding, Fix, Frame, Place, Row, Stack, Task};
pub use token::{BadToken, Token};

/// Explores `model` with the usual options; see [`Builder`].
///
/// # Panics
///
/// With a report, when an execution shows a defect; in a build without `--cfg norace`, where the model's operations
/// would not be seen.
#[track_caller]
pub fn check<F: Fn()>(model: F) {
    Builder::new().check(model);
}

/// A number below `bound`, each of which is explored.
///
/// # Panics
///
/// Outside of a model, and when `bound` is 0 or above 1,000.
#[track_caller]
pub fn choose(bound: usize) -> usize {
    norace_explore::probe::choose(bound).expect("a free choice is made inside a model")
}
