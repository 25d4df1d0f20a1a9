//! One timer: what `sleep`, context deadlines and timer channels are made of.

use super::queue::{Key, TimerQueue};
use norace_prim::probe::{self, Alarm, Level};
use norace_prim::sync::Arc;
use norace_prim::time::Instant;
use std::task::{Context, Poll, Waker};

/// A deadline and, once somebody waits for it, its place in a queue. Dropping it cancels it.
///
/// Inside a runtime it is served by the runtime's netpoller, elsewhere by the timer thread; which one is decided
/// when it is armed. In a model of an application the checker itself serves it. It never fires early.
#[derive(Debug)]
pub(crate) struct Timer {
    deadline: Instant,
    armed: Option<Armed>,
}

/// Who fires a timer.
#[derive(Debug)]
enum Armed {
    Queue(Arc<TimerQueue>, Key),
    /// The checker; and whom that wakes.
    Alarm(Alarm, Waker),
}

impl Timer {
    /// A timer that costs nothing until it is polled.
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { deadline, armed: None }
    }

    /// A timer that calls `waker` once the deadline has passed, unless it is dropped before.
    pub(crate) fn arm(deadline: Instant, waker: Waker) -> Self {
        let armed = alarm(deadline, &waker).unwrap_or_else(|| {
            let queue = current_queue();
            let key = queue.insert(deadline, waker);
            Armed::Queue(queue, key)
        });
        Self { deadline, armed: Some(armed) }
    }

    /// The instant at which it fires.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Sets another deadline.
    pub(crate) fn reset(&mut self, deadline: Instant) {
        self.cancel();
        self.deadline = deadline;
    }

    /// Ready from the deadline on; until then `cx`'s waker, and only the latest one, is called at the deadline.
    pub(crate) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let elapsed = match &self.armed {
            Some(Armed::Alarm(alarm, waker)) if waker.will_wake(cx.waker()) => alarm.has_fired(),
            _ => self.deadline <= Instant::now(),
        };
        if elapsed {
            self.cancel();
            return Poll::Ready(());
        }
        let waiting = match &self.armed {
            Some(Armed::Queue(queue, key)) => queue.set_waker(*key, cx.waker()),
            Some(Armed::Alarm(_, waker)) => waker.will_wake(cx.waker()),
            None => false,
        };
        if !waiting {
            // Never armed, or fired a moment before the clock above was read on another thread.
            *self = Self::arm(self.deadline, cx.waker().clone());
        }
        Poll::Pending
    }

    fn cancel(&mut self) {
        if let Some(Armed::Queue(queue, key)) = self.armed.take() {
            queue.remove(key);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// The checker's own timer, in a model of an application.
fn alarm(deadline: Instant, waker: &Waker) -> Option<Armed> {
    if probe::level() != Some(Level::App) {
        return None;
    }
    let wakes = waker.clone();
    let alarm = Alarm::set(deadline, move || wakes.wake()).ok()?;
    Some(Armed::Alarm(alarm, waker.clone()))
}

/// The queue of the runtime this thread works for, or that of the timer thread.
fn current_queue() -> Arc<TimerQueue> {
    #[cfg(feature = "rt")]
    if let Some(queue) = crate::rt::current::timers() {
        return queue;
    }
    super::thread::queue()
}
