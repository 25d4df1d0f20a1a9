//! knative/serving#6472: a prober counts the probes of an ingress after it has queued them, and the first are done.
//!
//! Workers take probes from the queue and count them down, atomically; the last one makes the ingress ready. The number
//! of them is added plainly, and too late. Fixed by adding it before any of them is in the queue.

use super::RACES;
use crate::case::Case;
use crate::go::{Chan, Lock, WaitGroup, Word, go};
use norace_prim::sync::Arc;
use std::collections::VecDeque;

pub(super) const CASE: Case =
    Case { name: "serving_6472", class: "Data race", kinds: RACES, blames: &["worker"], program };

struct IngressState {
    pending: Word,
}

impl IngressState {
    fn new() -> Arc<Self> {
        Arc::new(Self { pending: Word::named("pendingCount", 0) })
    }
}

/// The states whose ingresses are to be probed.
struct Prober {
    queue: Lock<VecDeque<Arc<IngressState>>>,
}

impl Prober {
    /// Starts workers, one probe each; what is closed when they are done.
    fn start(self: &Arc<Self>) -> Chan<()> {
        let wait_group = WaitGroup::new();
        for _ in 0..2 {
            wait_group.add(1);
            let (prober, done) = (self.clone(), wait_group.clone());
            go("worker", move || {
                prober.process_item();
                done.done();
            });
        }
        let cancelled = Chan::new(0);
        let closed = cancelled.clone();
        go("closer", move || {
            wait_group.wait();
            closed.close();
        });
        cancelled
    }

    fn process_item(&self) {
        let item = self.queue.lock().pop_front();
        if let Some(state) = item {
            state.pending.atomic_add(-1);
        }
    }

    fn is_ready(&self, fixed: bool) {
        let state = IngressState::new();
        if fixed {
            state.pending.add(1);
        }
        self.queue.lock().push_back(state.clone());
        if !fixed {
            state.pending.add(1);
        }
    }
}

fn program(fixed: bool) {
    let queue = VecDeque::from([IngressState::new()]);
    let prober = Arc::new(Prober { queue: Lock::new(queue) });
    let cancelled = prober.start();
    prober.is_ready(fixed);
    cancelled.recv();
}
