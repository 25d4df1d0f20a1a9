//! The pool itself: every access to its words and locks a step, and chance turned off.

use crate::models::{all, join, poll, some, spawn};
use crate::pool::{Get, Guard, Pool, Reset};
use norace_check::{RaceCell, choose};
use norace_prim::sync::Arc;
use norace_prim::thread;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

/// An object that sees races of its users.
#[derive(Default)]
struct Object(RaceCell<u32>);

impl Reset for Object {
    fn reset(&mut self) {
        self.0.set(0);
    }
}

fn pool(max: usize) -> Pool<Object> {
    Pool::builder(max).predictable().build(Object::default)
}

fn touch(object: &Object) {
    assert_eq!(object.0.replace(1), 0, "an object in use is another's, too");
}

#[test]
fn an_object_has_one_user_at_a_time() {
    all(|| {
        let pool = pool(2);
        let threads = spawn(2, |_| {
            let pool = pool.clone();
            move || touch(&pool.try_get().expect("there is one for each"))
        });
        join(threads);
        let seen = pool.metrics();
        assert_eq!((seen.live, seen.hits + seen.steals + seen.misses), (0, 2));
    });
}

#[test]
fn who_waits_gets_the_object_that_comes_back() {
    all(|| {
        let pool = pool(1);
        let guard = pool.try_get().unwrap().into_owned();
        let thread = thread::spawn(move || drop(guard));
        touch(&pool.get_blocking());
        thread.join().unwrap();
        let seen = pool.metrics();
        assert_eq!((seen.live, seen.idle, seen.misses, seen.waiting), (0, 1, 1, 0));
    });
}

#[test]
fn who_waits_may_make_an_object_for_one_that_is_gone() {
    all(|| {
        let pool = pool(1);
        let guard = pool.try_get().unwrap().into_owned();
        let thread = thread::spawn(move || {
            let _object = guard.detach();
        });
        touch(&pool.get_blocking());
        thread.join().unwrap();
        assert_eq!(pool.metrics().misses, 2);
    });
}

#[test]
fn two_that_wait_are_both_served() {
    some(|| {
        let pool = pool(1);
        let guard = pool.try_get().unwrap().into_owned();
        let threads = spawn(2, |_| {
            let pool = pool.clone();
            move || touch(&pool.get_blocking())
        });
        drop(guard);
        join(threads);
        assert_eq!(pool.metrics().misses, 1);
    });
}

#[test]
fn who_gives_up_passes_on_what_he_was_given() {
    all(|| {
        let pool = pool(1);
        let guard = pool.try_get().unwrap().into_owned();
        let mut first = pool.get();
        assert!(poll(&mut first).is_pending());
        let waits = {
            let pool = pool.clone();
            thread::spawn(move || touch(&pool.get_blocking()))
        };
        let returns = thread::spawn(move || drop(guard));
        if choose(2) == 0
            && let Poll::Ready(guard) = poll(&mut first)
        {
            touch(&guard);
        }
        drop(first);
        join([waits, returns]);
    });
}

#[test]
fn who_comes_later_waits_behind() {
    all(|| {
        let pool = pool(1);
        let guard = pool.try_get().unwrap().into_owned();
        let mut first = pool.get();
        assert!(poll(&mut first).is_pending());
        let thread = thread::spawn(move || drop(guard));
        assert!(pool.try_get().is_none(), "it overtook one that waits");
        thread.join().unwrap();
        assert!(poll(&mut first).is_ready());
    });
}

/// Two take objects of the four that lie at one seat, of eight, and keep them until a third, who waits, has one.
#[test]
fn thieves_lose_nothing() {
    some(|| {
        let pool = pool(8);
        let mut guards: Vec<_> = (0..8).map(|_| pool.try_get().unwrap().into_owned()).collect();
        guards.drain(..4).for_each(drop);
        let threads = spawn(2, |_| {
            let pool = pool.clone();
            move || {
                let guard = pool.try_get().map(Guard::into_owned);
                guard.iter().for_each(|guard| touch(guard));
                guard
            }
        });
        let mine = pool.get_blocking();
        touch(&mine);
        let theirs = join(threads);
        let seen = pool.metrics();
        assert_eq!(seen.dropped, 0);
        assert_eq!(seen.live, 5 + theirs.iter().flatten().count());
        assert_eq!((seen.live + seen.idle, seen.waiting), (8, 0));
    });
}

/// Panics when it is called.
struct Alarm;

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        panic!("alarm");
    }
}

fn calmly(act: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(act)) {
        // The checker ends executions by unwinding, too.
        if payload.downcast_ref::<&str>() != Some(&"alarm") {
            resume_unwind(payload);
        }
    }
}

fn poll_alarmed(get: &mut Get<'_, Object>) {
    let waker = Waker::from(Arc::new(Alarm));
    calmly(|| drop(Pin::new(get).poll(&mut Context::from_waker(&waker))));
}

/// Nothing is in use, nobody waits, and there may be as many objects as ever.
fn is_whole(pool: &Pool<Object>, max: usize) {
    let seen = pool.metrics();
    assert_eq!((seen.live, seen.waiting), (0, 0));
    let all: Vec<_> = (0..max).map(|_| pool.try_get()).collect();
    assert!(all.iter().all(Option::is_some));
}

#[test]
fn wakers_that_panic_cost_no_place_and_no_object() {
    for max in 1..=2 {
        some(move || {
            let pool = pool(max);
            let mut guards: Vec<_> =
                (0..max).map(|_| pool.try_get().unwrap().into_owned()).collect();
            let (mut first, mut second) = (pool.get(), pool.get());
            poll_alarmed(&mut first);
            let thread =
                thread::spawn(move || guards.drain(..).for_each(|guard| calmly(|| drop(guard))));
            poll_alarmed(&mut second);
            thread.join().unwrap();
            calmly(|| drop(first));
            calmly(|| drop(second));
            is_whole(&pool, max);
        });
    }
}

#[test]
fn wakers_that_panic_cost_no_object_that_has_no_room() {
    some(|| {
        let pool = Pool::builder(2).max_idle(1).predictable().build(Object::default);
        let guards: Vec<_> = (0..2).map(|_| pool.try_get().unwrap().into_owned()).collect();
        let mut first = pool.get();
        poll_alarmed(&mut first);
        let threads: Vec<_> =
            guards.into_iter().map(|guard| thread::spawn(move || calmly(|| drop(guard)))).collect();
        join(threads);
        calmly(|| drop(first));
        // No object is made after one is gone: it might be at the same address or not, and the checker would see a
        // difference.
        let seen = pool.metrics();
        assert_eq!((seen.live, seen.idle, seen.waiting), (0, 1, 0));
    });
}

#[test]
fn ageing_takes_nothing_from_who_waits() {
    all(|| {
        let pool = pool(1);
        drop(pool.try_get().unwrap());
        let thread = {
            let pool = pool.clone();
            thread::spawn(move || pool.age())
        };
        touch(&pool.get_blocking());
        thread.join().unwrap();
        assert_eq!(pool.metrics().live, 0);
    });
}

#[test]
fn ageing_lets_go_of_what_nobody_uses() {
    all(|| {
        let whole = Arc::new(());
        let held = whole.clone();
        let pool = Pool::builder(2).predictable().build(move || Some(held.clone()));
        drop((pool.try_get().unwrap(), pool.try_get().unwrap()));
        let thread = {
            let pool = pool.clone();
            thread::spawn(move || pool.age())
        };
        pool.age();
        thread.join().unwrap();
        let seen = pool.metrics();
        assert_eq!((seen.live, seen.idle, seen.dropped), (0, 0, 2));
    });
}
