//! The gate: open or closed, again and again.

use super::event::{Event, Inside, Wait};
use crate::wait::{BlockedOn, block_for, block_on};
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::probe::{Effect, Kind, Site};
use norace_prim::time::Duration;
use std::fmt;
use std::pin::Pin;

/// What the checker calls it.
#[derive(Debug)]
pub struct GateName;

impl Kind for GateName {
    const WORD: &'static str = "gate";
    type Holds = bool;
}

/// A signal that can be given and taken back: who comes while it is open goes through, who comes while it is closed
/// waits for the next opening.
///
/// ```
/// use norace::sync::Gate;
/// let traffic = Gate::new(false);
/// let mut waits = traffic.wait();
/// # use std::{future::Future, pin::Pin, task::{Context, Waker}};
/// # let mut cx = Context::from_waker(Waker::noop());
/// assert!(Pin::new(&mut waits).poll(&mut cx).is_pending());
/// traffic.open();
/// traffic.close(); // Too quick for it to see, and yet:
/// assert!(Pin::new(&mut waits).poll(&mut cx).is_ready());
/// assert!(!traffic.is_open());
/// ```
///
/// # When to use it, and when not
///
/// To pause and resume workers, or, by [`pulse`](Self::pulse), to let go whoever waits now. For one time only there is
/// the [`Latch`](crate::sync::Latch); to let through one at a time, a [`Semaphore`](crate::sync::Semaphore).
///
/// # What a wait sees
///
/// A wait that has begun, that is, was polled once, ends with the next opening, however soon the gate closes again.
/// By the time the waiter runs the gate may be closed.
///
/// # Cost and ordering
///
/// Asking is one load, opening and closing one exchange. An opening happens before the waits that it ends, and before
/// every [`is_open`](Self::is_open) that says so. The openings and closings are counted in 63 bits: a million a second
/// for 290,000 years.
///
/// # Cancel safety
///
/// Waits may be dropped at any time.
pub struct Gate {
    /// How often it was opened or closed; odd while it is open.
    moves: AtomicU64,
    event: Event<Self>,
}

impl Gate {
    /// A gate.
    #[cfg_attr(norace, track_caller)]
    pub const fn new(open: bool) -> Self {
        Self { moves: AtomicU64::new(open as u64), event: Event::new() }
    }

    /// Opens it; false when it was open.
    #[track_caller]
    pub fn open(&self) -> bool {
        self.advance("open", Site::here(), |moves| (!is_open(moves)).then_some(moves + 1))
    }

    /// Closes it; false when it was closed.
    #[track_caller]
    pub fn close(&self) -> bool {
        self.advance("close", Site::here(), |moves| is_open(moves).then_some(moves + 1))
    }

    /// Opens and closes it in one step: who waits goes through, who comes later waits. False, and nothing happens, when
    /// it was open.
    #[track_caller]
    pub fn pulse(&self) -> bool {
        self.advance("pulse", Site::here(), |moves| (!is_open(moves)).then_some(moves + 2))
    }

    /// Whether it is open.
    #[track_caller]
    pub fn is_open(&self) -> bool {
        self.event.read("look at", Site::here(), || is_open(self.moves()))
    }

    /// Waits until it is open, or has been since the wait began.
    #[track_caller]
    pub fn wait(&self) -> Wait<'_, Self> {
        Wait::new(self, (), BlockedOn::Gate, Site::here())
    }

    /// As [`wait`](Self::wait); this thread sleeps. For plain threads.
    #[track_caller]
    pub fn wait_blocking(&self) {
        block_on(self.wait());
    }

    /// As [`wait_blocking`](Self::wait_blocking), for at most `timeout`; whether it was open.
    #[track_caller]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        block_for(Pin::new(&mut self.wait()), timeout).is_some()
    }

    fn moves(&self) -> u64 {
        // SeqCst: as the waiting protocol asks, see there; it includes the Acquire that pairs with the Release in
        // advance.
        self.moves.load(Ordering::SeqCst)
    }

    fn advance(&self, what: &'static str, site: Site, next: impl Fn(u64) -> Option<u64>) -> bool {
        self.event.change(what, site, |wakes| {
            let mut moves = self.moves();
            loop {
                let Some(after) = next(moves) else { return (Effect::Learned, false) };
                let (success, failure) = (Ordering::SeqCst, Ordering::Acquire);
                // SeqCst: as the waiting protocol asks; it includes the Release for who goes through. Acquire: as
                // there.
                match self.moves.compare_exchange(moves, after, success, failure) {
                    Ok(_) => break,
                    Err(now) => moves = now,
                }
            }
            if !is_open(moves) {
                self.event.notify(wakes, |since| (*since <= moves).then_some(()));
            }
            (Effect::Changed, true)
        })
    }
}

fn is_open(moves: u64) -> bool {
    moves % 2 == 1
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("open", &is_open(self.moves())).finish_non_exhaustive()
    }
}

impl Inside for Gate {
    type Asked = ();
    /// The moves when the wait began, when it was closed.
    type Wish = u64;
    type Answer = ();
    type Output = ();
    type Name = GateName;

    fn event(&self) -> &Event<Self> {
        &self.event
    }

    fn look(&self, (): ()) -> Result<(), u64> {
        let moves = self.moves();
        if is_open(moves) { Ok(()) } else { Err(moves) }
    }

    fn look_again(&self, since: &mut u64) -> Option<()> {
        // Every move from a closed gate opens it.
        (self.moves() != *since).then_some(())
    }

    fn output(&self, (): ()) {}
}
