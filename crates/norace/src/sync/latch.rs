//! The latch: something has happened, once and for all.

use super::event::{Event, Inside, Wait};
use crate::wait::{BlockedOn, block_for, block_on};
use norace_prim::atomic::{AtomicBool, Ordering};
use norace_prim::probe::{Effect, Kind, Site};
use norace_prim::time::Duration;
use std::pin::Pin;

/// What the checker calls it.
#[derive(Debug)]
pub struct LatchName;

impl Kind for LatchName {
    const WORD: &'static str = "latch";
    type Holds = bool;
}

/// A signal that is given once and stays: who waits goes on, who comes later does not wait.
///
/// ```
/// use norace::sync::Latch;
/// static READY: Latch = Latch::new();
/// let waiter = std::thread::spawn(|| READY.wait_blocking());
/// assert!(READY.set());
/// assert!(!READY.set()); // A second time is no error, and says so.
/// waiter.join().expect("waiting does not panic");
/// ```
///
/// # When to use it, and when not
///
/// Where Go closes a channel to say "it is so from now on". With a cause, children or a deadline it is a
/// [context](crate::context); with a value, a [`OnceCell`](crate::sync::OnceCell); what opens and closes is a
/// [`Gate`](crate::sync::Gate).
///
/// # Cost and ordering
///
/// Asking is one load, setting one exchange. What happened before [`set`](Self::set) happens before every wait ends and
/// before every [`is_set`](Self::is_set) that says so.
///
/// # Cancel safety
///
/// Waits may be dropped at any time.
#[derive(Debug)]
pub struct Latch {
    set: AtomicBool,
    event: Event<Self>,
}

impl Latch {
    /// A latch that is not set.
    #[cfg_attr(norace, track_caller)]
    pub const fn new() -> Self {
        Self { set: AtomicBool::new(false), event: Event::new() }
    }

    /// Sets it; false when it was set before.
    #[track_caller]
    pub fn set(&self) -> bool {
        self.event.change("set", Site::here(), |wakes| {
            // SeqCst: as the waiting protocol asks, see there; it includes the Release for who sees the latch set.
            if self.set.swap(true, Ordering::SeqCst) {
                return (Effect::Learned, false);
            }
            self.event.notify(wakes, |_| Some(()));
            (Effect::Changed, true)
        })
    }

    /// Whether it is set.
    #[track_caller]
    pub fn is_set(&self) -> bool {
        self.event.read("look at", Site::here(), || self.look(()).is_ok())
    }

    /// Waits until it is set.
    #[track_caller]
    pub fn wait(&self) -> Wait<'_, Self> {
        Wait::new(self, (), BlockedOn::Latch, Site::here())
    }

    /// As [`wait`](Self::wait); this thread sleeps. For plain threads.
    #[track_caller]
    pub fn wait_blocking(&self) {
        block_on(self.wait());
    }

    /// As [`wait_blocking`](Self::wait_blocking), for at most `timeout`; whether it is set.
    #[track_caller]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        block_for(Pin::new(&mut self.wait()), timeout).is_some()
    }
}

impl Default for Latch {
    #[cfg_attr(norace, track_caller)]
    fn default() -> Self {
        Self::new()
    }
}

impl Inside for Latch {
    type Asked = ();
    type Wish = ();
    type Answer = ();
    type Output = ();
    type Name = LatchName;

    fn event(&self) -> &Event<Self> {
        &self.event
    }

    fn look(&self, (): ()) -> Result<(), ()> {
        // SeqCst: as the waiting protocol asks; it includes the Acquire that pairs with the Release in set.
        if self.set.load(Ordering::SeqCst) { Ok(()) } else { Err(()) }
    }

    fn look_again(&self, _: &mut ()) -> Option<()> {
        self.look(()).ok()
    }

    fn output(&self, (): ()) {}
}
