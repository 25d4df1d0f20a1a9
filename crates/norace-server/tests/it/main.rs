//! The server as its clients see it: real sockets, a real engine, raw bytes.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test by panicking")]

mod arrays;
mod calls;
mod client;
mod config;
mod durability;
mod events;
mod keys;
mod limits;
mod processing;
mod protocol;
#[cfg(feature = "redis")]
mod redis;
mod refusals;
mod repeats;
mod service;
mod shutdown;
mod slow;
mod system;
