//! Memory comes back.

use super::{builder, numbered};
use crate::support::{Live, LiveCount};
use norace::pool::{Pool, Reset};
use std::thread;
use std::time::Duration;

#[test]
fn what_is_not_used_between_two_ages_goes() {
    let pool = numbered(8);
    let guards: Vec<_> = (0..8).map(|_| pool.try_get().unwrap()).collect();
    drop(guards);
    pool.age();
    assert_eq!(pool.metrics().idle, 8, "a generation of grace");
    let used: Vec<_> = (0..3).map(|_| pool.try_get().unwrap()).collect();
    drop(used);
    pool.age();
    assert_eq!((pool.metrics().idle, pool.metrics().dropped), (3, 5), "those in use stay");
    pool.age();
    assert_eq!(pool.metrics().idle, 0);
}

#[test]
fn what_is_in_use_does_not_age() {
    let pool = numbered(1);
    let guard = pool.try_get().unwrap();
    (0..5).for_each(|_| pool.age());
    drop(guard);
    pool.age();
    assert_eq!(pool.metrics().idle, 1);
}

#[test]
fn after_a_burst_the_memory_comes_back() {
    let live = LiveCount::default();
    let count = live.clone();
    let pool = builder(10_000).max_idle(10_000).build(move || Heavy(count.value()));
    let none = live.get();
    let burst: Vec<_> = (0..10_000).map(|_| pool.try_get().unwrap().into_owned()).collect();
    thread::spawn(move || drop(burst)).join().unwrap();
    assert_eq!(live.get() - none, 10_000);
    // What comes after it needs one.
    for _ in 0..3 {
        drop(pool.try_get().unwrap());
        pool.age();
    }
    assert_eq!(pool.metrics().idle, 1);
    assert_eq!((live.get() - none, pool.metrics().dropped), (1, 9_999));
}

struct Heavy(#[expect(dead_code, reason = "held for its count")] Live);

impl Reset for Heavy {
    fn reset(&mut self) {}
}

#[test]
fn a_pool_in_use_ages_by_itself() {
    let pool = Pool::builder(100).predictable().age_every(Duration::ZERO).build(String::new);
    let burst: Vec<_> = (0..100).map(|_| pool.try_get().unwrap()).collect();
    drop(burst);
    (0..1_000).for_each(|_| drop(pool.try_get()));
    assert_eq!(pool.metrics().idle, 1);
    let tired = Pool::builder(100).predictable().age_every(None).build(String::new);
    let burst: Vec<_> = (0..100).map(|_| tired.try_get().unwrap()).collect();
    drop(burst);
    (0..1_000).for_each(|_| drop(tired.try_get()));
    assert_eq!(tired.metrics().idle, 100);
}

#[test]
fn a_task_can_age_a_pool_that_nobody_uses() {
    let pool = numbered(4);
    assert_eq!(pool.prefill(4), 4);
    let ageing = pool.ageing(Duration::from_millis(1));
    let thread = thread::spawn(|| norace::block_on(ageing));
    while pool.metrics().idle > 0 {
        thread::yield_now();
    }
    drop(pool);
    thread.join().unwrap();
}
