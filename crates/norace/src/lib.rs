//! Go-style concurrency for Rust: tasks, channels, select, contexts and groups.

pub mod chan;
mod wait;

pub use wait::block_on;
