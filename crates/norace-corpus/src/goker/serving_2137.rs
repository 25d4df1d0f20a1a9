//! knative/serving#2137: a test lets requests end in the order in which it began them, but they were served in another.
//!
//! A circuit breaker runs one request at a time and lets one more wait. The test starts two requests, each in a
//! goroutine that it has only seen begin, and which hangs in the breaker on a lock that the test holds. Then it opens
//! the first one's lock and waits for that request; but it is the second that runs, and the first waits for its turn.
//! Fixed by waiting until a request has the place that is expected: upstream polls the breaker's queues, here the first
//! request says that it runs, which keeps the model small.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, WaitGroup, go};
use norace_prim::sync::{Arc, MutexGuard};

pub(super) const CASE: Case = Case {
    name: "serving_2137",
    class: "Channel & Lock",
    kinds: BLOCKS,
    blames: &["request"],
    program,
};

struct Breaker {
    pending_requests: Chan<()>,
    active_requests: Chan<()>,
}

impl Breaker {
    fn new(queue_depth: usize, max_concurrency: usize) -> Self {
        Self {
            pending_requests: Chan::new(queue_depth + max_concurrency),
            active_requests: Chan::new(max_concurrency),
        }
    }

    /// Whether there was room for `thunk`; then it has run.
    fn maybe(&self, thunk: impl FnOnce()) -> bool {
        if !self.pending_requests.try_send(()) {
            return false;
        }
        self.active_requests.send(());
        thunk();
        self.active_requests.recv();
        self.pending_requests.recv();
        true
    }
}

/// A request that runs until its guard is gone.
struct Request<'a> {
    gate: MutexGuard<'a, ()>,
    accepted: Chan<bool>,
}

impl Request<'_> {
    fn unlock(self) {
        drop(self.gate);
        let ok = self.accepted.recv().expect("never closed");
        self.accepted.send(ok);
    }
}

/// Begins a request, and waits until it runs where that is expected of it.
fn concurrent_request<'a>(
    breaker: &Arc<Breaker>,
    gate: &'a Arc<Lock<()>>,
    expected_to_run: bool,
) -> Request<'a> {
    let request = Request { gate: gate.lock(), accepted: Chan::new(1) };
    let start = WaitGroup::new();
    start.add(1);
    let (begun, accepted) = (start.clone(), request.accepted.clone());
    let (breaker, gate) = (breaker.clone(), gate.clone());
    go("request", move || {
        if !expected_to_run {
            begun.done();
        }
        let ok = breaker.maybe(|| {
            if expected_to_run {
                begun.done();
            }
            drop(gate.lock());
        });
        accepted.send(ok);
    });
    start.wait();
    request
}

fn program(fixed: bool) {
    let breaker = Arc::new(Breaker::new(1, 1));
    let gates = [(); 2].map(|()| Arc::new(Lock::new(())));
    let first = concurrent_request(&breaker, &gates[0], fixed);
    let second = concurrent_request(&breaker, &gates[1], false);
    first.unlock();
    second.unlock();
}
