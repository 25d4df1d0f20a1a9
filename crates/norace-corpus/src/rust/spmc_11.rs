//! seanmonstar/spmc#11: the sender of a channel goes just when a receiver goes to sleep, and neither sees the other.
//!
//! A sender that is dropped stores that it is, and wakes the receivers if any sleep. A receiver counts itself among the
//! sleeping, and looks once more. Both store and then load, too weakly to keep both from missing the other's store.
//! Found by loom. Fixed by `SeqCst` throughout: the count with #11, the flag two days later, in 0.3.0.

use super::spawn;
use crate::case::Case;
use crate::goker::BLOCKS;
use norace_prim::atomic::{AtomicBool, AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};

pub(super) const CASE: Case = Case {
    name: "spmc_11",
    class: "Memory ordering",
    kinds: BLOCKS,
    blames: &["receiver"],
    program,
};

/// A channel whose queue is empty.
struct Channel {
    is_disconnected: AtomicBool,
    num_sleeping: AtomicUsize,
    sleeping: Mutex<()>,
    condvar: Condvar,
    fixed: bool,
}

impl Channel {
    fn order(&self, before: Ordering) -> Ordering {
        if self.fixed { Ordering::SeqCst } else { before }
    }

    /// Drops the sender.
    fn disconnect(&self) {
        // Release: as messages before it were; SeqCst: before the look for receivers.
        self.is_disconnected.store(true, self.order(Ordering::Release));
        // Acquire: hopefully; SeqCst: after the flag.
        if self.num_sleeping.load(self.order(Ordering::Acquire)) > 0 {
            drop(lock(&self.sleeping));
            self.condvar.notify_all();
        }
    }

    fn is_disconnected(&self) -> bool {
        // Acquire: pairs with the Release in disconnect; SeqCst: after the count.
        self.is_disconnected.load(self.order(Ordering::Acquire))
    }

    /// Waits for the end.
    fn recv(&self) {
        if self.is_disconnected() {
            return;
        }
        let mut guard = lock(&self.sleeping);
        // Relaxed: the lock was meant to be enough; SeqCst: before the last look.
        self.num_sleeping.fetch_add(1, self.order(Ordering::Relaxed));
        while !self.is_disconnected() {
            guard = wait(&self.condvar, guard);
        }
        // Relaxed: nobody has to be sure that a receiver is awake; SeqCst: as the crate has it.
        self.num_sleeping.fetch_sub(1, self.order(Ordering::Relaxed));
    }
}

fn program(fixed: bool) {
    let channel = Arc::new(Channel {
        is_disconnected: AtomicBool::new(false),
        num_sleeping: AtomicUsize::new(0),
        sleeping: Mutex::new(()),
        condvar: Condvar::new(),
        fixed,
    });
    let receives = channel.clone();
    spawn("receiver", move || receives.recv());
    channel.disconnect();
}
