//! tokio-rs/tokio#2096: a task that completes reads its join waker, just in case, while the join handle is storing it.
//!
//! A bit of the state says whether there is a waker. The one who completes the task may have to drop it, but not be
//! able to read it any more once the task is released; so it read the waker first and asked later. Fixed by reading it
//! only if the bit is set.

use super::spawn;
use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU8, Ordering};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "tokio_2096",
    class: "Data race",
    kinds: &["data-race"],
    blames: &["worker"],
    program,
};

const JOIN_WAKER: u8 = 1;
const COMPLETE: u8 = 2;
const RELEASED: u8 = 4;

struct Task {
    state: AtomicU8,
    join_waker: RaceCell<Option<u32>>,
}

impl Task {
    /// Polls the join handle: stores its waker unless the task is complete.
    fn poll_join(&self) {
        // Acquire: pairs with the AcqRel in complete.
        if self.state.load(Ordering::Acquire) & COMPLETE != 0 {
            return;
        }
        self.join_waker.set(Some(1));
        // AcqRel: pairs with those in complete, so that who sees the bit sees the waker; Acquire: sees that it is over.
        let set = self.state.compare_exchange(0, JOIN_WAKER, Ordering::AcqRel, Ordering::Acquire);
        if set.is_err() {
            // Complete: nobody else takes it.
            self.join_waker.set(None);
        }
    }

    /// Completes the task and releases it; the join waker that is to be dropped.
    fn complete(&self, fixed: bool) -> Option<u32> {
        // AcqRel: pairs with the one in poll_join.
        let before = self.state.fetch_or(COMPLETE, Ordering::AcqRel);
        let read = !fixed || before & JOIN_WAKER != 0;
        let waker = if read { self.join_waker.get() } else { None };
        // AcqRel: as above.
        let before = self.state.fetch_or(RELEASED, Ordering::AcqRel);
        waker.filter(|_| before & JOIN_WAKER != 0)
    }
}

fn program(fixed: bool) {
    let join_waker = RaceCell::named("join_waker", None);
    let task = Arc::new(Task { state: AtomicU8::new(0), join_waker });
    let completed = task.clone();
    spawn("worker", move || {
        completed.complete(fixed);
    });
    task.poll_join();
}
