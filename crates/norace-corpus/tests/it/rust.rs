//! The bugs of crates for Rust.

use norace_corpus::rust::BUGS;
use std::time::Duration;

#[test]
fn every_bug_is_found() {
    crate::finds(BUGS);
}

#[test]
fn no_fixed_one_is() {
    crate::is_silent(BUGS, Duration::from_millis(500));
}
