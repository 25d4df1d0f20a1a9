//! What a pool asks of the allocator.

use super::Pool;
use crate::raw::allocations;

#[test]
fn nothing_is_allocated_once_there_are_enough() {
    let pool = Pool::builder(64).age_every(None).build(|| Vec::<u8>::with_capacity(64));
    let round = || {
        let guards: [_; 20] = std::array::from_fn(|_| pool.try_get().expect("fewer than 64"));
        drop(guards);
        crate::block_on(async { pool.get().await.push(1) });
        pool.get_blocking().into_owned().push(2);
    };
    round();
    assert_eq!(allocations::during(round), 0);
    let ages = || {
        pool.age();
        round();
    };
    assert_eq!(allocations::during(ages), 0);
}
