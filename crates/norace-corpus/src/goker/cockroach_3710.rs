//! cockroachdb/cockroach#3710: a scan of a store's replicas takes the store's read lock for a second time, and a writer
//! comes between.
//!
//! `ForceRaftLogScanAndProcess` offers each replica to the queue under the read lock, and the queue asks the store for
//! the replica's state in raft, under the read lock again. The loop that processes raft takes the write lock; while it
//! waits no new reader gets in. Fixed by copying the replicas and letting go of the lock before they are offered.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Lock, RwMutex, go, settle};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "cockroach_3710",
    class: "RWR deadlock",
    kinds: BLOCKS,
    blames: &["scan"],
    program,
};

#[derive(Clone, Copy)]
struct Replica {
    raft_index: u64,
}

struct RaftLogQueue {
    added: Lock<usize>,
}

impl RaftLogQueue {
    fn maybe_add(&self, store: &Store, replica: usize) {
        let mut added = self.added.lock();
        if store.raft_status(replica) > 0 {
            *added += 1;
        }
    }
}

struct Store {
    raft_log_queue: RaftLogQueue,
    replicas: RwMutex<Vec<Replica>>,
}

impl Store {
    fn force_raft_log_scan_and_process(&self, fixed: bool) {
        let replicas = self.replicas.read();
        let count = replicas.len();
        let _locked = (!fixed).then_some(replicas);
        for replica in 0..count {
            self.raft_log_queue.maybe_add(self, replica);
        }
    }

    fn raft_status(&self, replica: usize) -> u64 {
        self.replicas.read()[replica].raft_index
    }

    fn process_raft(&self) {
        for replica in self.replicas.write().iter_mut() {
            replica.raft_index += 1;
        }
    }
}

fn program(fixed: bool) {
    let replicas = RwMutex::new(vec![Replica { raft_index: 0 }; 2]);
    let raft_log_queue = RaftLogQueue { added: Lock::new(0) };
    let store = Arc::new(Store { raft_log_queue, replicas });
    let scanned = store.clone();
    go("scan", move || scanned.force_raft_log_scan_and_process(fixed));
    go("raft", move || store.process_raft());
    settle();
}
