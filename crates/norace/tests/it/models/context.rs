//! Contexts between threads.
#![cfg(norace)]

use norace::context::Context;
use norace::{block_on, prim::thread, select_blocking};
use norace_check::Builder;
use std::time::Duration;

#[test]
fn a_report_says_who_waits_for_the_end_of_a_context() {
    let outcome = Builder::new().run(|| {
        let context = Context::new();
        thread::spawn(move || block_on(context.cancelled()));
    });
    let text = outcome.failure().expect("a leak");
    assert!(text.contains("waits to see the end of the context"), "{text}");
}

/// Cancelling takes back the alarm of the deadline, which the search may have put to sleep.
#[norace::test(model_only)]
fn cancelling_meets_the_deadline() {
    let context = Context::new().with_timeout(Duration::from_nanos(50));
    let (cancelling, waiting) = (context.clone(), context.clone());
    let canceller = thread::spawn(move || cancelling.cancel());
    let waiter = thread::spawn(move || select_blocking! { _ = waiting.cancelled() => {} });
    let _ = context.is_cancelled();
    canceller.join().unwrap();
    waiter.join().unwrap();
}
