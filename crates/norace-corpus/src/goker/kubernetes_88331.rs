//! kubernetes/kubernetes#88331: tests ask how long a heap is whose pods another goroutine is taking out.
//!
//! The scheduler's queue keeps pods that back off in a heap, which its goroutine empties under the queue's lock; the
//! heap itself has none. Fixed here by taking that lock to look.

use super::RACES;
use crate::case::Case;
use crate::go::{Chan, RwMutex, go};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_88331",
    class: "Data race",
    kinds: RACES,
    blames: &["flush"],
    program,
};

struct Heap {
    pods: RaceCell<Vec<u32>>,
}

impl Heap {
    fn pop(&self) -> Option<u32> {
        self.pods.with_mut(Vec::pop)
    }

    fn len(&self) -> usize {
        self.pods.with(Vec::len)
    }
}

struct PriorityQueue {
    stop: Chan<()>,
    lock: RwMutex<()>,
    backoff: Heap,
}

impl PriorityQueue {
    /// Starts the goroutine that flushes again and again until it is stopped; here, once.
    fn run(self: &Arc<Self>) {
        let queue = self.clone();
        go("flush", move || {
            if queue.stop.try_recv().is_some() {
                return;
            }
            queue.flush_completed();
            queue.stop.recv();
        });
    }

    fn flush_completed(&self) {
        let _guard = self.lock.write();
        self.backoff.pop();
    }
}

fn program(fixed: bool) {
    let backoff = Heap { pods: RaceCell::named("queue", vec![1, 2]) };
    let queue = PriorityQueue { stop: Chan::new(0), lock: RwMutex::default(), backoff };
    let queue = Arc::new(queue);
    queue.run();
    let guard = fixed.then(|| queue.lock.read());
    queue.backoff.len();
    drop(guard);
    queue.stop.close();
}
