//! tokio-rs/tokio#1788: a worker goes to sleep while a task is scheduled, and whoever schedules it lets it sleep.
//!
//! Who schedules a task stores it and then asks whether some worker is searching; the last worker to search says that
//! it is not any more, and then looks for tasks once again. Each may miss what the other one stored: a `SeqCst` load
//! orders nothing that was stored before it. Fixed by asking with a `fetch_add(0)`, which the worker's own
//! read-modify-write either sees or is seen by.

use super::spawn;
use crate::case::Case;
use crate::goker::BLOCKS;
use norace_prim::atomic::{AtomicBool, AtomicUsize, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;

pub(super) const CASE: Case =
    Case { name: "tokio_1788", class: "Lost wake-up", kinds: BLOCKS, blames: &["worker"], program };

struct Pool {
    /// Workers that search; the one there is does at first.
    searching: AtomicUsize,
    /// Whether the queue has a task.
    queued: AtomicBool,
}

impl Pool {
    /// Stores a task; whether a worker has to be woken for it.
    fn schedule(&self, fixed: bool) -> bool {
        // Release: pairs with the Acquire in has_task.
        self.queued.store(true, Ordering::Release);
        let searching = if fixed {
            // SeqCst: before the worker's in the order of changes, and then seen by it, or after it.
            self.searching.fetch_add(0, Ordering::SeqCst)
        } else {
            // SeqCst: meant to come after the store above.
            self.searching.load(Ordering::SeqCst)
        };
        searching == 0
    }

    fn has_task(&self) -> bool {
        // Acquire: pairs with the Release in schedule.
        self.queued.load(Ordering::Acquire)
    }

    /// Waits for the task.
    fn work(&self) {
        while !self.has_task() {
            // SeqCst: meant to come before the next look for tasks.
            self.searching.fetch_sub(1, Ordering::SeqCst);
            if self.has_task() {
                return;
            }
            thread::park();
            // SeqCst: as above.
            self.searching.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn program(fixed: bool) {
    let pool = Arc::new(Pool { searching: AtomicUsize::new(1), queued: AtomicBool::new(false) });
    let worked = pool.clone();
    let worker = spawn("worker", move || worked.work());
    if pool.schedule(fixed) {
        worker.thread().unpark();
    }
}
