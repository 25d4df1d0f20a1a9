//! The examples are the programs beside this file; `cargo run --package examples --example NAME`.
