//! Real threads.

use super::{builder, numbered};
use norace::block_on;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

const ROUNDS: usize = 5_000;

/// The case of Go's `TestPoolStress`.
#[test]
fn threads_see_nothing_but_what_is_theirs() {
    let pool = builder(1_000).build(|| None::<u64>);
    thread::scope(|scope| {
        for thread in 1..=4 {
            let pool = &pool;
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let mut guard = pool.try_get().unwrap();
                    assert_eq!(guard.take(), None, "somebody's value");
                    *guard = Some(thread);
                    assert_eq!(*guard, Some(thread));
                }
            });
        }
    });
    let seen = pool.metrics();
    assert_eq!((seen.live, seen.hits + seen.steals + seen.misses), (0, 4 * ROUNDS as u64));
    assert_eq!(seen.misses, seen.idle as u64 + seen.dropped);
}

/// The case of Go's `TestPoolDequeue`: what one thread puts in, many take out, each object once.
#[test]
fn what_one_gives_back_many_take_and_each_object_one_of_them() {
    const OBJECTS: usize = 8;
    let pool = numbered(OBJECTS);
    let taken: [AtomicBool; OBJECTS] = Default::default();
    let (used, to_give_back) = norace::chan::bounded(OBJECTS);
    thread::scope(|scope| {
        for _ in 0..3 {
            let (pool, taken, used) = (&pool, &taken, used.clone());
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let object = pool.get_blocking();
                    // SeqCst: whether one is taken twice is what is tested.
                    let was = taken[object.number as usize].swap(true, Ordering::SeqCst);
                    assert!(!was, "object {} has two users", object.number);
                    used.send_blocking(object).unwrap();
                }
            });
        }
        drop(used);
        let (pool, taken) = (&pool, &taken);
        scope.spawn(move || {
            for object in &to_give_back {
                // SeqCst: as above; it is given back afterwards.
                taken[object.number as usize].store(false, Ordering::SeqCst);
                drop(object);
            }
            assert_eq!(pool.metrics().live, 0);
        });
    });
    let seen = pool.metrics();
    assert_eq!(seen.hits + seen.steals + seen.misses, 3 * ROUNDS as u64);
    assert!(seen.misses <= OBJECTS as u64, "no object was lost and made again");
}

#[test]
fn more_threads_than_objects_are_all_served() {
    let pool = numbered(2);
    let (live, served) = (AtomicUsize::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..4 {
            let (pool, live, served) = (&pool, &live, &served);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let guard = match (thread + round) % 3 {
                        0 => pool.get_blocking(),
                        1 => block_on(pool.get()),
                        _ => match pool.try_get() {
                            Some(guard) => guard,
                            None => continue,
                        },
                    };
                    // SeqCst: the bound is what is tested.
                    assert!(live.fetch_add(1, Ordering::SeqCst) < 2, "too many at a time");
                    // Relaxed: a count.
                    served.fetch_add(1, Ordering::Relaxed);
                    // SeqCst: as above.
                    live.fetch_sub(1, Ordering::SeqCst);
                    match round % 100 {
                        0 => drop(guard.detach()),
                        1 => drop(guard.into_owned()),
                        _ => drop(guard),
                    }
                    if round % 500 == 0 {
                        pool.age();
                    }
                }
            });
        }
    });
    let seen = pool.metrics();
    assert_eq!((seen.live, seen.waiting), (0, 0));
    // Relaxed: after the threads.
    assert_eq!(seen.hits + seen.steals + seen.misses, served.load(Ordering::Relaxed));
}

#[test]
fn waits_that_are_given_up_at_any_moment_lose_nothing() {
    let pool = numbered(1);
    thread::scope(|scope| {
        for thread in 0..3 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..ROUNDS / 5 {
                    let mut get = pool.get();
                    if thread > 0 && round % 2 == 0 {
                        let _ = crate::support::poll(&mut get);
                        thread::yield_now();
                    } else {
                        drop(block_on(get));
                    }
                }
            });
        }
    });
    let seen = pool.metrics();
    assert_eq!((seen.live, seen.waiting, seen.idle), (0, 0, 1));
    assert_eq!(seen.misses, 1);
}
