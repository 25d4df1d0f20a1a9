//! The timer thread: serves the timers of everything that runs outside a runtime.
//!
//! Started by the first such timer, it ends after having been idle for a while and is started again when needed; a
//! process that only uses timers inside a runtime never has it. It also serves the queues of runtimes that have
//! shut down, so that a context or channel which outlives its runtime still meets its deadline.
//!
//! Protocol, all under the one lock of [`THREAD`]: a kick adds the queue, sets `kicked` and starts the thread unless it
//! runs; the thread ends only when it finds `kicked` unset, and unsets `running` in the same step. A kick therefore
//! either meets a thread that will look again, or starts one.

use super::queue::{Kick, TimerQueue};
use norace_prim::sync::{Arc, Condvar, LazyLock, Mutex, Weak, lock, wait_timeout};
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};
use std::task::Waker;

/// How long the thread stays without a timer to serve.
const LINGER: Duration = Duration::from_secs(1);

/// Timers fired per look at one queue, so that none waits for a long queue before it.
const BATCH: usize = norace_prim::model_or!(64, 2);

struct State {
    running: bool,
    kicked: bool,
    queues: Vec<Arc<TimerQueue>>,
}

struct TimerThread {
    state: Mutex<State>,
    changed: Condvar,
}

static THREAD: TimerThread = TimerThread {
    state: Mutex::new(State { running: false, kicked: false, queues: Vec::new() }),
    changed: Condvar::new(),
};

static QUEUE: LazyLock<Arc<TimerQueue>> = LazyLock::new(new_queue);

/// The queue that the timer thread serves.
pub(crate) fn queue() -> Arc<TimerQueue> {
    QUEUE.clone()
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
    let mut state = lock(&THREAD.state);
    if !state.queues.iter().any(|known| Arc::ptr_eq(known, &queue)) {
        state.queues.push(queue);
    }
    state.kicked = true;
    if state.running {
        THREAD.changed.notify_one();
        return;
    }
    state.running = true;
    drop(state);
    if let Err(error) = thread::Builder::new().name("norace-timer".to_owned()).spawn(run) {
        lock(&THREAD.state).running = false;
        panic!("start the timer thread: {error}");
    }
}

fn run() {
    let mut due = Vec::new();
    let mut idle_since = None;
    loop {
        let queues = {
            let mut state = lock(&THREAD.state);
            state.kicked = false;
            state.queues.clone()
        };
        let next = serve_once(&queues, &mut due);
        let now = Instant::now();
        let until = match next {
            Some(next) => {
                idle_since = None;
                next
            }
            None => *idle_since.get_or_insert(now) + LINGER,
        };
        let mut state = lock(&THREAD.state);
        if state.kicked {
            continue;
        }
        if now < until {
            state = wait_timeout(&THREAD.changed, state, until - now).0;
        } else if next.is_none() {
            state.queues.clear();
            state.running = false;
            return;
        }
        drop(state);
    }
}

/// Fires what is due in each queue and notes the wait; the earliest deadline that is left.
fn serve_once(queues: &[Arc<TimerQueue>], due: &mut Vec<Waker>) -> Option<Instant> {
    let mut next = None;
    for queue in queues {
        while queue.take_due(Instant::now(), due, BATCH) {
            wake_all(due);
        }
        wake_all(due);
        next = match (next, queue.begin_wait()) {
            (Some(a), Some(b)) => Some(std::cmp::min::<Instant>(a, b)),
            (a, b) => a.or(b),
        };
    }
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
