//! The attribute macros of the kit: `#[norace::main]` and `#[norace::test]`.
