//! kubernetes/kubernetes#10182: the kubelet's status manager hangs between a lock and a channel.
//!
//! Setting a pod's status sends it to the manager's loop while holding the lock of all statuses. When the loop fails to
//! tell the API server, it deletes that pod's status, for which it needs the lock; another pod that holds it waits for
//! the loop. Fixed by deleting in a goroutine of its own.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, RwMutex, go};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_10182",
    class: "Channel & Lock",
    kinds: BLOCKS,
    blames: &["manager"],
    program,
};

type Pod = u32;

const PODS: Pod = 2;

struct StatusManager {
    pod_statuses: RwMutex<Vec<Pod>>,
    pod_status_channel: Chan<Pod>,
}

impl StatusManager {
    fn set_pod_status(&self, pod: Pod) {
        let mut statuses = self.pod_statuses.write();
        statuses.push(pod);
        self.pod_status_channel.send(pod);
    }

    fn delete_pod_status(&self, pod: Pod) {
        self.pod_statuses.write().retain(|other| *other != pod);
    }

    /// Takes one status; telling the API server fails.
    fn sync_batch(self: &Arc<Self>, fixed: bool) {
        let pod = self.pod_status_channel.recv().expect("a channel that nobody closes");
        if fixed {
            let manager = self.clone();
            go("delete", move || manager.delete_pod_status(pod));
        } else {
            self.delete_pod_status(pod);
        }
    }
}

fn program(fixed: bool) {
    let manager = Arc::new(StatusManager {
        pod_statuses: RwMutex::new(Vec::new()),
        pod_status_channel: Chan::new(0),
    });
    let runs = manager.clone();
    go("manager", move || {
        for _ in 0..PODS {
            runs.sync_batch(fixed);
        }
    });
    for pod in 0..PODS {
        let manager = manager.clone();
        go("pod", move || manager.set_pod_status(pod));
    }
}
