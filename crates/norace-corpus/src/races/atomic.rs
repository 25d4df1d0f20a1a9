//! Atomics, all of them SeqCst as in Go: who reads what another has written comes after it.

use norace_check::RaceCell;
use norace_prim::atomic::Ordering::SeqCst;
use norace_prim::atomic::{AtomicI32, AtomicI64, AtomicPtr, AtomicU64};
use norace_prim::hint::spin_loop;
use norace_prim::thread::scope;
use std::ptr;

races! {
    free no_race_atomic_add_int64,
    racy atomic_add_int64,
    free no_race_atomic_add_int32,
    free no_race_atomic_load_add_int32,
    free no_race_atomic_load_store_int32,
    racy atomic_load_store_int32_early,
    free no_race_atomic_store_cas_int32,
    racy atomic_store_cas_int32_late,
    free no_race_atomic_cas_load_int32,
    free no_race_atomic_cas_cas_int32,
    racy atomic_cas_cas_int32_failed,
    free no_race_atomic_cas_cas_int32_2,
    free no_race_atomic_load_int64,
    free no_race_atomic_cas_cas_uint64,
    free no_race_atomic_load_store_pointer,
    free no_race_atomic_store_cas_uint64,
}

/// Two that write a variable each and add 1; who comes to `turn` writes the other one's, too.
fn add_int64(turn: i64) {
    let (x1, x2, s) = (RaceCell::named("x1", 0), RaceCell::named("x2", 0), AtomicI64::new(0));
    let add = |own: &RaceCell<i32>, other: &RaceCell<i32>| {
        own.set(1);
        // SeqCst: as in Go; pairs with the other addition.
        if s.fetch_add(1, SeqCst) + 1 == turn {
            other.set(1);
        }
    };
    scope(|scope| {
        scope.spawn(|| add(&x1, &x2));
        scope.spawn(|| add(&x2, &x1));
    });
}

/// The first addition happens before the second one.
fn no_race_atomic_add_int64() {
    add_int64(2);
}

/// None: the first addition is after nothing.
fn atomic_add_int64() {
    add_int64(1);
}

/// The first addition happens before the second one.
fn no_race_atomic_add_int32() {
    let (x1, x2, s) = (RaceCell::named("x1", 0), RaceCell::named("x2", 0), AtomicI32::new(0));
    let add = |own: &RaceCell<i32>, other: &RaceCell<i32>| {
        own.set(1);
        // SeqCst: as in Go; pairs with the other addition.
        if s.fetch_add(1, SeqCst) == 1 {
            other.set(1);
        }
    };
    scope(|scope| {
        scope.spawn(|| add(&x1, &x2));
        scope.spawn(|| add(&x2, &x1));
    });
}

/// One sets `x` and publishes it in an atomic, the other waits for that and sets it again.
fn publish<A: Sync>(atomic: &A, publish: fn(&A), is_published: fn(&A) -> bool) {
    let x = RaceCell::named("x", 0);
    scope(|scope| {
        scope.spawn(|| {
            x.set(2);
            publish(atomic);
        });
        while !is_published(atomic) {
            spin_loop();
        }
        x.set(1);
    });
}

fn add_one(s: &AtomicI32) {
    // SeqCst: as in Go; pairs with what waits in `publish`.
    s.fetch_add(1, SeqCst);
}

fn store_one(s: &AtomicI32) {
    // SeqCst: as in Go; pairs with what waits in `publish`.
    s.store(1, SeqCst);
}

fn is_one(s: &AtomicI32) -> bool {
    // SeqCst: as in Go; pairs with what is called first in `publish`.
    s.load(SeqCst) == 1
}

fn exchanges(s: &AtomicI32, from: i32, to: i32) -> bool {
    // SeqCst: as in Go; pairs with the other access in `publish`.
    s.compare_exchange(from, to, SeqCst, SeqCst).is_ok()
}

fn exchange_for_one(s: &AtomicI32) {
    assert!(exchanges(s, 0, 1));
}

fn takes_one(s: &AtomicI32) -> bool {
    exchanges(s, 1, 0)
}

fn exchanges_wide(s: &AtomicU64, from: u64, to: u64) -> bool {
    // SeqCst: as in Go; pairs with the other access in `publish`.
    s.compare_exchange(from, to, SeqCst, SeqCst).is_ok()
}

/// An addition happens before the load that reads it.
fn no_race_atomic_load_add_int32() {
    publish(&AtomicI32::new(0), add_one, is_one);
}

/// A store happens before the load that reads it.
fn no_race_atomic_load_store_int32() {
    publish(&AtomicI32::new(0), store_one, is_one);
}

/// None: a load that does not wait may read what was there before.
fn atomic_load_store_int32_early() {
    let (x, s) = (RaceCell::named("x", 0), AtomicI32::new(0));
    scope(|scope| {
        scope.spawn(|| {
            x.set(2);
            store_one(&s);
        });
        is_one(&s);
        x.set(1);
    });
}

/// A store happens before the exchange that reads it.
fn no_race_atomic_store_cas_int32() {
    publish(&AtomicI32::new(0), store_one, takes_one);
}

/// None: the write comes after the store.
fn atomic_store_cas_int32_late() {
    let (x, s) = (RaceCell::named("x", 0), AtomicI32::new(0));
    scope(|scope| {
        scope.spawn(|| {
            store_one(&s);
            x.set(2);
        });
        if takes_one(&s) {
            x.set(1);
        }
    });
}

/// An exchange happens before the load that reads it.
fn no_race_atomic_cas_load_int32() {
    publish(&AtomicI32::new(0), exchange_for_one, is_one);
}

/// An exchange happens before the one that reads it.
fn no_race_atomic_cas_cas_int32() {
    publish(&AtomicI32::new(0), exchange_for_one, takes_one);
}

/// None: the exchange that fails is not before the one that succeeds, only after.
fn atomic_cas_cas_int32_failed() {
    let (x, s) = (RaceCell::named("x", 0), AtomicI32::new(0));
    let exchange = || {
        if !exchanges(&s, 0, 1) {
            x.set(1);
        }
    };
    scope(|scope| {
        scope.spawn(exchange);
        scope.spawn(exchange);
        scope.spawn(exchange);
    });
}

/// The exchange that succeeds happens before the one that fails of it.
fn no_race_atomic_cas_cas_int32_2() {
    let (x1, x2, s) = (RaceCell::named("x1", 0), RaceCell::named("x2", 0), AtomicI32::new(0));
    let exchange = |own: &RaceCell<i32>, other: &RaceCell<i32>| {
        own.set(1);
        if !exchanges(&s, 0, 1) {
            other.set(1);
        }
    };
    scope(|scope| {
        scope.spawn(|| exchange(&x1, &x2));
        scope.spawn(|| exchange(&x2, &x1));
    });
}

/// An addition happens before the load that reads it, of 64 bits as well.
fn no_race_atomic_load_int64() {
    let add = |s: &AtomicI64| {
        // SeqCst: as in Go; pairs with the load below.
        s.fetch_add(1, SeqCst);
    };
    // SeqCst: as in Go; pairs with the addition above.
    publish(&AtomicI64::new(0), add, |s| s.load(SeqCst) == 1);
}

/// An exchange happens before the one that reads it, of 64 bits as well.
fn no_race_atomic_cas_cas_uint64() {
    let exchange = |s: &AtomicU64| assert!(exchanges_wide(s, 0, 1));
    publish(&AtomicU64::new(0), exchange, |s| exchanges_wide(s, 1, 0));
}

/// The store of a pointer happens before the load that reads it.
fn no_race_atomic_load_store_pointer() {
    static Y: i32 = 2;
    let store = |s: &AtomicPtr<i32>| {
        // SeqCst: as in Go; pairs with the load below.
        s.store(ptr::from_ref(&Y).cast_mut(), SeqCst);
    };
    // SeqCst: as in Go; pairs with the store above.
    let is_stored = |s: &AtomicPtr<i32>| ptr::eq(s.load(SeqCst), &raw const Y);
    publish(&AtomicPtr::new(ptr::null_mut()), store, is_stored);
}

/// A store happens before the exchange that reads it, of 64 bits as well.
fn no_race_atomic_store_cas_uint64() {
    let store = |s: &AtomicU64| {
        // SeqCst: as in Go; pairs with the exchange.
        s.store(1, SeqCst);
    };
    publish(&AtomicU64::new(0), store, |s| exchanges_wide(s, 1, 0));
}
