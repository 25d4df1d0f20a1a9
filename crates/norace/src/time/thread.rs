//! The timer thread: serves the timers of everything that runs outside a runtime.
//!
//! Started by the first such timer, it ends after having been idle for a while and is started again when needed; a
//! process that only uses timers inside a runtime never has it. It also serves the queues of runtimes that have
//! shut down, so that a context or channel which outlives its runtime still meets its deadline.
//!
//! Protocol, all under the one lock of [`TimerThread`]: a kick adds the queue, sets `kicked` and starts the thread
//! unless it runs; the thread ends only when it finds `kicked` unset, and unsets `running` in the same step. A kick
//! therefore either meets a thread that will look again, or starts one.
//!
//! While it looks at the queues the thread has taken them out of the state; afterwards it puts back those that have a
//! timer left. One that has none waits for nobody, so its next timer kicks and brings it back.
//!
//! There is one for the process. A model has one of its own, made anew in each execution: whether another one's thread
//! runs says nothing about it.

use super::queue::{Kick, TimerQueue};
use norace_prim::probe;
use norace_prim::sync::{Arc, Condvar, LazyLock, Mutex, Weak, lock, wait_timeout};
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};
use std::task::Waker;

/// How long the thread stays without a timer to serve.
const LINGER: Duration = Duration::from_secs(1);

/// Timers fired per look at one queue, so that none waits for a long queue before it.
const BATCH: usize = norace_prim::model_or!(64, 2);

#[derive(Default)]
struct State {
    running: bool,
    kicked: bool,
    /// Those with a timer, and those that were kicked; empty while the thread looks at the former.
    queues: Vec<Arc<TimerQueue>>,
}

impl State {
    fn add(&mut self, queue: Arc<TimerQueue>) {
        if !self.queues.iter().any(|known| Arc::ptr_eq(known, &queue)) {
            self.queues.push(queue);
        }
    }
}

struct TimerThread {
    state: Mutex<State>,
    changed: Condvar,
    /// Of everybody outside a runtime.
    queue: Arc<TimerQueue>,
}

impl TimerThread {
    fn new() -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), queue: new_queue() }
    }

    /// That of the process, or of the model.
    fn get() -> &'static Self {
        static OF_PROCESS: LazyLock<TimerThread> = LazyLock::new(TimerThread::new);
        static OF_MODEL: LazyLock<TimerThread> = LazyLock::new(TimerThread::new);
        if probe::in_model() { &OF_MODEL } else { &OF_PROCESS }
    }
}

/// The queue that the timer thread serves.
pub(crate) fn queue() -> Arc<TimerQueue> {
    TimerThread::get().queue.clone()
}

/// A queue served by the timer thread.
fn new_queue() -> Arc<TimerQueue> {
    Arc::new_cyclic(|queue| TimerQueue::new(kick(queue.clone())))
}

/// The kick of a queue served here.
fn kick(queue: Weak<TimerQueue>) -> Kick {
    Arc::new(move || {
        if let Some(queue) = queue.upgrade() {
            serve(queue);
        }
    })
}

/// Makes the timer thread serve `queue` from now on.
#[cfg(feature = "rt")]
pub(crate) fn adopt(queue: &Arc<TimerQueue>) {
    queue.change_server(kick(Arc::downgrade(queue)));
}

/// Has the timer thread look at `queue`.
fn serve(queue: Arc<TimerQueue>) {
    let timers = TimerThread::get();
    let mut state = lock(&timers.state);
    state.add(queue);
    state.kicked = true;
    if state.running {
        timers.changed.notify_one();
        return;
    }
    state.running = true;
    drop(state);
    let run = || run(timers);
    if let Err(error) = thread::Builder::new().name("norace-timer".to_owned()).spawn(run) {
        lock(&timers.state).running = false;
        panic!("start the timer thread: {error}");
    }
}

fn run(timers: &TimerThread) {
    let mut due = Vec::new();
    let mut idle_since = None;
    loop {
        let mut queues = {
            let mut state = lock(&timers.state);
            state.kicked = false;
            std::mem::take(&mut state.queues)
        };
        let next = serve_once(&mut queues, &mut due);
        let now = Instant::now();
        let until = match next {
            Some(next) => {
                idle_since = None;
                next
            }
            None => *idle_since.get_or_insert(now) + LINGER,
        };
        let mut state = lock(&timers.state);
        queues.into_iter().for_each(|queue| state.add(queue));
        if state.kicked {
            continue;
        }
        if now < until {
            state = wait_timeout(&timers.changed, state, until - now).0;
        } else if next.is_none() {
            state.running = false;
            return;
        }
        drop(state);
    }
}

/// Fires what is due in each queue and notes the wait; the earliest deadline that is left. Queues without one go.
fn serve_once(queues: &mut Vec<Arc<TimerQueue>>, due: &mut Vec<Waker>) -> Option<Instant> {
    let mut next = None;
    queues.retain(|queue| {
        while queue.take_due(Instant::now(), due, BATCH) {
            wake_all(due);
        }
        wake_all(due);
        let until = queue.begin_wait();
        next = match (next, until) {
            (Some(a), Some(b)) => Some(std::cmp::min::<Instant>(a, b)),
            (a, b) => a.or(b),
        };
        until.is_some()
    });
    next
}

/// Wakes everybody; a waker that panics is its owner's bug and must not end the thread.
fn wake_all(due: &mut Vec<Waker>) {
    for waker in due.drain(..) {
        let wake = std::panic::AssertUnwindSafe(|| waker.wake());
        if let Err(payload) = std::panic::catch_unwind(wake) {
            std::mem::forget(payload);
        }
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
