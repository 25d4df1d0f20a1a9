//! cockroachdb/cockroach#1055: who stops a `Stopper` holds its lock until all workers are done, and they need the lock.
//!
//! A worker asks the stopper before each task. It is refused while a flag says that the stopper drains; otherwise its
//! task is counted, under the lock. To stop is to take the lock, set the flag, wait for the tasks, and then, still with
//! the lock, for the workers. One that saw the flag down waits for the lock for ever. Tests quiesce all stoppers before
//! they stop any, which took the flag back down and made that likely. Fixed by a flag that stays up and is looked at
//! under the lock, and by waiting for the workers without it; upstream counts the tasks under the lock as well.
//!
//! GoBench's kernel forgets to finish tasks and so hangs in any case; here they are finished.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, WaitGroup, go};
use norace_prim::atomic::{AtomicBool, Ordering};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "cockroach_1055",
    class: "Channel & WaitGroup",
    kinds: BLOCKS,
    blames: &["worker"],
    program,
};

const STOPPERS: usize = 2;

struct Stopper {
    stopper: Chan<()>,
    stop: WaitGroup,
    mu: Lock<()>,
    draining: AtomicBool,
    drain: WaitGroup,
}

impl Stopper {
    fn new() -> Self {
        Self {
            stopper: Chan::new(0),
            stop: WaitGroup::new(),
            mu: Lock::new(()),
            draining: AtomicBool::new(false),
            drain: WaitGroup::new(),
        }
    }

    fn is_draining(&self) -> bool {
        // SeqCst: pairs with the stores in set_draining; Go knows no other.
        self.draining.load(Ordering::SeqCst)
    }

    fn set_draining(&self, draining: bool) {
        // SeqCst: pairs with the load in is_draining; Go knows no other.
        self.draining.store(draining, Ordering::SeqCst);
    }

    fn start_task(&self, fixed: bool) -> bool {
        if self.is_draining() {
            return false;
        }
        let _locked = self.mu.lock();
        if fixed && self.is_draining() {
            return false;
        }
        self.drain.add(1);
        true
    }

    fn finish_task(&self) {
        self.drain.done();
    }

    fn quiesce(&self, fixed: bool) {
        let _locked = self.mu.lock();
        self.set_draining(true);
        self.drain.wait();
        if !fixed {
            self.set_draining(false);
        }
    }

    fn stop(&self, fixed: bool) {
        let locked = self.mu.lock();
        self.set_draining(true);
        self.drain.wait();
        let _locked = (!fixed).then_some(locked);
        self.stopper.close();
        self.stop.wait();
    }

    fn run_worker(&self, fixed: bool) {
        if self.start_task(fixed) {
            self.finish_task();
        }
        self.stopper.recv();
        self.stop.done();
    }
}

fn program(fixed: bool) {
    let stoppers = [(); STOPPERS].map(|()| Arc::new(Stopper::new()));
    for stopper in &stoppers {
        stopper.stop.add(1);
        let stopper = stopper.clone();
        go("worker", move || stopper.run_worker(fixed));
    }
    let done = Chan::<()>::new(0);
    let is_done = done.clone();
    go("stop", move || {
        stoppers.iter().for_each(|stopper| stopper.quiesce(fixed));
        stoppers.iter().for_each(|stopper| stopper.stop(fixed));
        done.close();
    });
    is_done.recv();
}
