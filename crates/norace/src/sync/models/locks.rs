//! Mutexes, semaphores and once cells as their users see them; the line behind them has models of its own.

use crate::models::{all, join, poll, some, spawn};
use crate::sync::{Mutex, OnceCell, Semaphore, SetError, TryAcquireError};
use crate::wait::block_on;
use norace_check::{RaceCell, Tracked, choose};
use norace_prim::sync::Arc;
use norace_prim::thread;
use norace_prim::time::Duration;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

const SOON: Duration = Duration::from_millis(1);

#[test]
fn a_mutex_lets_one_at_a_time_at_its_data() {
    let model = |threads| {
        move || {
            let mutex = Arc::new(Mutex::new(0));
            join(spawn(threads, |_| {
                let mutex = mutex.clone();
                move || *mutex.lock_blocking() += 1
            }));
            assert_eq!(*mutex.try_lock().expect("nobody has it"), threads);
        }
    };
    all(model(2));
    some(model(3));
}

#[test]
fn a_lock_that_is_given_up_or_out_of_time_goes_to_the_next() {
    all(|| {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.clone().try_lock_owned().expect("nobody has it");
        let mut quits = mutex.clone().lock_owned();
        assert!(poll(&mut quits).is_pending());
        let other = {
            let mutex = mutex.clone();
            thread::spawn(move || *mutex.lock_blocking() += 1)
        };
        drop(guard);
        if choose(2) == 1 {
            drop(poll(&mut quits));
        }
        drop(quits);
        other.join().unwrap();
        assert_eq!(*mutex.lock_blocking(), 1);
    });
}

#[test]
fn a_mutex_is_locked_in_time_or_not_at_all() {
    all(|| {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.clone().try_lock_owned().expect("nobody has it");
        let other = {
            let mutex = mutex.clone();
            thread::spawn(move || mutex.lock_timeout(SOON).map(|mut guard| *guard += 1).is_some())
        };
        drop(guard);
        let locked = other.join().unwrap();
        assert_eq!(*mutex.try_lock().expect("it was given back"), i32::from(locked));
    });
}

#[test]
fn a_semaphore_bounds_how_many_are_inside() {
    all(|| {
        let semaphore = Arc::new(Semaphore::new(2));
        let cell = Arc::new(RaceCell::new(0));
        let heavy = {
            let (semaphore, cell) = (semaphore.clone(), cell.clone());
            thread::spawn(move || {
                let _both = semaphore.acquire_blocking(2).unwrap();
                cell.update(|n| n + 1);
            })
        };
        {
            let _one = semaphore.acquire_blocking(1).unwrap();
            cell.update(|n| n + 1);
        }
        heavy.join().unwrap();
        assert_eq!((cell.get(), semaphore.available()), (2, 2));
    });
}

#[test]
fn permits_that_are_added_forgotten_or_split_are_counted() {
    all(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let adder = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.add(1))
        };
        let mut both = semaphore.clone().acquire_many_owned(2);
        let both = match poll(&mut both) {
            std::task::Poll::Ready(both) => both,
            std::task::Poll::Pending => block_on(both),
        };
        let mut both = both.unwrap();
        let one = both.split(1).expect("it has two");
        both.forget();
        assert!(matches!(semaphore.try_acquire(), Err(TryAcquireError::NoPermits)));
        drop(one);
        adder.join().unwrap();
        assert_eq!(semaphore.available(), 1);
    });
}

/// One makes the value as `make` says, or fails to, and another needs it.
fn made_by_one_of_two(fail: fn(&OnceCell<Box<RaceCell<u32>>>)) {
    let cell = Arc::new(OnceCell::new());
    let fails = {
        let cell = cell.clone();
        thread::spawn(move || fail(&cell))
    };
    let made = Arc::new(RaceCell::new(0));
    let value = {
        let cell = cell.clone();
        let made = made.clone();
        thread::spawn(move || {
            let value = cell.get_or_init_blocking(|| {
                made.update(|times| times + 1);
                Box::new(RaceCell::new(7))
            });
            value.get()
        })
    };
    assert_eq!(join([value]), [7]);
    join([fails]);
    assert_eq!((made.get(), cell.get().map(|value| value.get())), (1, Some(7)));
}

#[test]
fn a_turn_that_fails_goes_to_the_next() {
    all(|| {
        made_by_one_of_two(|cell| {
            let made = block_on(pin!(cell.get_or_try_init(|| ready(Err(())))));
            assert!(made.is_err() || made.is_ok_and(|value| value.get() == 7));
        });
    });
}

#[test]
fn a_turn_that_is_cancelled_goes_to_the_next() {
    all(|| {
        made_by_one_of_two(|cell| {
            let mut never = Box::pin(cell.get_or_init(std::future::pending));
            let polled = never.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending() || cell.get().is_some());
        });
    });
}

#[test]
fn a_turn_that_panics_goes_to_the_next() {
    all(|| {
        made_by_one_of_two(|cell| {
            let made = catch_unwind(AssertUnwindSafe(|| {
                cell.get_or_init_blocking(|| resume_unwind(Box::new("the making failed"))).get()
            }));
            assert!(made.is_err() || made.is_ok_and(|value| value == 7));
        });
    });
}

#[test]
fn a_value_is_set_once_and_dropped_once() {
    all(|| {
        let cell = Arc::new(OnceCell::new());
        let other = {
            let cell = cell.clone();
            thread::spawn(move || match cell.set(Tracked::new(1)) {
                Ok(()) => true,
                Err(SetError::Occupied(_) | SetError::InTheMaking(_)) => false,
            })
        };
        let mut mine = false;
        cell.get_or_init_blocking(|| {
            mine = true;
            Tracked::new(2)
        });
        assert!(other.join().unwrap() ^ mine);
    });
}
