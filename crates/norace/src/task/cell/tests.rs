//! What a task costs.

use super::TaskCell;
use crate::task::future::FutureBody;
use std::future::Ready;

#[test]
fn the_cell_of_a_small_task_stays_within_three_cache_lines() {
    // The counts of its references, and the word that an allocator keeps beside it.
    let around = 3 * size_of::<usize>();
    assert!(size_of::<TaskCell<FutureBody<Ready<u64>>>>() + around <= 192);
}
