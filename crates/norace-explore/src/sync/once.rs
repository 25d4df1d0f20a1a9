//! One-time initialisation, as [`std::sync::Once`].

use std::fmt;
use std::sync::PoisonError;

use crate::current;
use crate::event::Class;
use crate::meta::Meta;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Condvar, Mutex};

const META: Meta = Meta::plain(Class::Mutex, "once");

const INCOMPLETE: u8 = 0;
const POISONED: u8 = 1;
const COMPLETE: u8 = 2;

/// [`std::sync::Once`], instrumented.
///
/// Made of an atomic, a lock and a condition variable, so that what a model did is forgotten when the next execution
/// begins.
pub struct Once {
    state: AtomicU8,
    /// Held while the closure runs; how many wait without running it.
    running: Mutex<u32>,
    /// The end of a closure for which somebody waits.
    ended: Condvar,
}

/// What the closure of [`Once::call_once_force`] is told.
#[derive(Debug)]
pub struct OnceState {
    poisoned: bool,
}

impl OnceState {
    /// As `std`'s.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

/// Stores how the closure ended, also when it panicked.
struct Finish<'a> {
    once: &'a Once,
    to: u8,
    is_awaited: bool,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `is_completed`, so that who sees the end sees what the closure did.
        self.once.state.store(self.to, Ordering::Release);
        if self.is_awaited {
            self.once.ended.notify_all();
        }
    }
}

impl Once {
    /// As `std`'s.
    #[track_caller]
    pub const fn new() -> Self {
        let running = Mutex::with_meta(0, &META);
        Self { state: AtomicU8::new(INCOMPLETE), running, ended: Condvar::new() }
    }

    /// As `std`'s.
    ///
    /// # Panics
    ///
    /// When an earlier call panicked.
    #[track_caller]
    pub fn call_once(&self, run: impl FnOnce()) {
        self.call(|state| {
            assert!(!state.is_poisoned(), "the Once was poisoned by an earlier panic");
            run();
        });
    }

    /// As `std`'s.
    #[track_caller]
    pub fn call_once_force(&self, run: impl FnOnce(&OnceState)) {
        self.call(|state| run(&state));
    }

    /// As `std`'s.
    #[track_caller]
    pub fn is_completed(&self) -> bool {
        // Acquire: pairs with the Release in `Finish`.
        self.state.load(Ordering::Acquire) == COMPLETE
    }

    /// As `std`'s.
    ///
    /// # Panics
    ///
    /// When a call panicked.
    #[track_caller]
    pub fn wait(&self) {
        let state = self.wait_for(|state| state != INCOMPLETE);
        assert!(state != POISONED, "the Once was poisoned by an earlier panic");
    }

    /// As `std`'s.
    #[track_caller]
    pub fn wait_force(&self) {
        self.wait_for(|state| state == COMPLETE);
    }

    /// Waits until the state is `wanted`, or the execution is unwound; which it is.
    #[track_caller]
    fn wait_for(&self, wanted: impl Fn(u8) -> bool) -> u8 {
        if self.is_completed() {
            return COMPLETE;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        let state = loop {
            // Relaxed: written under the lock.
            let state = self.state.load(Ordering::Relaxed);
            if wanted(state) || current::is_tearing_down() {
                break state;
            }
            running = self.ended.wait(running).unwrap_or_else(PoisonError::into_inner);
        };
        *running -= 1;
        state
    }

    /// Whether it has run; for who owns it, no step.
    pub(super) fn is_completed_mut(&mut self) -> bool {
        *self.state.get_mut() == COMPLETE
    }

    #[track_caller]
    fn call(&self, run: impl FnOnce(OnceState)) {
        if self.is_completed() {
            return;
        }
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: written under the lock.
        let state = self.state.load(Ordering::Relaxed);
        if state != COMPLETE {
            let mut finish = Finish { once: self, to: POISONED, is_awaited: *running > 0 };
            run(OnceState { poisoned: state == POISONED });
            finish.to = COMPLETE;
        }
    }
}

impl Default for Once {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}
