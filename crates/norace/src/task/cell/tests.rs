//! What a task costs.

use super::{Task, TaskCell};
use crate::task::future::FutureBody;
use std::future::Ready;

#[test]
fn a_small_task_takes_128_bytes() {
    // The counts of its references, the word that an allocator keeps beside it, and the registry's reference.
    let around = 3 * size_of::<usize>() + size_of::<Task>();
    assert!(size_of::<TaskCell<FutureBody<Ready<u64>>>>() + around <= 128);
}
