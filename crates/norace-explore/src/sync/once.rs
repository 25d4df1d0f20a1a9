//! One-time initialisation, as [`std::sync::Once`].

use std::fmt;
use std::sync::PoisonError;

use crate::event::Class;
use crate::meta::Meta;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, Ordering};

const META: Meta = Meta::plain(Class::Mutex, "once");

const INCOMPLETE: u8 = 0;
const POISONED: u8 = 1;
const COMPLETE: u8 = 2;

/// [`std::sync::Once`], instrumented.
///
/// Made of an atomic and a lock, so that what a model did is forgotten when the next execution begins.
pub struct Once {
    state: AtomicU8,
    /// Held while the closure runs.
    running: Mutex<()>,
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
    state: &'a AtomicU8,
    to: u8,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `is_completed`, so that who sees the end sees what the closure did.
        self.state.store(self.to, Ordering::Release);
    }
}

impl Once {
    /// As `std`'s.
    #[track_caller]
    pub const fn new() -> Self {
        let running = Mutex::with_meta((), &META);
        Self { state: AtomicU8::new(INCOMPLETE), running }
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

    /// Whether it has run; for who owns it, no step.
    pub(super) fn is_completed_mut(&mut self) -> bool {
        *self.state.get_mut() == COMPLETE
    }

    #[track_caller]
    fn call(&self, run: impl FnOnce(OnceState)) {
        if self.is_completed() {
            return;
        }
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: written under the lock.
        let state = self.state.load(Ordering::Relaxed);
        if state != COMPLETE {
            let mut finish = Finish { state: &self.state, to: POISONED };
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
