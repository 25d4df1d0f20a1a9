//! Taking a lock that is held for a few dozen instructions at a time, by somebody who runs.

use norace_prim::hint::spin_loop;
use norace_prim::sync::{Mutex, MutexGuard, PoisonError, TryLockError, lock};

/// Pauses before the second attempt, twice as many before each further one. Some 2 µs: longer than a few sections, so
/// that whoever has the lock gets on with its work, shorter than a system call to sleep and its wake.
const FIRST: u32 = 64;

/// Pauses between two attempts, at most.
const LONGEST: u32 = 1024;

/// Attempts before the thread sleeps; some 80 µs if nobody lets go.
const ATTEMPTS: u32 = 6;

/// What only changes when a thread gets a lock is left out of models.
const PATIENT: bool = norace_prim::model_or!(true, false);

/// As [`lock`], but spins longer and more rarely before it sleeps.
///
/// A mutex lets its threads sleep after a few hundred nanoseconds, which under load means a system call for each side
/// of each operation. Here a thread that finds the lock taken looks again after a pause that doubles each time, as
/// Anderson proposes ("The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors", 1990). Meanwhile
/// the other one makes many operations in a row on memory that stays in its cache: faster for both than taking turns.
///
/// When the holder is not running (it was preempted, or shares the processor) the thread sleeps in the end.
///
/// It changes when a thread gets the lock, not what may happen, so in models it is [`lock`].
#[inline]
#[cfg_attr(norace, track_caller)]
pub(crate) fn lock_patiently<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    if !PATIENT {
        return lock(mutex);
    }
    attempt(mutex).unwrap_or_else(|| contend(mutex))
}

#[inline]
fn attempt<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(PoisonError::into_inner(poisoned)),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cold]
fn contend<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    let mut pauses = FIRST;
    for _ in 0..ATTEMPTS {
        for _ in 0..pauses {
            spin_loop();
        }
        if let Some(guard) = attempt(mutex) {
            return guard;
        }
        pauses = LONGEST.min(2 * pauses);
    }
    lock(mutex)
}

#[cfg(test)]
mod tests;
