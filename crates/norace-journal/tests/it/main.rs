//! Tests of the public interface.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod append;
mod crash;
mod damage;
mod dir;
mod faults;
#[cfg(norace)]
mod models;
mod reader;
mod room;
mod support;
