//! What reading costs in memory: nothing.

use super::Hot;
use crate::raw::allocations::during;

#[test]
fn reading_allocates_nothing() {
    let hot = Hot::new([0u64; 32]);
    let mut reader = hot.reader();
    // The thread's place among the readers is made at its first read.
    drop(hot.load());
    let mut sum = 0;
    let allocations = during(|| {
        for _ in 0..1000 {
            sum += reader.get()[0] + hot.load()[1] + reader.snapshot()[2] + hot.snapshot()[3];
        }
    });
    assert_eq!((allocations, sum), (0, 0));

    let Ok(_) = hot.publish([1; 32]);
    let allocations = during(|| sum += reader.get()[0] + hot.load()[0]);
    assert_eq!((allocations, sum), (0, 2), "the first reads after a publication");
    assert!(during(|| assert_eq!(hot.publish([2; 32]), Ok(3))) > 0, "the counter counts");
}
