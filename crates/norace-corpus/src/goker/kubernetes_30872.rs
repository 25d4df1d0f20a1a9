//! kubernetes/kubernetes#30872: a federated informer asks its queue whether it is in sync, while the queue tells it of
//! a new cluster.
//!
//! The queue hands out a change under its lock, and the handler of the change locks the informer. Who wants to know
//! whether all clusters are in sync locks the informer and then asks the queue, which locks itself. Fixed by asking
//! without the informer's lock: the queue is set only once.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, RwMutex, go, settle};
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_30872",
    class: "AB-BA deadlock",
    kinds: BLOCKS,
    blames: &["reconcile"],
    program,
};

/// Changes in the queue.
const CHANGES: usize = 2;

struct DeltaFifo {
    lock: RwMutex<()>,
}

impl DeltaFifo {
    fn pop(&self, process: impl FnOnce()) {
        let _locked = self.lock.write();
        process();
    }

    fn has_synced(&self) {
        let _locked = self.lock.write();
    }
}

struct FederatedInformer {
    /// Guards how many there are.
    clusters: Lock<usize>,
    stop_chan: Chan<()>,
    fifo: DeltaFifo,
}

impl FederatedInformer {
    fn start(self: &Arc<Self>) {
        let _locked = self.clusters.lock();
        let informer = self.clone();
        go("controller", move || {
            for _ in 0..CHANGES {
                select_blocking! {
                    _ = informer.stop_chan.receiver().recv() => return,
                    default => informer.fifo.pop(|| informer.add_cluster()),
                }
            }
            informer.stop_chan.recv();
        });
    }

    fn stop(&self) {
        let _locked = self.clusters.lock();
        self.stop_chan.close();
    }

    fn add_cluster(&self) {
        *self.clusters.lock() += 1;
    }

    fn clusters_synced(&self, fixed: bool) {
        let _locked = (!fixed).then(|| self.clusters.lock());
        self.fifo.has_synced();
    }
}

/// The namespace controller.
fn run(stop: Chan<()>, fixed: bool) {
    let informer = Arc::new(FederatedInformer {
        clusters: Lock::new(0),
        stop_chan: Chan::new(0),
        fifo: DeltaFifo { lock: RwMutex::new(()) },
    });
    informer.start();
    let stopped = informer.clone();
    go("stop", move || {
        stop.recv();
        stopped.stop();
    });
    go("reconcile", move || informer.clusters_synced(fixed));
}

fn program(fixed: bool) {
    let stop = Chan::new(0);
    run(stop.clone(), fixed);
    stop.close();
    settle();
}
