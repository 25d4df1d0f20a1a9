//! A `Group` owns its tasks: a bound on how many run, every outcome at the join, nothing left behind.
//!
//! Observe: in the isolated group the panic is one outcome among five (its message goes to standard error) and the
//! others finish; in the fail-fast group the first failure cancels the rest, which say so.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::{context::Context, group::Group, task::TaskError, time};
use std::time::Duration;

#[norace::main]
async fn main() {
    let root = Context::new();
    println!("isolated, two at once:");
    run(Group::isolate(&root).limit(2)).await;
    println!("fail fast:");
    run(Group::fail_fast(&root)).await;
}

async fn run(group: Group<u64>) {
    for n in 1..=5 {
        group.spawn(pay(n)).await;
    }
    for (outcome, n) in group.join().await.into_iter().zip(1..) {
        match outcome {
            Ok(cents) => println!("  {n}: paid {cents}"),
            Err(TaskError::Panicked { .. }) => println!("  {n}: panicked"),
            Err(TaskError::Cancelled { cause }) => println!("  {n}: cancelled, {cause}"),
        }
    }
}

/// The third payment meets a bug; the others take a moment.
async fn pay(n: u64) -> u64 {
    assert!(n != 3, "payment {n} meets a bug");
    time::sleep(Duration::from_millis(20)).await;
    n * 100
}
