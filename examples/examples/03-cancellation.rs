//! A `Context` carries the wish to stop, with its cause, to everything below it.
//!
//! Observe: the deadline ends only its own branch; cancelling the root ends the rest, and each part can say why.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::{context::Context, select, task, time};
use std::time::Duration;

#[norace::main]
async fn main() {
    let root = Context::new();
    let hurried = root.with_timeout(Duration::from_millis(20));
    let patient = root.child();
    let tasks = [("hurried", hurried), ("patient", patient)]
        .map(|(name, context)| task::spawn(work(name, context)));

    time::sleep(Duration::from_millis(60)).await;
    println!("cancelled first: {}, again: {}", root.cancel(), root.cancel());
    for task in tasks {
        println!("{}", task.await.expect("working does not panic"));
    }
    let late = root.run(time::sleep(Duration::from_secs(3600))).await;
    println!("what starts late does not start: {}", late.expect_err("the root is cancelled"));
}

/// Counts until its context says stop.
async fn work(name: &str, context: Context) -> String {
    let mut steps = 0;
    loop {
        select! {
            cause = context.cancelled() => return format!("{name} stopped: {cause}"),
            () = time::sleep(Duration::from_millis(5)) => steps += 1,
        }
        assert!(steps < 1000, "somebody cancels long before");
    }
}
