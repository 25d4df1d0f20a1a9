//! What comes back is used again, and clean.

use super::{builder, numbered};
use norace::pool::{Guard, OwnedGuard, Pool, Reset};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::thread;

#[test]
fn the_object_that_came_back_last_is_used_first() {
    let pool = numbered(8);
    let [a, b, c] = [(); 3].map(|()| pool.try_get().unwrap());
    assert_eq!([a.number, b.number, c.number], [0, 1, 2]);
    drop(b);
    drop(a);
    drop(c);
    let again = [(); 4].map(|()| pool.try_get().unwrap());
    assert_eq!(again.each_ref().map(|guard| guard.number), [2, 0, 1, 3]);
}

#[test]
fn an_object_is_reset_when_it_comes_back() {
    let pool = numbered(1);
    pool.try_get().unwrap().dirt = true;
    assert_eq!(*pool.try_get().unwrap(), super::Numbered { number: 0, dirt: false });
}

#[test]
fn what_is_not_worth_keeping_is_dropped() {
    let pool = builder(1).build(Vec::<u8>::new);
    pool.try_get().unwrap().reserve_exact(1 << 20);
    assert_eq!((pool.metrics().idle, pool.metrics().dropped), (1, 0));
    pool.try_get().unwrap().reserve_exact((1 << 20) + 1);
    assert_eq!((pool.metrics().idle, pool.metrics().dropped), (0, 1));

    let pool = builder(1).keep(|buffer: &String| buffer.capacity() <= 10).build(String::new);
    pool.try_get().unwrap().push_str("0123456789");
    assert_eq!(pool.metrics().idle, 1);
    pool.try_get().unwrap().push_str("0123456789a");
    assert_eq!(pool.metrics().idle, 0);
}

#[test]
fn a_guard_that_shares_the_pool_outlives_the_handle_and_the_thread() {
    let pool = numbered(2);
    let guard: OwnedGuard<_> = pool.try_get().unwrap().into_owned();
    let other = pool.clone();
    drop(pool);
    let guard = thread::spawn(move || guard).join().unwrap();
    assert_eq!(guard.pool().metrics().live, 1);
    drop(guard);
    assert_eq!((other.metrics().live, other.metrics().idle), (0, 1));
    assert_eq!(other.try_get().unwrap().into_owned().detach().number, 0);
}

#[test]
fn what_another_thread_returned_is_found() {
    let pool = numbered(8);
    let guards: Vec<_> = (0..8).map(|_| pool.try_get().unwrap().into_owned()).collect();
    thread::spawn(move || drop(guards)).join().unwrap();
    let mut numbers: Vec<_> = (0..8).map(|_| pool.try_get().unwrap().into_owned()).collect();
    numbers.sort_by_key(|guard| guard.number);
    assert!(numbers.iter().map(|guard| guard.number).eq(0..8));
    let seen = pool.metrics();
    assert_eq!((seen.misses, seen.hits + seen.steals), (8, 8));
}

#[test]
fn a_detached_object_does_not_count() {
    let pool = numbered(1);
    let guard = pool.try_get().unwrap();
    assert!(pool.try_get().is_none());
    assert_eq!(guard.detach().number, 0);
    assert_eq!(pool.metrics().live, 0);
    assert_eq!(pool.try_get().unwrap().number, 1);
    assert_eq!(pool.metrics().dropped, 0);
}

#[test]
fn prefilled_objects_are_hits() {
    let pool = numbered_in_three();
    assert_eq!(pool.prefill(2), 2);
    assert_eq!(pool.prefill(9), 1, "as many as may lie idle");
    assert_eq!((pool.metrics().idle, pool.metrics().misses), (3, 0));
    drop(pool.try_get().unwrap());
    assert_eq!(pool.metrics().misses, 0);
    assert_eq!(numbered(2).prefill(9), 2, "as many as may live");
}

fn numbered_in_three() -> Pool<super::Numbered> {
    super::numbered_by(builder(8).max_idle(3))
}

#[test]
fn collections_are_emptied_and_keep_their_memory() {
    fn empties<T: Reset + Send + 'static>(filled: T, is_empty: impl Fn(&T) -> bool) {
        let mut object = filled;
        assert!(!object.is_fresh() && object.keep());
        object.reset();
        assert!(is_empty(&object) && object.is_fresh());
    }
    empties(vec![1], |all| all.is_empty() && all.capacity() > 0);
    empties(String::from("a"), |all| all.is_empty() && all.capacity() > 0);
    empties(VecDeque::from([1]), |all| all.is_empty() && all.capacity() > 0);
    empties(BinaryHeap::from([1]), |all| all.is_empty() && all.capacity() > 0);
    empties(HashMap::from([(1, 2)]), |all| all.is_empty() && all.capacity() > 0);
    empties(HashSet::from([1]), |all| all.is_empty() && all.capacity() > 0);
    empties(BTreeMap::from([(1, 2)]), BTreeMap::is_empty);
    empties(BTreeSet::from([1]), BTreeSet::is_empty);
    empties([0, 7], |array| *array == [0, 0]);
    empties(Some(1), Option::is_none);
    empties(Box::new(vec![1]), |all| all.is_empty());
}

#[test]
fn guards_go_where_their_objects_may_go() {
    fn sends<T: Send>() {}
    fn shares<T: Sync>() {}
    sends::<Pool<std::cell::Cell<u8>>>();
    shares::<Pool<std::cell::Cell<u8>>>();
    sends::<Guard<'_, Vec<std::cell::Cell<u8>>>>();
    sends::<OwnedGuard<Vec<std::cell::Cell<u8>>>>();
    shares::<OwnedGuard<Vec<u8>>>();
}

#[test]
fn it_says_what_it_holds() {
    let pool = builder(1).build(|| vec![7_u8; 0]);
    let guard = pool.try_get().unwrap();
    assert_eq!(format!("{guard:?}"), "Guard([])");
    assert!(format!("{pool:?}").contains("live: 1"));
    assert_eq!(format!("{:?}", pool.get()), "Get { waits: false, .. }");
}
