//! A `Pool` lends objects: clean, at most so many, and given back to the system when nobody needs them.
//!
//! Observe: a thousand requests by four tasks make four buffers at most; a request never sees bytes of another; who
//! finds all buffers in use waits for the next; after the burst the pool lets go of what it does not need.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::{context::Context, group::Group, pool::Pool, time};
use std::fmt::Write as _;
use std::time::Duration;

#[norace::main]
async fn main() {
    let buffers = Pool::new(4, || String::with_capacity(16 << 10));

    let group = Group::fail_fast(&Context::new());
    for task in 0..4 {
        let buffers = buffers.clone();
        group.spawn(serve(buffers, task)).await;
    }
    group.join().await;
    let seen = buffers.metrics();
    println!("1000 requests, at most 4 buffers made: {}", seen.misses <= 4);
    println!("used again: {}", seen.hits + seen.steals >= 996);

    let all: Vec<_> = std::iter::from_fn(|| buffers.try_get()).collect();
    println!("in use: {}, a fifth: {}", all.len(), buffers.try_get().is_some());
    let waits = time::timeout(Duration::from_millis(5), buffers.get()).await;
    println!("waited in vain: {}", waits.is_err());
    drop(all);

    for _ in 0..2 {
        // In a program the pool does this by itself, every half minute.
        buffers.age();
        drop(buffers.get().await);
    }
    println!("idle after the burst: {}", buffers.metrics().idle);
}

/// Answers a quarter of the requests, each in a buffer of the pool.
async fn serve(buffers: Pool<String>, task: u32) {
    for request in 0..250 {
        let mut answer = buffers.get().await;
        assert!(answer.is_empty(), "the buffer holds what another request wrote");
        write!(answer, "task {task} answers request {request}")
            .expect("writing to memory does not fail");
        norace::task::yield_now().await;
    }
}
