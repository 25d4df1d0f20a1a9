//! Running a future on a plain thread, which sleeps while the future waits.
//!
//! The thread looks for a wake for a moment (`Sleeper::look`), then parks. The waker unparks it (`std`'s park token),
//! and a thread that comes out of its sleep polls again, whatever woke it: other users of the token cost one extra
//! poll. A wait inside a wait (a poll or a waker that blocks in turn) that has slept may have taken the outer one's
//! token for its own; so it leaves one behind when it ends. One that was ready at once has taken none and must leave
//! none, or an outer wait with such polls would never sleep.

#[cfg(feature = "rt")]
use super::blocked::take;
use crate::budget;
use crate::select::SelectId;
use norace_prim::atomic::{AtomicBool, Ordering};
use norace_prim::hint::spin_loop;
use norace_prim::sync::Arc;
use norace_prim::thread::{self, Thread};
use norace_prim::thread_local;
use norace_prim::time::{Duration, Instant};
use std::cell::{Cell, OnceCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker};

/// Pauses in which a thread that is about to park looks for a wake: about as long as it takes to fall asleep and be
/// woken, so that looking in vain costs no more than twice what was due anyway. Some 25 µs.
const LOOKS: u32 = 1024;

/// Looking changes nothing but time, and is left out of models.
const LOOKS_FIRST: bool = norace_prim::model_or!(true, false);

/// Parks in a row that a thread does not look before, at most, since looking was in vain.
const LONGEST_RESPITE: u32 = 63;

/// A thread as wakers know it.
struct Sleeper {
    thread: Thread,
    /// It was woken since it last began a poll. A hint: that there is a wake says the token.
    woken: AtomicBool,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.thread.unpark();
        if LOOKS_FIRST {
            // Relaxed: a hint.
            self.woken.store(true, Ordering::Relaxed);
        }
    }
}

thread_local! {
    static SLEEPER: OnceCell<Arc<Sleeper>> = const { OnceCell::new() };
    static WAITS: Cell<u32> = const { Cell::new(0) };
    static RESPITE: Cell<Respite> = const { Cell::new(Respite::NONE) };
}

/// For how many parks a thread does not look for wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Respite {
    left: u32,
    length: u32,
}

impl Respite {
    const NONE: Self = Self { left: 0, length: 0 };

    /// After a park before which the thread looks by `look`, unless it has a respite.
    fn next(self, look: impl FnOnce() -> bool) -> Self {
        if self.left > 0 {
            return Self { left: self.left - 1, ..self };
        }
        if look() {
            return Self::NONE;
        }
        let length = LONGEST_RESPITE.min(2 * self.length + 1);
        Self { left: length, length }
    }
}

impl Sleeper {
    /// This thread's.
    fn current() -> Arc<Self> {
        let new = || Arc::new(Self { thread: thread::current(), woken: AtomicBool::new(false) });
        // While thread-locals are being destroyed there is no cache, and none is needed.
        SLEEPER.try_with(|sleeper| sleeper.get_or_init(new).clone()).unwrap_or_else(|_| new())
    }

    /// A poll begins: what woke the thread before is over.
    fn begin_poll(&self) {
        if LOOKS_FIRST {
            // Relaxed: a hint.
            self.woken.store(false, Ordering::Relaxed);
        }
    }

    /// Gives whoever is about to wake this thread a moment, so that neither side needs the system for it. Where that is
    /// in vain (nothing comes so soon, or whoever would wake it needs this processor) it is done more and more rarely.
    fn look(&self) {
        if LOOKS_FIRST {
            let next = |respite: &Cell<Respite>| {
                respite.set(respite.get().next(|| self.is_woken_soon()));
            };
            // While thread-locals are being destroyed nobody looks.
            let _ = RESPITE.try_with(next);
        }
    }

    fn is_woken_soon(&self) -> bool {
        (0..LOOKS).any(|_| {
            spin_loop();
            // Relaxed: a hint.
            self.woken.load(Ordering::Relaxed)
        })
    }
}

/// A waker that unparks this thread.
#[cfg(feature = "rt")]
pub(crate) fn thread_waker() -> Waker {
    Sleeper::current().into()
}

/// One of the waits of this thread that may be inside each other.
struct Wait {
    outer: u32,
    slept: bool,
}

impl Wait {
    fn begin() -> Self {
        let outer = WAITS.try_with(|waits| waits.replace(waits.get() + 1)).unwrap_or(0);
        Self { outer, slept: false }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let _ = WAITS.try_with(|waits| waits.set(self.outer));
        if self.outer > 0 && self.slept {
            thread::current().unpark();
        }
    }
}

/// Runs `future` on this thread, which sleeps whenever the future waits.
///
/// Needs no runtime and starts none: right for channels, contexts, timers and selects on plain threads. Not for
/// tasks: the worker that runs the task would sleep, too.
///
/// ```
/// let (tx, rx) = norace::chan::bounded(1);
/// let sum = norace::block_on(async {
///     tx.send(20).await?;
///     Ok::<_, norace::chan::SendError<u32>>(rx.recv().await.expect("the sender is alive") + 1)
/// });
/// assert_eq!(sum, Ok(21));
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    match block_until(pin!(future), None) {
        Some(output) => output,
        None => unreachable!("a wait without a deadline ends with the future"),
    }
}

/// Runs `future` until it is ready, for at most `timeout` from now on.
pub(crate) fn block_for<F: Future>(future: Pin<&mut F>, timeout: Duration) -> Option<F::Output> {
    block_until(future, Instant::now().checked_add(timeout))
}

/// Runs `future` until it is ready or `deadline` has passed.
///
/// It is polled once more when time is up. What came between the last poll and the deadline would be missed otherwise;
/// and a select that polls its arms one after the other has seen all of them at one moment, between two polls, only
/// when it was polled twice.
fn block_until<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    let sleeper = Sleeper::current();
    let waker = Waker::from(sleeper.clone());
    let mut wait = Wait::begin();
    let mut cx = Context::from_waker(&waker);
    let mut time_is_up = false;
    loop {
        sleeper.begin_poll();
        // Neither the budget of a task that blocks its worker here (once spent it would never come back) nor the select
        // in which somebody blocks is this future's.
        let poll = || budget::with(|| future.as_mut().poll(&mut cx));
        #[cfg(feature = "rt")]
        take();
        if let Poll::Ready(output) = SelectId::during(None, poll) {
            return Some(output);
        }
        if time_is_up {
            return None;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            time_is_up = true;
            continue;
        }
        sleeper.look();
        wait.slept = true;
        #[cfg(feature = "rt")]
        let _asleep = crate::rt::asleep::falls_asleep(take());
        match left {
            Some(left) => thread::park_timeout(left),
            None => thread::park(),
        }
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
