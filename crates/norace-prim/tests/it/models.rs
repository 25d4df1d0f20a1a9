//! Models through the facade's names.

use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;

use norace_prim::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
use norace_prim::cell::UnsafeCell;
use norace_prim::sync::{Arc, Barrier, Condvar, Mutex, RwLock, lock, wait, wait_timeout};
use norace_prim::time::{Duration, Instant, SystemTime};
use norace_prim::{hint, rand, sys, thread};

use crate::{finds, passes};

/// Plain data that two threads of a model share.
struct Shared {
    data: UnsafeCell<u32>,
    ready: AtomicU32,
}

#[expect(unsafe_code, reason = "a cell between threads is what the models are about")]
// SAFETY: models run on one OS thread, and the checker reports accesses that race.
unsafe impl Sync for Shared {}

/// Publishes with `store`, reads the data where the flag was seen.
fn publish(store: Ordering, load: Ordering, fenced: bool) {
    let shared = Arc::new(Shared { data: UnsafeCell::new(0), ready: AtomicU32::new(0) });
    let other = shared.clone();
    let thread = thread::spawn(move || {
        #[expect(unsafe_code, reason = "a write through the cell's pointer")]
        // SAFETY: as for `Shared`.
        other.data.with_mut(|data| unsafe { *data = 1 });
        if fenced {
            // Release: pairs with the Acquire fence below.
            fence(Ordering::Release);
        }
        // As the model asks.
        other.ready.store(1, store);
    });
    // As the model asks.
    if shared.ready.load(load) == 1 {
        if fenced {
            // Acquire: pairs with the Release fence above.
            fence(Ordering::Acquire);
        }
        #[expect(unsafe_code, reason = "a read through the cell's pointer")]
        // SAFETY: as for `Shared`.
        let data = shared.data.with(|data| unsafe { *data });
        assert_eq!(data, 1);
    }
    thread.join().unwrap();
}

#[test]
fn data_published_by_a_relaxed_store_is_a_race() {
    let found = finds(|| publish(Ordering::Relaxed, Ordering::Acquire, false));
    assert!(found.starts_with("data race on the cell of u32 created at"), "{found}");
    assert!(found.contains("they do not synchronise"), "{found}");
}

#[test]
fn data_published_by_release_or_by_fences_is_none() {
    assert_eq!(passes(|| publish(Ordering::Release, Ordering::Acquire, false)).executions, 2);
    assert_eq!(passes(|| publish(Ordering::Relaxed, Ordering::Relaxed, true)).executions, 2);
}

#[test]
fn locks_in_opposite_orders_are_a_deadlock_at_the_callers_lines() {
    let found = finds(|| {
        let locks = Arc::new((Mutex::new(0), Mutex::new(0)));
        let other = locks.clone();
        let thread = thread::spawn(move || {
            let _second = lock(&other.1);
            let _first = lock(&other.0);
        });
        let _first = lock(&locks.0);
        let _second = lock(&locks.1);
        drop((_first, _second));
        thread.join().unwrap();
    });
    assert!(found.starts_with("deadlock, a cycle of threads"), "{found}");
    assert_eq!(found.matches("tests/it/models.rs").count(), 5, "{found}");
}

#[test]
fn a_notification_before_the_wait_is_lost() {
    let found = finds(|| {
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let other = pair.clone();
        let thread = thread::spawn(move || other.1.notify_one());
        drop(wait(&pair.1, lock(&pair.0)));
        thread.join().unwrap();
    });
    assert!(found.starts_with("deadlock"), "{found}");
}

#[test]
fn a_wait_with_a_limit_ends_both_ways() {
    let ends = StdMutex::new(BTreeSet::new());
    passes(|| {
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let other = pair.clone();
        let thread = thread::spawn(move || other.1.notify_one());
        let (guard, timed_out) = wait_timeout(&pair.1, lock(&pair.0), Duration::from_secs(1));
        ends.lock().unwrap().insert(timed_out);
        drop(guard);
        thread.join().unwrap();
    });
    assert_eq!(ends.into_inner().unwrap(), BTreeSet::from([false, true]));
}

#[test]
fn a_reader_sees_all_of_a_write_or_nothing() {
    let seen = StdMutex::new(BTreeSet::new());
    passes(|| {
        let pair = Arc::new(RwLock::new((0, 0)));
        let other = pair.clone();
        let thread = thread::spawn(move || {
            let mut pair = other.write().unwrap();
            pair.0 += 1;
            pair.1 += 1;
        });
        seen.lock().unwrap().insert(*pair.read().unwrap());
        thread.join().unwrap();
    });
    assert_eq!(seen.into_inner().unwrap(), BTreeSet::from([(0, 0), (1, 1)]));
}

#[test]
fn a_barrier_lets_nobody_through_alone_and_has_one_leader() {
    let leaders = StdMutex::new(BTreeSet::new());
    passes(|| {
        let meeting = Arc::new((Barrier::new(2), AtomicU32::new(0)));
        let other = meeting.clone();
        let thread = thread::spawn(move || {
            // Relaxed: the barrier orders it before the load.
            other.1.store(1, Ordering::Relaxed);
            other.0.wait().is_leader()
        });
        let mine = meeting.0.wait().is_leader();
        // Relaxed: as above.
        assert_eq!(meeting.1.load(Ordering::Relaxed), 1);
        assert_ne!(mine, thread.join().unwrap());
        leaders.lock().unwrap().insert(mine);
    });
    assert_eq!(leaders.into_inner().unwrap().len(), 2);
}

#[test]
fn data_in_statics_is_put_back_for_each_execution() {
    static HITS: AtomicU64 = AtomicU64::new(5);
    static COUNT: Mutex<u32> = Mutex::new(6);
    let report = passes(|| {
        let thread = thread::spawn(|| {
            // Relaxed: a count.
            HITS.fetch_add(1, Ordering::Relaxed);
            *lock(&COUNT) += 1;
        });
        // Relaxed: a count.
        HITS.fetch_add(1, Ordering::Relaxed);
        *lock(&COUNT) += 1;
        thread.join().unwrap();
        // Relaxed: after the join.
        assert_eq!((HITS.load(Ordering::Relaxed), *lock(&COUNT)), (7, 8));
    });
    assert_eq!(report.executions, 4);
}

#[test]
fn sleeping_takes_virtual_time_alone() {
    let begun = std::time::Instant::now();
    passes(|| {
        let (instant, system) = (Instant::now(), SystemTime::now());
        thread::sleep(Duration::from_secs(3600));
        assert!(instant.elapsed() >= Duration::from_secs(3600));
        assert!(system.elapsed().unwrap() >= Duration::from_secs(3600));
    });
    assert!(begun.elapsed() < Duration::from_secs(600));
}

#[test]
fn random_numbers_are_the_same_in_every_execution_and_thread() {
    let drawn = StdMutex::new(BTreeSet::new());
    let draw = || [rand::next_u64(), rand::below(10)];
    let report = passes(|| {
        let lock = Arc::new(Mutex::new(()));
        let other = lock.clone();
        let thread = thread::spawn(move || {
            drop(other.lock());
            draw()
        });
        drop(lock.lock());
        drawn.lock().unwrap().extend([draw(), thread.join().unwrap()]);
        assert_eq!(sys::cpu_count(), 2);
    });
    assert_eq!((report.executions, drawn.into_inner().unwrap().len()), (2, 1));
}

#[test]
fn a_parked_thread_gets_its_token_and_a_spinning_one_its_flag() {
    passes(|| {
        let main = thread::current();
        let thread = thread::spawn(move || {
            assert_ne!(thread::current().id(), main.id());
            main.unpark();
        });
        thread::park();
        thread.join().unwrap();
    });
    let report = crate::explore(|| {
        let flag = Arc::new(AtomicU32::new(0));
        let other = flag.clone();
        // Release: pairs with the Acquire below.
        let thread = thread::spawn(move || other.store(1, Ordering::Release));
        // Acquire: pairs with the Release above.
        while flag.load(Ordering::Acquire) == 0 {
            hint::spin_loop();
            thread::yield_now();
        }
        thread.join().unwrap();
    });
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn two_who_move_a_pointer_get_each_place_once() {
    let seen = StdMutex::new(BTreeSet::new());
    passes(|| {
        let mut numbers = [1_u16, 2, 3];
        let first = numbers.as_mut_ptr();
        let pointer = AtomicPtr::new(first);
        let begin = first.addr();
        let place = |pointer: *mut u16| (pointer.addr() - begin) / size_of::<u16>();
        thread::scope(|scope| {
            // Relaxed: addresses that nobody follows.
            let other = scope.spawn(|| place(pointer.fetch_ptr_add(1, Ordering::Relaxed)));
            // Relaxed: as above.
            let mine = place(pointer.fetch_byte_add(2, Ordering::Relaxed));
            seen.lock().unwrap().insert([mine, other.join().unwrap()]);
        });
        // Relaxed: as above.
        assert_eq!(place(pointer.fetch_ptr_sub(2, Ordering::Relaxed)), 2);
        // Relaxed: as above.
        assert_eq!(pointer.fetch_or(1, Ordering::Relaxed), first);
        assert_eq!(pointer.fetch_xor(1, Ordering::Relaxed).addr(), first.addr() | 1);
        assert_eq!(pointer.fetch_and(0, Ordering::Relaxed), first);
        assert!(pointer.into_inner().is_null());
    });
    assert_eq!(seen.into_inner().unwrap(), BTreeSet::from([[0, 1], [1, 0]]));
}

#[test]
fn updates_of_two_threads_are_both_there() {
    passes(|| {
        let number = AtomicU32::new(1);
        let order = Ordering::Relaxed;
        thread::scope(|scope| {
            scope.spawn(|| number.update(order, order, |n| n * 2));
            assert!(number.try_update(order, order, |n| Some(n + 3)).is_ok());
        });
        assert!([5, 8].contains(&number.into_inner()));
    });
}
