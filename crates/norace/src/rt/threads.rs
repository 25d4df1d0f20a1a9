//! The threads of one runtime that are alive, so that a shutdown can wait for them, but not for ever.

use super::scheduler::Scheduler;
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait_timeout};
use norace_prim::thread::{Builder, JoinHandle};
use norace_prim::time::Instant;
use std::collections::HashMap;
use std::io;

#[derive(Default)]
struct State {
    next: u64,
    alive: HashMap<u64, Option<JoinHandle<()>>>,
    /// To be joined by others: an ended thread cannot join itself.
    ended: Vec<JoinHandle<()>>,
    /// How many starts are to fail, as if the system had no thread left.
    #[cfg(test)]
    #[cfg(norace)]
    refusals: u32,
}

/// Bounded by who starts threads: one per worker, one monitor, and the blocking pool's maximum.
pub(crate) struct Threads {
    state: Mutex<State>,
    changed: Condvar,
}

/// Tells that its thread ends, however it ends.
struct Alive {
    scheduler: Arc<Scheduler>,
    number: u64,
}

impl Drop for Alive {
    fn drop(&mut self) {
        let threads = &self.scheduler.threads;
        let mut state = lock(&threads.state);
        let handle = state.alive.remove(&self.number).flatten();
        state.ended.extend(handle);
        threads.changed.notify_all();
    }
}

impl Threads {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), changed: Condvar::new() }
    }

    /// Starts a thread of `scheduler`. Waits for nobody, so the caller may hold locks.
    pub(crate) fn start(
        scheduler: &Arc<Scheduler>,
        name: String,
        body: impl FnOnce(&Arc<Scheduler>) + Send + 'static,
    ) -> io::Result<()> {
        let threads = &scheduler.threads;
        let number = {
            let mut state = lock(&threads.state);
            #[cfg(test)]
            #[cfg(norace)]
            if state.refusals > 0 {
                state.refusals -= 1;
                return Err(io::Error::other("a model's system has no thread left"));
            }
            let number = state.next;
            state.next += 1;
            state.alive.insert(number, None);
            number
        };
        let alive = Alive { scheduler: scheduler.clone(), number };
        // When the thread cannot be started, the closure is dropped, and `alive` takes the number out again.
        let handle = Builder::new().name(name).spawn(move || body(&alive.scheduler))?;
        let mut state = lock(&threads.state);
        match state.alive.get_mut(&number) {
            Some(place) => *place = Some(handle),
            None => state.ended.push(handle),
        }
        Ok(())
    }

    /// Joins the threads that have ended. Not under a lock: what they do last may be foreign.
    pub(crate) fn join_ended(&self) {
        let ended = std::mem::take(&mut lock(&self.state).ended);
        for handle in ended {
            // A panic of a runtime's thread was reported by the panic hook, and its tasks were told by their cells.
            let _ = handle.join();
        }
    }

    /// Makes the next `count` starts fail.
    #[cfg(test)]
    #[cfg(norace)]
    pub(crate) fn refuse(&self, count: u32) {
        lock(&self.state).refusals = count;
    }

    /// Waits until all threads have ended or `deadline` has passed; whether they have.
    pub(crate) fn join(&self, deadline: Instant) -> bool {
        let mut state = lock(&self.state);
        loop {
            let now = Instant::now();
            if state.alive.is_empty() || now >= deadline {
                break;
            }
            state = wait_timeout(&self.changed, state, deadline - now).0;
        }
        let all = state.alive.is_empty();
        drop(state);
        self.join_ended();
        all
    }
}

#[cfg(all(test, norace))]
mod models;
