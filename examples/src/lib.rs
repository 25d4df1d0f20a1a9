//! The examples are the programs beside this file: `cargo run --package examples --example 01-spawn-join`.

/// Compiles and runs the Rust of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
