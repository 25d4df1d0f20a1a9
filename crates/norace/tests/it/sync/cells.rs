//! Counters and versioned cells.

use crate::support::{LiveCount, WakeCount, poll, poll_with};
use norace::block_on;
use norace::sync::{Counter, Version, Versioned, Word};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

#[test]
fn a_counter_counts_from_many_threads() {
    static COUNTER: Counter = Counter::new();
    assert_eq!((COUNTER.get(), COUNTER.take()), (0, 0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    COUNTER.add(3);
                    COUNTER.sub(1);
                }
            });
        }
    });
    assert_eq!(COUNTER.get(), 160_000);
    assert_eq!(COUNTER.take(), 160_000);
    assert_eq!(COUNTER.get(), 0);
}

#[test]
fn takes_beside_adds_count_each_add_once() {
    let counter = Counter::new();
    let taken = thread::scope(|scope| {
        let adders: Vec<_> =
            (0..3).map(|_| scope.spawn(|| (0..20_000).for_each(|_| counter.add(1)))).collect();
        let mut taken = 0;
        while !adders.iter().all(thread::ScopedJoinHandle::is_finished) {
            taken += counter.take();
            thread::yield_now();
        }
        taken
    });
    assert_eq!(taken + counter.take(), 60_000);
}

#[test]
fn a_counter_wraps_around() {
    let counter = Counter::new();
    counter.add(i64::MAX);
    counter.add(1);
    assert_eq!(counter.get(), i64::MIN);
    counter.sub(i64::MIN);
    assert_eq!(counter.get(), 0);
}

#[test]
fn words_come_back_as_they_went_in() {
    fn check<T: Word + PartialEq + std::fmt::Debug>(values: &[T]) {
        for &value in values {
            let cell = Versioned::new(value);
            assert_eq!(cell.load().0, value);
            assert_eq!(T::from_word(value.into_word()), value);
        }
    }
    check(&[0_u8, 255]);
    check(&[i8::MIN, -1, i8::MAX]);
    check(&[i32::MIN, -1, i32::MAX]);
    check(&[i64::MIN, -1, i64::MAX]);
    check(&[0, u64::MAX]);
    check(&[0, usize::MAX]);
    check(&[isize::MIN, isize::MAX]);
    check(&[true, false]);
    check(&['a', '\u{10FFFF}', '\0']);
    check(&[0.0, -1.5, f64::INFINITY]);
}

#[test]
fn each_set_raises_the_version_by_one_even_to_the_same_value() {
    let cell = Versioned::new(5_u32);
    assert_eq!(cell.load(), (5, Version::FIRST));
    assert_eq!(cell.set(5).get(), 2);
    assert_eq!(cell.update(|value| value + 1), (6, Version::new(3)));
    assert_eq!(cell.compare_set(Version::new(3), 6).map(Version::get), Ok(4));
    assert_eq!(cell.version().get(), 4);
    assert_eq!(cell.into_inner(), 6);
}

#[test]
fn a_stale_set_changes_nothing_and_says_what_is_there() {
    let cell = Versioned::new(5_u32);
    cell.set(6);
    let stale = cell.compare_set(Version::FIRST, 7).unwrap_err();
    assert_eq!((stale.expected, stale.current), (Version::FIRST, (6, Version::new(2))));
    assert_eq!(stale.to_string(), "set version 1 of a cell that is at version 2");
    assert_eq!(cell.load(), (6, Version::new(2)));
    // A version that never was is stale as well.
    assert!(cell.compare_set(Version::new(9), 7).is_err());
}

#[test]
fn a_refused_or_panicking_update_sets_nothing() {
    let cell = Versioned::new(5_u32);
    assert_eq!(cell.try_update(|_| Err("no")), Err("no"));
    let panics =
        std::panic::AssertUnwindSafe(|| cell.update(|_| std::panic::resume_unwind(Box::new(()))));
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(cell.load(), (5, Version::FIRST));
}

#[test]
fn versions_wrap_and_waits_with_them() {
    let cell = Versioned::with_version('a', Version::new(u64::MAX));
    let mut wait = cell.changed(Version::new(u64::MAX));
    assert!(poll(&mut wait).is_pending());
    assert_eq!(cell.set('b').get(), 0);
    assert_eq!(poll(&mut wait), Poll::Ready(('b', Version::new(0))));
}

#[test]
fn large_values_are_dropped_when_nobody_reads_them() {
    let live = LiveCount::default();
    let cell = Versioned::new(Arc::new(live.value()));
    let (stalled, version) = cell.load();
    for _ in 0..100 {
        cell.update(|_| Arc::new(live.value()));
    }
    assert_eq!(live.get(), 2, "the one that is read, and the last");
    assert!(cell.compare_set(version, stalled).is_err());
    assert_eq!(live.get(), 1);
    drop(cell);
    assert_eq!(live.get(), 0);
}

#[test]
fn a_change_wakes_each_waiter_once() {
    let cell = Versioned::new(0_u32);
    let (woken, waker) = WakeCount::new();
    let mut first = cell.changed(Version::FIRST);
    let mut second = cell.changed(Version::FIRST);
    let dropped = cell.changed(Version::FIRST);
    assert!(poll_with(&mut first, &waker).is_pending());
    assert!(poll_with(&mut second, &waker).is_pending());
    drop(dropped);
    cell.set(1);
    assert_eq!(woken.get(), 2);
    cell.set(2);
    assert_eq!(woken.get(), 2, "they are awake");
    assert_eq!(poll(&mut first), Poll::Ready((2, Version::new(3))));
    drop(second);
    // Who asks for what is past does not wait, and the future can be used again.
    assert!(poll(&mut first).is_ready());
    assert!(poll(&mut cell.changed(Version::new(3))).is_pending());
}

#[test]
fn waits_work_on_threads_and_run_out() {
    let cell = Arc::new(Versioned::new(0_u64));
    assert_eq!(cell.changed_timeout(Version::FIRST, Duration::from_millis(1)), None);
    let follower = {
        let cell = cell.clone();
        thread::spawn(move || {
            let mut seen = Version::FIRST;
            loop {
                let (value, version) = cell.changed_blocking(seen);
                if value == 1000 {
                    return version;
                }
                seen = version;
            }
        })
    };
    for value in 1..=1000 {
        cell.set(value);
    }
    assert_eq!(follower.join().unwrap().get(), 1001);
}

#[test]
fn updates_from_many_threads_are_all_made() {
    let small = Versioned::new(0_u64);
    let large = Versioned::new(Arc::new(0_u64));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    small.update(|value| value + 1);
                    large.update(|value| Arc::new(*value + 1));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..5_000 {
                let (value, version) = small.load();
                assert_eq!(value + 1, version.get(), "read together");
                let (value, version) = large.load();
                assert_eq!(*value + 1, version.get(), "read together");
            }
        });
    });
    assert_eq!(small.load(), (20_000, Version::new(20_001)));
    assert_eq!(large.load(), (Arc::new(20_000), Version::new(20_001)));
}

#[test]
fn a_select_can_wait_for_a_change() {
    let cell = Versioned::new(0_u32);
    let never = norace::chan::never::<norace::time::Instant>();
    let seen = block_on(async {
        let set = async {
            cell.set(7);
            std::future::pending::<()>().await;
        };
        norace::select! {
            biased;
            (value, _) = cell.changed(Version::FIRST) => value,
            _ = never.recv() => 0,
            () = set => 1,
        }
    });
    assert_eq!(seen, 7);
}
