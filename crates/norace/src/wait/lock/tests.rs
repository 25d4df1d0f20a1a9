//! A patient lock is a lock.

use super::lock_patiently;
use norace_prim::sync::{Arc, Mutex};
use norace_prim::thread;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn one_at_a_time_has_it() {
    const EACH: u64 = norace_prim::model_or!(20_000, 1);
    let count = Arc::new(Mutex::new(0_u64));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let count = count.clone();
            thread::spawn(move || (0..EACH).for_each(|_| *lock_patiently(&count) += 1))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*lock_patiently(&count), 2 * EACH);
}

#[test]
fn a_panic_under_it_poisons_nothing() {
    let mutex = Mutex::new(7);
    let panicking = AssertUnwindSafe(|| {
        let _held = lock_patiently(&mutex);
        panic!("under the lock");
    });
    assert!(catch_unwind(panicking).is_err());
    assert_eq!(*lock_patiently(&mutex), 7);
}
