//! Mutexes, semaphores and once cells.

use crate::support::{LiveCount, WakeCount, poll, poll_with};
use norace::block_on;
use norace::sync::{
    AcquireError, AcquireTimeoutError, Guard, Mutex, OnceCell, Semaphore, SetError, TryAcquireError,
};
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(1);

fn is_send_and_sync<T: Send + Sync>(_: &T) {}

#[test]
fn a_mutex_is_locked_by_one() {
    let mut mutex = Mutex::new(String::from("a"));
    {
        let mut guard = mutex.try_lock().unwrap();
        is_send_and_sync(&guard);
        guard.push('b');
        assert!(mutex.try_lock().is_none() && mutex.lock_timeout(SOON).is_none());
        assert_eq!(format!("{mutex:?}"), "Mutex { locked: true, .. }");
        assert_eq!((format!("{guard:?}"), format!("{guard}")), ("\"ab\"".into(), "ab".into()));
        assert!(std::ptr::eq(*Guard::mutex(&guard), &mutex));
    }
    mutex.get_mut().push('c');
    assert_eq!(*mutex.lock_blocking(), "abc");
    assert_eq!(mutex.into_inner(), "abc");
}

#[test]
fn a_mutex_can_hold_what_has_no_size() {
    let mutex: Arc<Mutex<[u32]>> = Arc::new(Mutex::new([1, 2, 3]));
    mutex.clone().try_lock_owned().unwrap()[1] = 7;
    assert_eq!(*block_on(mutex.lock_owned()), [1, 7, 3]);
}

#[test]
fn a_panic_unlocks_and_leaves_the_data_as_it_is() {
    let mutex = Mutex::new(1);
    let panics = AssertUnwindSafe(|| {
        *mutex.lock_blocking() = 2;
        let _guard = mutex.lock_blocking();
        resume_unwind(Box::new(()));
    });
    assert!(catch_unwind(panics).is_err());
    assert_eq!(*mutex.try_lock().expect("no poisoning"), 2);
}

#[test]
fn waiters_get_the_lock_in_their_order_and_one_is_woken_at_a_time() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let (woken, waker) = WakeCount::new();
            let mut lock = mutex.lock();
            assert!(poll_with(&mut lock, &waker).is_pending());
            (woken, lock)
        })
        .collect();
    drop(guard);
    let woken: Vec<_> = waiters.iter().map(|(woken, _)| woken.get()).collect();
    assert_eq!(woken, [1, 0, 0]);
    for (woken, mut lock) in waiters {
        assert_eq!(woken.get(), 1);
        assert!(poll(&mut lock).is_ready(), "the guard is dropped at once");
    }
    assert!(mutex.try_lock().is_some());
}

#[test]
fn the_first_in_line_is_overtaken_a_bounded_number_of_times() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut waits = mutex.lock();
    assert!(poll(&mut waits).is_pending());
    drop(guard);
    let overtook = std::iter::from_fn(|| mutex.try_lock().map(drop)).count();
    let bound = if cfg!(norace) { 1 } else { 16 };
    assert_eq!(overtook, bound);
    assert!(poll(&mut waits).is_ready());
}

#[test]
fn a_woken_lock_that_is_dropped_wakes_the_next() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let (woken, waker) = WakeCount::new();
    let mut first = mutex.lock();
    let mut second = mutex.lock();
    assert!(poll(&mut first).is_pending() && poll_with(&mut second, &waker).is_pending());
    drop(guard);
    assert_eq!(woken.get(), 0);
    drop(first);
    assert_eq!(woken.get(), 1);
    assert!(poll(&mut second).is_ready());
}

#[test]
fn permits_are_taken_and_come_back() {
    let semaphore = Arc::new(Semaphore::new(3));
    let mut two = semaphore.try_acquire_many(2).unwrap();
    assert_eq!(semaphore.try_acquire_many(2).err(), Some(TryAcquireError::NoPermits));
    assert_eq!(semaphore.acquire_timeout(2, SOON).err(), Some(AcquireTimeoutError::Timeout));
    assert!(two.split(3).is_none());
    let one = two.split(1).unwrap();
    assert_eq!((one.count(), two.count(), semaphore.available()), (1, 1, 1));
    one.forget();
    drop(two);
    assert_eq!(semaphore.available(), 2);
    semaphore.add(3);
    let owned = semaphore.clone().try_acquire_owned(5).unwrap();
    is_send_and_sync(&owned);
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 0, closed: false, .. }");
    drop(owned);
    assert_eq!(block_on(semaphore.clone().acquire_many_owned(5)).unwrap().count(), 5);
    assert_eq!(block_on(semaphore.acquire_owned()).unwrap().count(), 1);
}

#[test]
fn who_wants_many_is_served_before_who_wants_few_and_came_later() {
    let semaphore = Semaphore::new(1);
    let (woken, waker) = WakeCount::new();
    let mut many = semaphore.acquire_many(3);
    let mut few = semaphore.acquire();
    assert!(poll_with(&mut many, &waker).is_pending());
    assert!(poll_with(&mut few, &waker).is_pending());
    assert_eq!(semaphore.try_acquire().err(), Some(TryAcquireError::NoPermits));
    semaphore.add(1);
    assert_eq!(woken.get(), 0, "nobody is woken for nothing");
    semaphore.add(1);
    assert_eq!(woken.get(), 1);
    let Poll::Ready(Ok(many)) = poll(&mut many) else { panic!("it has its three") };
    drop(many);
    assert_eq!(woken.get(), 2);
    assert!(poll(&mut few).is_ready());
    assert_eq!(semaphore.available(), 3);
}

#[test]
fn an_acquire_that_is_dropped_frees_the_way() {
    let semaphore = Semaphore::new(1);
    let (woken, waker) = WakeCount::new();
    let mut many = semaphore.acquire_many(2);
    let mut few = semaphore.acquire();
    assert!(poll(&mut many).is_pending() && poll_with(&mut few, &waker).is_pending());
    drop(many);
    assert_eq!(woken.get(), 1);
    // What was granted and not looked at goes back.
    drop(few);
    assert_eq!(semaphore.available(), 1);
    assert!(semaphore.try_acquire().is_ok());
}

#[test]
fn a_closed_semaphore_refuses_and_takes_permits_back() {
    let semaphore = Semaphore::new(1);
    let permit = semaphore.try_acquire().unwrap();
    let (woken, waker) = WakeCount::new();
    let mut waits = semaphore.acquire();
    assert!(poll_with(&mut waits, &waker).is_pending());
    assert!(semaphore.close() && !semaphore.close() && semaphore.is_closed());
    assert_eq!(woken.get(), 1);
    assert!(matches!(poll(&mut waits), Poll::Ready(Err(AcquireError))));
    drop(permit);
    assert_eq!(semaphore.available(), 1);
    assert_eq!(semaphore.try_acquire().err(), Some(TryAcquireError::Closed));
    assert_eq!(semaphore.acquire_blocking(1).err(), Some(AcquireError));
    assert_eq!(semaphore.acquire_timeout(1, SOON).err(), Some(AcquireTimeoutError::Closed));
}

#[test]
fn more_permits_than_fit_are_refused_and_break_nothing() {
    let semaphore = Semaphore::new(Semaphore::PERMITS_MAX);
    let add = AssertUnwindSafe(|| semaphore.add(1));
    assert!(catch_unwind(add).is_err());
    assert_eq!(semaphore.available(), Semaphore::PERMITS_MAX);
    drop(semaphore.try_acquire_many(Semaphore::PERMITS_MAX).unwrap());
    assert!(poll(&mut semaphore.acquire_many(usize::MAX)).is_pending());
    assert!(catch_unwind(|| Semaphore::new(usize::MAX)).is_err());
}

#[test]
fn a_once_cell_is_made_once() {
    let live = LiveCount::default();
    let cell = OnceCell::new();
    assert!(cell.get().is_none());
    block_on(async {
        let first = cell.get_or_init(|| async { live.value() }).await;
        let second = cell.get_or_init(|| async { unreachable!("it is there") }).await;
        assert!(std::ptr::eq(first, second));
    });
    assert!(matches!(cell.set(live.value()), Err(SetError::Occupied(_))));
    assert_eq!(live.get(), 1);
    drop(cell.into_inner());
    assert_eq!(live.get(), 0);
}

#[test]
fn a_making_that_is_cancelled_fails_or_panics_leaves_it_to_the_next() {
    let cell = OnceCell::new();
    let (woken, waker) = WakeCount::new();
    let mut first = Box::pin(cell.get_or_init(std::future::pending));
    let mut second = Box::pin(cell.get_or_try_init(|| ready(Err("failed"))));
    let mut third = Box::pin(cell.get_or_init(|| async { resume_unwind(Box::new(())) }));
    let mut fourth = Box::pin(cell.get_or_init(|| ready(4)));
    let mut fifth = Box::pin(cell.get_or_init(|| ready(5)));
    assert!(poll(&mut first).is_pending());
    assert!(poll_with(&mut second, &waker).is_pending());
    assert!(poll_with(&mut third, &waker).is_pending());
    assert!(poll_with(&mut fourth, &waker).is_pending());
    assert!(poll_with(&mut fifth, &waker).is_pending());
    assert_eq!(cell.set(9), Err(SetError::InTheMaking(9)));
    drop(first);
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut second), Poll::Ready(Err("failed")));
    assert_eq!(woken.get(), 2);
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut third))).is_err());
    assert_eq!(woken.get(), 3);
    assert_eq!(poll(&mut fourth), Poll::Ready(&4));
    assert_eq!(poll(&mut fifth), Poll::Ready(&4));
    assert_eq!(cell.get(), Some(&4));
}

#[test]
fn a_once_cell_is_made_on_a_thread_while_others_wait() {
    let cell = OnceCell::new();
    thread::scope(|scope| {
        for number in 0..4 {
            let cell = &cell;
            scope.spawn(move || {
                let made = cell.get_or_init_blocking(|| number);
                assert_eq!(Some(made), cell.get());
            });
        }
    });
    let made = *cell.get().unwrap();
    assert_eq!(block_on(pin!(cell.get_or_init(|| ready(9)))), &made);
    assert_eq!(format!("{cell:?}"), format!("OnceCell(Some({made}))"));
}
