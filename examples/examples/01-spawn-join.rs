//! Tasks are started with `spawn` and joined by awaiting the handle; many thousands of them are fine.
//!
//! Observe: the results come in the order in which they are asked for, not in the order in which the tasks end; and
//! the task that panics (its message goes to standard error) is an error where it is joined, and nothing else.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::{
    task::{self, TaskError},
    time,
};
use std::time::Duration;

#[norace::main]
async fn main() {
    let squares: Vec<_> = (1..=4_u64)
        .map(|n| {
            task::spawn(async move {
                time::sleep(Duration::from_millis(10 * (5 - n))).await;
                n * n
            })
        })
        .collect();
    let failing = task::spawn(async { divide(1, 0) });

    for square in squares {
        println!("joined: {}", square.await.expect("squaring does not panic"));
    }
    match failing.await {
        Err(error @ TaskError::Panicked { .. }) => println!("joined: {error}"),
        other => unreachable!("dividing by zero panics: {other:?}"),
    }
}

fn divide(a: u64, b: u64) -> u64 {
    a / b
}
