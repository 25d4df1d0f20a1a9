//! kubernetes/kubernetes#81148: a test makes a queued pod look older, without the queue's lock, while the queue looks.
//!
//! The queue's goroutine moves pods that have waited too long; the test wants that to happen at once, and changes the
//! time stamp of a pod in the queue's map. Fixed here by setting it before the pod is in the queue.

use super::RACES;
use crate::case::Case;
use crate::go::{Chan, RwMutex, go};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_81148",
    class: "Data race",
    kinds: RACES,
    blames: &["flush"],
    program,
};

struct PodInfo {
    timestamp: RaceCell<u64>,
}

#[derive(Default)]
struct PriorityQueue {
    unschedulable: RwMutex<Vec<Arc<PodInfo>>>,
}

impl PriorityQueue {
    /// Starts the goroutine that flushes again and again until `stop`; here, once.
    fn run(self: &Arc<Self>, stop: Chan<()>) {
        let queue = self.clone();
        go("flush", move || {
            if stop.try_recv().is_some() {
                return;
            }
            queue.flush_leftover();
            stop.recv();
        });
    }

    /// Moves the pods that have waited long enough; here, none.
    fn flush_leftover(&self) {
        for pod in &*self.unschedulable.write() {
            pod.timestamp.get();
        }
    }

    fn add(&self, pod: Arc<PodInfo>) {
        self.unschedulable.write().push(pod);
    }
}

const NOW: u64 = 60;
const OLD: u64 = 0;

fn program(fixed: bool) {
    let stop = Chan::new(0);
    let queue = Arc::new(PriorityQueue::default());
    queue.run(stop.clone());
    let pod = Arc::new(PodInfo { timestamp: RaceCell::named("Timestamp", NOW) });
    if fixed {
        pod.timestamp.set(OLD);
    }
    queue.add(pod.clone());
    if !fixed {
        pod.timestamp.set(OLD);
    }
    stop.close();
}
