//! A panic costs one object, and nothing else.

use super::builder;
use crate::support::poll;
use norace::pool::{OwnedGuard, Pool, Reset};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An object that panics where it is told to.
#[derive(Default)]
struct Bomb {
    in_reset: bool,
    in_keep: bool,
    in_drop: bool,
    stale: bool,
}

impl Reset for Bomb {
    fn reset(&mut self) {
        assert!(!self.in_reset, "in reset");
    }

    fn keep(&self) -> bool {
        assert!(!self.in_keep, "in keep");
        !self.in_drop
    }

    fn is_fresh(&self) -> bool {
        !self.stale
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.in_drop, "in drop");
    }
}

fn panics(act: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(act)).expect_err("it panics");
    payload
        .downcast::<String>()
        .map(|text| *text)
        .or_else(|payload| payload.downcast::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

/// That the pool has no object, and makes one for who waits already.
fn serves_on(pool: &Pool<Bomb>, break_one: impl FnOnce()) {
    let mut waits = pool.get();
    assert!(poll(&mut waits).is_pending());
    break_one();
    let seen = pool.metrics();
    assert_eq!(
        (seen.live, seen.idle, seen.dropped, seen.waiting),
        (1, 0, 1, 0),
        "one for who waits"
    );
    assert!(poll(&mut waits).is_ready());
    assert_eq!(pool.metrics().misses, 2);
}

#[test]
fn a_panic_in_reset_keep_or_drop_loses_the_object() {
    for (breaks, message) in [
        ((|bomb| bomb.in_reset = true) as fn(&mut Bomb), "in reset"),
        (|bomb| bomb.in_keep = true, "in keep"),
        (|bomb| bomb.in_drop = true, "in drop"),
    ] {
        let pool = builder(1).build(Bomb::default);
        let mut guard = pool.try_get().unwrap();
        breaks(&mut guard);
        serves_on(&pool, || assert_eq!(panics(|| drop(guard)), message));
    }
}

#[cfg(debug_assertions)]
#[test]
fn an_object_that_is_not_fresh_is_a_panic_and_is_lost() {
    let pool = builder(1).build(Bomb::default);
    let mut guard = pool.try_get().unwrap();
    guard.stale = true;
    serves_on(&pool, || assert!(panics(|| drop(guard)).contains("is not fresh after its reset")));
}

#[test]
fn an_object_whose_user_panics_is_not_used_again() {
    let pool = builder(1).build(Bomb::default);
    let guard = pool.try_get().unwrap();
    serves_on(&pool, || {
        let _ = panics(|| {
            let _guard = guard;
            panic!("in use");
        });
    });
}

#[test]
fn a_panic_in_the_constructor_leaves_room_for_another_try() {
    let fails = Arc::new(AtomicBool::new(true));
    let asks = fails.clone();
    let pool = builder(1).build(move || {
        // Relaxed: on one thread.
        assert!(!asks.load(Ordering::Relaxed), "in new");
        Bomb::default()
    });
    assert_eq!(panics(|| drop(pool.try_get())), "in new");
    assert_eq!(panics(|| drop(pool.get_blocking())), "in new");
    assert_eq!((pool.metrics().live, pool.metrics().misses), (0, 2));
    // Relaxed: as above.
    fails.store(false, Ordering::Relaxed);
    assert!(pool.try_get().is_some());
}

#[test]
fn a_panic_in_the_constructor_of_one_that_waited_lets_the_next_one_try() {
    let fails = Arc::new(AtomicBool::new(false));
    let asks = fails.clone();
    let pool = builder(1).build(move || {
        // Relaxed: on one thread.
        assert!(!asks.swap(false, Ordering::Relaxed), "in new");
        Bomb::default()
    });
    let guard = pool.try_get().unwrap();
    let (mut first, mut second) = (pool.get(), pool.get());
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    // Relaxed: as above.
    fails.store(true, Ordering::Relaxed);
    drop(guard.detach());
    assert_eq!(panics(|| assert!(poll(&mut first).is_pending())), "in new");
    assert!(poll(&mut second).is_ready());
}

#[test]
fn objects_that_panic_when_they_age_take_no_others_with_them() {
    let pool = Pool::builder(3).predictable().age_every(None).build(|| Fuse(Cell::new(false)));
    let guards: Vec<_> = (0..3).map(|_| pool.try_get().unwrap()).collect();
    guards[1].0.set(true);
    drop(guards);
    pool.age();
    assert_eq!(panics(|| pool.age()), "fuse");
    let seen = pool.metrics();
    assert_eq!((seen.idle, seen.live, seen.dropped), (0, 0, 3));
}

/// Two objects come out at once: nothing was lost, and nothing is in use.
fn has_two(pool: &Pool<Fuse>) {
    let seen = pool.metrics();
    assert_eq!((seen.live, seen.waiting), (0, 0));
    assert!([pool.try_get(), pool.try_get()].iter().all(Option::is_some));
}

#[test]
fn a_panic_while_a_pool_ages_costs_who_uses_it_nothing() {
    let ageing = Pool::builder(2).predictable().age_every(Duration::ZERO);
    let pool = ageing.build(|| Fuse(Cell::new(false)));
    let (fuse, other) = (pool.try_get().unwrap(), pool.try_get().unwrap());
    fuse.0.set(true);
    // Below the other one, which is used again and again.
    drop(fuse);
    drop(other);
    let used = panics(|| (0..1_000).for_each(|_| drop(pool.try_get().unwrap())));
    assert_eq!(used, "fuse");
    assert_eq!(pool.metrics().dropped, 1);
    has_two(&pool);
}

#[test]
fn a_panic_while_a_pool_ages_costs_who_makes_an_object_nothing() {
    let first: Arc<Mutex<Option<OwnedGuard<Fuse>>>> = Arc::default();
    let lent = first.clone();
    let ageing = Pool::builder(2).predictable().age_every(Duration::ZERO);
    let pool = ageing.build(move || {
        // The first one comes back while the second is made, and is nearly old.
        if let Some(first) = lent.lock().unwrap().take() {
            let pool = first.pool().clone();
            drop(first);
            pool.age();
        }
        Fuse(Cell::new(false))
    });
    let fuse = pool.try_get().unwrap().into_owned();
    fuse.0.set(true);
    *first.lock().unwrap() = Some(fuse);
    // Whether it goes now or later: it takes no licence along.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(pool.try_get())));
    let _ = catch_unwind(AssertUnwindSafe(|| (0..2).for_each(|_| pool.age())));
    has_two(&pool);
}

/// Survives its reset and panics when it is dropped.
struct Fuse(Cell<bool>);

impl Reset for Fuse {
    fn reset(&mut self) {}
}

impl Drop for Fuse {
    fn drop(&mut self) {
        assert!(!self.0.get(), "fuse");
    }
}
