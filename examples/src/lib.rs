//! The examples are the programs beside this file: `cargo run --package examples --example 01-spawn-join`.

/// Compiles and runs the Rust of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// Compiles the Rust of the guide from Go, and sees that what it says does not compile does not.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/from-go.md")]
pub struct FromGo;
