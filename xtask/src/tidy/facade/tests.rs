//! Good and bad ways to a lock.

use super::{super::testing::check_rust, facade};

const PATH: &str = "crates/norace/src/a.rs";

#[test]
fn the_facade_and_what_it_does_not_offer_are_fine() {
    for good in [
        "use norace_prim::sync::Mutex;",
        "use std::time::Duration;",
        "use std::{cell::Cell, io, task::Poll};",
        "fn a() { \"std::sync::Mutex\"; }",
        "/// [`std::sync::Mutex`]\nfn a() {}",
    ] {
        check_rust(facade, PATH, good, &[]);
    }
}

#[test]
fn going_around_the_facade_is_found() {
    for bad in [
        "use std::sync::Arc;",
        "use std::{io, sync::atomic::{AtomicU8, Ordering}};",
        "fn a() { std::thread::spawn(b); }",
        "use std::time::{Duration, Instant};",
        "use core::sync::atomic::fence;",
        "use alloc::sync::Arc;",
        "std::thread_local! { }",
    ] {
        check_rust(facade, PATH, bad, &[&format!("{PATH}:1: facade")]);
    }
}

#[test]
fn tests_and_crates_without_concurrency_may_use_std() {
    let text = "use std::sync::Mutex;";
    check_rust(facade, "crates/norace/src/a/tests.rs", text, &[]);
    check_rust(facade, "crates/norace/tests/it/main.rs", text, &[]);
    check_rust(facade, "crates/norace-prim/src/sync.rs", text, &[]);
    check_rust(facade, "crates/norace-cli/src/main.rs", text, &[]);
    check_rust(facade, PATH, "#[cfg(test)]\nmod tests {\n    use std::sync::Mutex;\n}", &[]);
}
