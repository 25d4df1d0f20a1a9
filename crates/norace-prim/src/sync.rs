//! Locks and shared ownership, as in [`std::sync`].
//!
//! `Arc` and `Weak` are `std`'s in models, too, and the checker does not see them: it neither tries other orders of
//! their counts (who drops the last one, whether `try_unwrap` or `upgrade` succeeds) nor takes a drop for something
//! that orders threads. Data handed on through `Arc::get_mut` alone is reported as a race although it is none.
//!
//! Of what `std`'s locks can do in ordinary builds, `RwLockWriteGuard::downgrade` is missing in models, which have no
//! step that lets readers in and no writer. Code that uses it does not compile there.

#[cfg(norace)]
pub use norace_explore::sync::{
    Barrier, BarrierWaitResult, Condvar, LazyLock, Mutex, MutexGuard, Once, OnceLock, OnceState,
    RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
};
pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak};
#[cfg(not(norace))]
pub use std::sync::{
    Barrier, BarrierWaitResult, Condvar, LazyLock, Mutex, MutexGuard, Once, OnceLock, OnceState,
    RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult,
};

/// Locks `mutex` and looks past poisoning.
///
/// For critical sections in which no foreign code runs and which leave no half-made state behind: poisoning would only
/// turn one panic into many.
#[inline]
#[cfg_attr(norace, track_caller)]
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits on `condvar` and looks past poisoning; see [`lock`].
#[inline]
#[cfg_attr(norace, track_caller)]
pub fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits on `condvar` for at most `timeout` and looks past poisoning; true when the time ran out.
#[inline]
#[cfg_attr(norace, track_caller)]
pub fn wait_timeout<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: crate::time::Duration,
) -> (MutexGuard<'a, T>, bool) {
    let (guard, result) =
        condvar.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner);
    (guard, result.timed_out())
}
