//! Who sleeps, who searches, and whom to wake: the sleep protocol.
//!
//! A worker without work *searches* (steals), at most one at a time, then *sleeps*. Who makes a task visible to others
//! wakes one sleeper, unless somebody searches already: that one will find it. The danger is the gap between a worker's
//! last look and its sleep. It is closed by both sides writing before they look:
//!
//! | who makes work visible | who goes to sleep |
//! | --- | --- |
//! | P1. puts the task into a queue, where others see it | S1. enters the list of sleepers, gives up searching |
//! | P2. reads `hint`: somebody sleeps and nobody searches? | S2. looks at all queues |
//! | P3. if so makes one sleeper the searcher, unparks it | S3. work: leaves the list to search, unless another does |
//!
//! The write of P1 (a ring's tail, the injector's top), the load of P2 (`hint`), the store of S1 (`hint`) and the loads
//! of S2 are all `SeqCst`, so they have one order. If P2 precedes S1 in it, P1 precedes S2, and the sleeper sees the
//! task; otherwise P2 sees the sleeper, or a searcher. In the latter case the task is that searcher's: a searcher ends
//! its search only by S1, after which it looks again (S2), or by finding a task, after which it looks whether more is
//! visible and wakes the next one. A worker in S3 that leaves the task to another searcher relies on the same promise.
//!
//! While a worker takes tasks from the injector, S2 and a searcher's look find nothing there: what is left is that
//! worker's to announce. P1' is its giving up the right to take, `SeqCst` as well; then it looks, and does P2 and P3 if
//! tasks are left. Who found the right taken did so before P1', after its own S1 or end of search, which P2 therefore
//! sees.
//!
//! The list and the flag `searching` change under one lock; `hint` is a copy of both for P2, written under that
//! lock. A `runnext` slot is not visible work: filling an empty one wakes nobody, its owner runs it next. If the
//! owner does not get there, the stall monitor (`rt/monitor.rs`) wakes a sleeper, who finds it on the last pass of
//! its search.
//!
//! The stall monitor sleeps under the same lock, so that the first worker to leave the list wakes it without a gap.

use super::park::Parker;
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, MutexGuard, lock, wait, wait_timeout};
use norace_prim::time::Duration;

/// In `hint`: a worker searches. The bits above count the sleepers.
const SEARCHING: usize = 1;

#[derive(Default)]
struct State {
    /// Woken from the end; whoever sleeps in the netpoller is at the front, so that it is woken last.
    sleepers: Vec<Arc<Parker>>,
    searching: bool,
    monitor_asleep: bool,
    stopping: bool,
}

pub(crate) struct Idle {
    workers: usize,
    state: Mutex<State>,
    hint: AtomicUsize,
    monitor: Condvar,
}

/// What a worker learns when it goes to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// It is in the list.
    Listed,
    /// The runtime stops: it must not sleep.
    Stopping,
}

impl Idle {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            workers,
            state: Mutex::default(),
            hint: AtomicUsize::new(0),
            monitor: Condvar::new(),
        }
    }

    fn publish(&self, state: &State) {
        let hint = state.sleepers.len() << 1 | usize::from(state.searching);
        // SeqCst: S1 of the protocol above.
        self.hint.store(hint, Ordering::SeqCst);
    }

    fn hint(&self) -> usize {
        // SeqCst: P2 of the protocol above.
        self.hint.load(Ordering::SeqCst)
    }

    /// Whether a worker sleeps while none searches.
    pub(crate) fn wants_wake(&self) -> bool {
        let hint = self.hint();
        hint & SEARCHING == 0 && hint > 0
    }

    /// P2 and P3: wakes one sleeper as the searcher, unless there is a searcher or no sleeper. True when it woke one.
    pub(crate) fn wake_one(&self) -> bool {
        if !self.wants_wake() {
            return false;
        }
        let mut state = lock(&self.state);
        if state.searching {
            return false;
        }
        let Some(sleeper) = state.sleepers.pop() else { return false };
        state.searching = true;
        self.publish(&state);
        self.rouse_monitor(&mut state);
        drop(state);
        sleeper.unpark();
        true
    }

    /// Makes the caller the searcher, unless another worker is.
    pub(crate) fn try_search(&self) -> bool {
        if self.hint() & SEARCHING != 0 {
            return false;
        }
        let mut state = lock(&self.state);
        let first = !state.searching;
        state.searching = true;
        self.publish(&state);
        first
    }

    /// The searcher has found a task. It has to look for more visible work afterwards.
    pub(crate) fn end_search(&self) {
        let mut state = lock(&self.state);
        state.searching = false;
        self.publish(&state);
    }

    /// S1: enters the list; `searching` tells whether the caller was the searcher, which it no longer is.
    pub(crate) fn announce(&self, me: &Arc<Parker>, in_driver: bool, searching: bool) -> Announced {
        let mut state = lock(&self.state);
        state.searching &= !searching;
        let announced = if state.stopping {
            Announced::Stopping
        } else {
            let at = if in_driver { 0 } else { state.sleepers.len() };
            state.sleepers.insert(at, me.clone());
            Announced::Listed
        };
        self.publish(&state);
        announced
    }

    /// Leaves the list; true when the caller had been chosen by `wake_one` and is the searcher now.
    pub(crate) fn retract(&self, me: &Arc<Parker>) -> bool {
        let mut state = lock(&self.state);
        let chosen = !Self::unlist(&mut state, me) && !state.stopping;
        self.publish(&state);
        self.rouse_monitor(&mut state);
        chosen
    }

    /// S3: leaves the list to search; false when another worker searches, and the caller stays in the list.
    pub(crate) fn retract_to_search(&self, me: &Arc<Parker>) -> bool {
        let mut state = lock(&self.state);
        let listed = state.sleepers.iter().any(|sleeper| Arc::ptr_eq(sleeper, me));
        if listed && state.searching {
            return false;
        }
        if listed {
            Self::unlist(&mut state, me);
            state.searching = true;
            self.publish(&state);
            self.rouse_monitor(&mut state);
        }
        true
    }

    fn unlist(state: &mut State, me: &Arc<Parker>) -> bool {
        let at = state.sleepers.iter().position(|sleeper| Arc::ptr_eq(sleeper, me));
        if let Some(at) = at {
            state.sleepers.remove(at);
        }
        at.is_some()
    }

    /// Wakes everybody for good.
    pub(crate) fn stop(&self) {
        let mut state = lock(&self.state);
        state.stopping = true;
        let sleepers = std::mem::take(&mut state.sleepers);
        self.publish(&state);
        self.rouse_monitor(&mut state);
        drop(state);
        for sleeper in sleepers {
            sleeper.unpark();
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        lock(&self.state).stopping
    }

    fn rouse_monitor(&self, state: &mut MutexGuard<'_, State>) {
        if state.monitor_asleep {
            state.monitor_asleep = false;
            self.monitor.notify_one();
        }
    }

    /// The monitor's pause between two looks; false when the runtime stops.
    ///
    /// With `deep` it lasts until a worker wakes up, provided that all of them sleep.
    pub(crate) fn monitor_pause(&self, deep: bool, interval: Duration) -> bool {
        let mut state = lock(&self.state);
        if deep && state.sleepers.len() == self.workers && !state.stopping {
            state.monitor_asleep = true;
            while state.monitor_asleep && !state.stopping {
                state = wait(&self.monitor, state);
            }
        } else if !state.stopping {
            state = wait_timeout(&self.monitor, state, interval).0;
        }
        !state.stopping
    }

    /// Whether every worker sleeps.
    pub(crate) fn all_asleep(&self) -> bool {
        self.hint() >> 1 == self.workers
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
