//! Contexts between threads.
#![cfg(norace)]

use norace::context::Context;
use norace::{block_on, prim::thread};
use norace_check::Builder;

#[test]
fn a_report_says_who_waits_for_the_end_of_a_context() {
    let outcome = Builder::new().run(|| {
        let context = Context::new();
        thread::spawn(move || block_on(context.cancelled()));
    });
    let text = outcome.failure().expect("a leak");
    assert!(text.contains("waits to see the end of the context"), "{text}");
}
