//! Tasks and threads that lock, wait and give up at random, on an executor that knows nothing of the kit.

use crate::support::Pool;
use norace::prim::rand::below;
use norace::sync::{Latch, Mutex, Semaphore, WaitGroup};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

const TASKS: u64 = 24;
const ROUNDS: u64 = 300;

/// Lets others run.
async fn yields() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What `future` gives within `polls` polls.
async fn within<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(value) = polled {
            return Some(value);
        }
        yields().await;
    }
    None
}

#[test]
fn locks_that_are_given_up_at_random_lose_nothing() {
    let mutex = Arc::new(Mutex::new(0_u64));
    let locked = Arc::new(AtomicU64::new(0));
    Pool::run(3, |pool| {
        for _ in 0..TASKS {
            let (mutex, locked) = (mutex.clone(), locked.clone());
            pool.spawn(async move {
                for _ in 0..ROUNDS {
                    let guard = match below(3) {
                        0 => Some(mutex.lock().await),
                        1 => within(below(3), mutex.lock()).await,
                        _ => mutex.try_lock(),
                    };
                    if let Some(mut guard) = guard {
                        let seen = *guard;
                        if below(4) == 0 {
                            yields().await;
                        }
                        *guard = seen + 1;
                        // Relaxed: a count, read after the join.
                        locked.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // Relaxed: as above.
    assert_eq!(*mutex.try_lock().unwrap(), locked.load(Ordering::Relaxed));
}

#[test]
fn permits_that_are_given_up_at_random_all_come_back() {
    let semaphore = Arc::new(Semaphore::new(5));
    let inside = Arc::new(AtomicU64::new(0));
    Pool::run(3, |pool| {
        for _ in 0..TASKS {
            let (semaphore, inside) = (semaphore.clone(), inside.clone());
            pool.spawn(async move {
                for _ in 0..ROUNDS {
                    let count = usize::try_from(below(5)).unwrap() + 1;
                    let permit = match below(3) {
                        0 => semaphore.acquire_many(count).await.ok(),
                        1 => within(below(3), semaphore.acquire_many(count))
                            .await
                            .and_then(Result::ok),
                        _ => semaphore.try_acquire_many(count).ok(),
                    };
                    if let Some(permit) = permit {
                        let weight = permit.count() as u64;
                        // SeqCst: a count that is compared.
                        let before = inside.fetch_add(weight, Ordering::SeqCst);
                        assert!(before + weight <= 5);
                        if below(4) == 0 {
                            yields().await;
                        }
                        // SeqCst: as above.
                        inside.fetch_sub(weight, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(semaphore.available(), 5);
    assert!(semaphore.try_acquire_many(5).is_ok());
}

#[test]
fn tasks_and_threads_meet_at_a_latch_and_leave_a_group() {
    let (latch, group) = (Arc::new(Latch::new()), WaitGroup::new());
    Pool::run(2, |pool| {
        for _ in 0..TASKS {
            let (latch, member) = (latch.clone(), group.add());
            pool.spawn(async move {
                latch.wait().await;
                member.done();
            });
        }
        let (latch, group) = (latch.clone(), group.clone());
        pool.spawn(async move {
            yields().await;
            latch.set();
            group.wait().await;
        });
    });
    group.wait_blocking();
    assert!(latch.is_set());
}
