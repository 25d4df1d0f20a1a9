//! The checker as its users meet it, on models of the explorer's own types.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod linear;
mod models;
mod outcomes;
mod replays;
mod reports;
mod shrinking;
mod silence;
