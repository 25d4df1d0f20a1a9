//! Receivers that time feeds, or nobody.

use super::core::Core;
use super::recv::Receiver;
use super::state::{Put, State};
use crate::time::{Duration, Instant};
use crate::wait::Wakes;
use norace_prim::probe::Site;
use norace_prim::sync::{Arc, Weak};
use std::task::{Wake, Waker};

/// A receiver that gets one value, the time, when `duration` has passed from this call on, and then nothing more.
///
/// It does not close by itself: once its value is received, further receives wait for ever, as on Go's `time.After`.
/// Dropping it stops the timer. For one wait in one task [`time::sleep`](crate::time::sleep) is lighter.
///
/// ```
/// use norace::chan;
/// use norace::time::{Duration, Instant};
/// let start = Instant::now();
/// let fired = chan::after(Duration::from_millis(2)).recv_blocking().expect("nobody closes it");
/// assert!(fired - start >= Duration::from_millis(2));
/// ```
#[track_caller]
pub fn after(duration: Duration) -> Receiver<Instant> {
    feed(duration, None)
}

/// A receiver that gets the time every `period`, the first one `period` from now.
///
/// It holds one tick. Ticks for which there is no room, because the reader is slow, are dropped: the reader finds one
/// that waited, and the next comes at its usual time. It does not close by itself; dropping it stops the
/// timer.
///
/// # Panics
///
/// When `period` is zero.
///
/// ```
/// use norace::chan;
/// use std::time::Duration;
/// let ticks = chan::tick(Duration::from_millis(1));
/// assert_eq!(ticks.iter().take(3).count(), 3);
/// ```
#[track_caller]
pub fn tick(period: Duration) -> Receiver<Instant> {
    assert!(!period.is_zero(), "a tick every zero seconds was asked for");
    feed(period, Some(period))
}

/// A receiver that never gets a value and does not close by itself: an arm of a select that is switched off, as a nil
/// channel in Go.
///
/// ```
/// use norace::chan::{self, TryRecvError};
/// assert_eq!(chan::never::<u8>().try_recv(), Err(TryRecvError::Empty));
/// ```
#[track_caller]
pub fn never<T>() -> Receiver<T> {
    // The core counts a sender that does not exist, so it does not close by itself.
    Receiver::new(Arc::new(Core::new(Some(0))))
}

/// A receiver fed by a timer. The core counts one sender, the feed, which never leaves.
#[track_caller]
fn feed(first: Duration, period: Option<Duration>) -> Receiver<Instant> {
    let core = Arc::new(Core::new(Some(1)));
    if let Some(deadline) = Instant::now().checked_add(first) {
        let feed = Feed { core: Arc::downgrade(&core), deadline, period };
        // What is due is there at once, for who asks only once.
        if deadline <= Instant::now() {
            Arc::new(feed).wake();
        } else {
            feed.arm(&core);
        }
    }
    Receiver::new(core)
}

/// What the timer calls. The core owns the timer, the timer owns this, and this finds the core while it lives.
struct Feed {
    core: Weak<Core<Instant>>,
    deadline: Instant,
    period: Option<Duration>,
}

impl Feed {
    fn arm(self, core: &Core<Instant>) {
        let deadline = self.deadline;
        core.arm_timer(deadline, Waker::from(Arc::new(self)));
    }
}

impl Wake for Feed {
    fn wake(self: Arc<Self>) {
        let Some(core) = self.core.upgrade() else { return };
        let now = Instant::now();
        // Full: the reader is slow and this tick is dropped. Closed: the reader wants no more.
        let put = |state: &mut State<Instant>, wakes: &mut Wakes| state.put(now, None, wakes);
        let closed = matches!(core.attempt("tick", Site::here(), put, Put::effect), Put::Closed(_));
        let Some(period) = self.period.filter(|_| !closed) else { return };
        // The next multiple of the period that is still to come; the ones that passed meanwhile are dropped.
        let late = now.saturating_duration_since(self.deadline);
        let missed = late.as_nanos() / period.as_nanos();
        let skip = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
        let next = period.checked_mul(skip).and_then(|gap| self.deadline.checked_add(gap));
        if let Some(deadline) = next {
            Self { core: self.core.clone(), deadline, period: Some(period) }.arm(&core);
        }
    }
}

#[cfg(all(test, norace))]
mod models;
