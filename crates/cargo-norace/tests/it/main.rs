//! The real binary on generated crates outside this workspace: what it prints, how it exits, which flags arrive.
//!
//! All crates share one target folder, so that the checker is built once, and one build or run goes on at a time.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod attribute;
mod bugs;
mod check;
mod flags;
mod help;
mod process;
mod project;
mod readme;
mod regressions;
mod replay;
mod signals;
mod sources;
mod usage;
mod wrappers;
