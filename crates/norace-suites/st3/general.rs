//! The suite's tests that need no other crate.

include!("tests/general.rs");
