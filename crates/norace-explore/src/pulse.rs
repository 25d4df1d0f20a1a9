//! Signs of life of the model that runs, for a watchdog on another thread.
//!
//! A model that blocks in something that the explorer does not control never comes back to it. The watchdog sees that
//! the number of steps does not move, and can say after which operation.

use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::finding::Place;

/// Steps of all models so far; even while none runs.
static STEPS: AtomicU64 = AtomicU64::new(0);

/// Where the running thread was last seen.
static PLACE: AtomicPtr<Location<'static>> = AtomicPtr::new(ptr::null_mut());

/// What a watchdog sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Changes with every step.
    pub beat: u64,
    /// The operation at which the thread that runs was last seen.
    pub place: Option<Place>,
}

/// The pulse of the model that runs in this process; none while none does.
pub fn pulse() -> Option<Pulse> {
    // Relaxed: compared with an earlier one; a watchdog may be late.
    let beat = STEPS.load(Ordering::Relaxed);
    if beat.is_multiple_of(2) {
        return None;
    }
    // Relaxed: it points to a constant of the program.
    let place = PLACE.load(Ordering::Relaxed);
    #[expect(unsafe_code, reason = "a reference is passed through an atomic")]
    // SAFETY: only references that live as long as the program are stored.
    let place = unsafe { place.as_ref() };
    Some(Pulse { beat, place })
}

/// Beats until it is dropped.
pub(crate) struct Beating;

pub(crate) fn begin() -> Beating {
    // Relaxed: as in `pulse`; one model runs at a time, so nobody else stores.
    STEPS.store(STEPS.load(Ordering::Relaxed) | 1, Ordering::Relaxed);
    Beating
}

impl Drop for Beating {
    fn drop(&mut self) {
        // Relaxed: as in `begin`.
        STEPS.store(STEPS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// The running thread came to `place`.
#[inline]
pub(crate) fn beat(place: Place) {
    // Relaxed: as in `begin`.
    STEPS.store(STEPS.load(Ordering::Relaxed) + 2, Ordering::Relaxed);
    // Relaxed: as in `pulse`.
    PLACE.store(ptr::from_ref(place).cast_mut(), Ordering::Relaxed);
}
