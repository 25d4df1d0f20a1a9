//! Reading a hot value allocates nothing. In a binary of its own: it counts what the whole process allocates.

#[cfg(not(norace))]
mod raw;

#[cfg(not(norace))]
#[test]
fn reading_allocates_nothing() {
    use norace::config::Hot;

    let hot = Hot::new([0u64; 32]);
    let mut reader = hot.reader();
    // The thread's place among the readers is made at its first read.
    drop(hot.load());
    let mut sum = 0;
    let count = raw::allocations(|| {
        for _ in 0..1000 {
            sum += reader.get()[0] + hot.load()[1] + reader.snapshot()[2] + hot.snapshot()[3];
        }
    });
    assert_eq!((count, sum), (0, 0));

    let Ok(_) = hot.publish([1; 32]);
    let count = raw::allocations(|| sum += reader.get()[0] + hot.load()[0]);
    assert_eq!((count, sum), (0, 2), "the first read after a publication");

    // The counter counts.
    assert!(raw::allocations(|| sum += hot.publish([2; 32]).is_ok() as u64) > 0);
}
