//! Subscriptions, polled by hand.

use crate::support::{WakeCount, poll, poll_with};
use norace::config::{Closed, Hot};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

#[test]
fn only_a_change_of_the_part_wakes() {
    let hot = Hot::new((0, "a"));
    let mut names = hot.subscribe(|pair| pair.1);
    let (woken, waker) = WakeCount::new();
    let mut changed = names.changed();
    assert!(poll_with(&mut changed, &waker).is_pending());
    for number in 1..10 {
        let Ok(_) = hot.publish((number, "a"));
    }
    assert_eq!(woken.get(), 0);
    let Ok(_) = hot.publish((10, "b"));
    assert_eq!(woken.get(), 1);
    let Ok(_) = hot.publish((11, "c"));
    assert_eq!(woken.get(), 1, "nobody waits any more");
    let Poll::Ready(Ok(part)) = poll(&mut changed) else { panic!("it has changed") };
    assert_eq!((*part, part.version()), ("c", 12), "the changes are one");
    drop(changed);
    assert!(poll(&mut names.changed()).is_pending());
}

#[test]
fn what_has_changed_before_the_wait_is_there_at_once() {
    let hot = Hot::new(1);
    let mut changes = hot.subscribe(|value| *value);
    assert!(changes.try_changed().unwrap().is_none());
    let Ok(_) = hot.publish(2);
    assert_eq!(*changes.changed_blocking().unwrap(), 2);
    let Ok(_) = hot.publish(3);
    assert_eq!(*changes.current(), 3);
    assert!(changes.try_changed().unwrap().is_none(), "it was seen");
}

#[test]
fn a_wait_that_is_dropped_leaves_no_waker_and_has_seen_nothing() {
    let hot = Hot::new(1);
    let mut changes = hot.subscribe(|value| *value);
    let (woken, waker) = WakeCount::new();
    assert!(poll_with(&mut changes.changed(), &waker).is_pending());
    let Ok(_) = hot.publish(2);
    assert_eq!(woken.get(), 0);
    assert_eq!(*changes.try_changed().unwrap().unwrap(), 2);
}

#[test]
fn the_end_comes_after_the_last_change() {
    let hot = Hot::new(1);
    let mut changes = hot.subscribe(|value| *value);
    let (woken, waker) = WakeCount::new();
    let clone = hot.clone();
    let Ok(_) = hot.publish(2);
    drop(hot);
    assert_eq!(*changes.changed_blocking().unwrap(), 2);
    let mut changed = changes.changed();
    assert!(poll_with(&mut changed, &waker).is_pending());
    drop(clone);
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut changed).map(|part| part.map(|part| *part)), Poll::Ready(Err(Closed)));
    drop(changed);
    assert!(matches!(changes.try_changed(), Err(Closed)));
    assert_eq!(*changes.current(), 2);
}

#[test]
fn a_projection_that_panics_keeps_the_value_from_nobody() {
    let hot = Hot::new(1);
    let _bad = hot.subscribe(|value| assert_ne!(*value, 2, "a projection's panic"));
    let mut good = hot.subscribe(|value| *value);
    let published = catch_unwind(AssertUnwindSafe(|| hot.publish(2)));
    assert!(published.is_err());
    assert_eq!((*hot.load(), *good.changed_blocking().unwrap()), (2, 2));
}

#[test]
fn a_projection_may_use_the_value_itself() {
    let hot = Hot::new(1);
    let inner = hot.clone();
    let mut changes = hot.subscribe(move |value| value + *inner.load());
    let Ok(_) = hot.publish(2);
    assert_eq!(*changes.changed_blocking().unwrap(), 4);
}
