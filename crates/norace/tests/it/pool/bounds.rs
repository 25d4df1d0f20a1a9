//! How many objects there may be, and who waits for them.

use super::{builder, numbered, numbered_by};
use crate::support::{WakeCount, poll, poll_with};
use norace::pool::Pool;
use norace::{block_on, select};
use std::task::Poll;
use std::thread;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn no_more_than_max_live_are_in_use() {
    let pool = numbered(3);
    let guards: Vec<_> = (0..3).map(|_| pool.try_get().unwrap()).collect();
    assert!(pool.try_get().is_none());
    assert_eq!(pool.metrics().live, 3);
    drop(guards);
    assert_eq!((pool.metrics().live, pool.metrics().idle), (0, 3));
}

#[test]
fn no_more_than_max_idle_are_kept() {
    for max_idle in [1, 2, 3, 5, 8, 13] {
        let pool = numbered_by(builder(40).max_idle(max_idle));
        let guards: Vec<_> = (0..20).map(|_| pool.try_get().unwrap()).collect();
        drop(guards);
        let seen = pool.metrics();
        assert_eq!((seen.idle, seen.dropped), (max_idle, 20 - max_idle as u64));
        let again: Vec<_> = (0..max_idle).map(|_| pool.try_get().unwrap()).collect();
        assert_eq!(pool.metrics().misses, 20, "{} idle ones are found", again.len());
    }
}

#[test]
fn idle_objects_keep_nobody_waiting() {
    let pool = numbered(2);
    let guards = [pool.try_get().unwrap().into_owned(), pool.try_get().unwrap().into_owned()];
    thread::spawn(move || drop(guards)).join().unwrap();
    // Wherever they lie, they are found.
    let _both = (pool.try_get().unwrap(), pool.try_get().unwrap());
}

#[test]
fn an_unbounded_pool_makes_as_many_as_are_asked_for() {
    let pool = Pool::unbounded_builder().predictable().max_idle(10).build(|| None::<u8>);
    let guards: Vec<_> = (0..100).map(|_| pool.try_get().unwrap()).collect();
    assert_eq!(pool.metrics().live, 100);
    drop(guards);
    assert_eq!(pool.metrics().idle, 10);
}

#[test]
fn those_that_wait_are_served_first_come_first_served() {
    let pool = numbered(1);
    let guard = pool.try_get().unwrap();
    let (mut first, mut second) = (pool.get(), pool.get());
    let (woken, waker) = WakeCount::new();
    assert!(poll_with(&mut first, &waker).is_pending());
    assert!(poll(&mut second).is_pending());
    assert_eq!((woken.get(), pool.metrics().waiting), (0, 2));
    drop(guard);
    assert_eq!((woken.get(), pool.metrics().waiting), (1, 1));
    assert!(pool.try_get().is_none(), "nobody overtakes");
    assert!(poll(&mut second).is_pending());
    let Poll::Ready(guard) = poll(&mut first) else { panic!("it was given the object") };
    assert_eq!(guard.number, 0);
    drop(guard);
    assert!(poll(&mut second).is_ready());
}

#[test]
fn a_newcomer_waits_behind_the_line_also_when_it_may_wait() {
    let pool = numbered(1);
    let guard = pool.try_get().unwrap();
    let (mut first, mut second) = (pool.get(), pool.get());
    assert!(poll(&mut first).is_pending());
    drop(guard);
    assert!(poll(&mut second).is_pending(), "the object is the first one's");
    drop(first);
    assert!(poll(&mut second).is_ready(), "it was passed on");
}

#[test]
fn a_wait_that_is_given_up_loses_nothing() {
    let pool = numbered(1);
    let guard = pool.try_get().unwrap();
    let mut waits = pool.get();
    assert!(poll(&mut waits).is_pending());
    drop(waits);
    assert_eq!(pool.metrics().waiting, 0);
    let mut given = pool.get();
    assert!(poll(&mut given).is_pending());
    drop(guard);
    drop(given);
    assert_eq!((pool.metrics().idle, pool.metrics().live), (1, 0));
    assert_eq!(pool.try_get().unwrap().number, 0);
}

#[test]
fn a_right_that_is_given_up_is_passed_on() {
    let pool = numbered(1);
    let guard = pool.try_get().unwrap();
    let (mut first, mut second) = (pool.get(), pool.get());
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    let _ = guard.detach();
    drop(first);
    let Poll::Ready(guard) = poll(&mut second) else { panic!("it may make one") };
    assert_eq!((guard.number, pool.metrics().live), (1, 1));
}

#[test]
fn a_thread_sleeps_until_an_object_comes_back() {
    let pool = numbered(1);
    let guard = pool.try_get().unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| pool.get_blocking().number);
        while pool.metrics().waiting == 0 {
            thread::yield_now();
        }
        drop(guard);
        assert_eq!(waits.join().unwrap(), 0);
    });
}

#[test]
fn a_thread_sleeps_no_longer_than_it_said() {
    let pool = numbered(1);
    let guard = pool.get_timeout_blocking(LONG).unwrap();
    assert!(pool.get_timeout_blocking(SOON).is_none());
    assert!(pool.get_timeout_blocking(Duration::ZERO).is_none());
    assert_eq!(pool.metrics().waiting, 0);
    drop(guard);
    assert!(pool.get_timeout_blocking(Duration::ZERO).is_some());
}

#[test]
fn it_is_an_arm_of_a_select() {
    let pool = numbered(1);
    let guard = pool.try_get().unwrap();
    block_on(async {
        let timed_out = select! {
            _guard = pool.get() => false,
            () = norace::time::sleep(SOON) => true,
        };
        assert!(timed_out);
        drop(guard);
        let got = select! {
            guard = pool.get() => guard.number,
            () = norace::time::sleep(LONG) => 9,
        };
        assert_eq!(got, 0);
    });
}

#[test]
#[should_panic(expected = "a pool of no objects")]
fn a_pool_of_nothing_is_refused() {
    let _ = Pool::<String>::builder(0);
}

#[test]
#[should_panic(expected = "keeps no idle object")]
fn a_pool_that_keeps_nothing_is_refused() {
    let _ = Pool::<String>::builder(1).max_idle(0);
}
