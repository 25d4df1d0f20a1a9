//! A giver that panics leaves the line as it was.

use super::super::semaphore::Semaphore;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Waker};

fn panics<R>(body: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(body)).is_err()
}

#[test]
fn too_many_permits_are_refused_before_anybody_is_granted_some() {
    let semaphore = Semaphore::new(1);
    let mut two = semaphore.acquire_many(2);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut two).poll(&mut cx).is_pending());
    assert!(panics(|| semaphore.add(Semaphore::PERMITS_MAX + 2)));
    assert!(Pin::new(&mut two).poll(&mut cx).is_pending(), "nothing was given");
    drop(two);
    assert!(semaphore.try_acquire().is_ok(), "one is free and nobody waits");
}
