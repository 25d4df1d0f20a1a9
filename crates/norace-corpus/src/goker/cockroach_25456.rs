//! cockroachdb/cockroach#25456: a queue waits twice for the signal that ends it, where nobody gives it.
//!
//! Processing a replica in the consistency queue asks the store's stopper for the channel that is closed when the store
//! is to become quiet, and receives from it. In the test that hung, nobody stops the stopper. Fixed by stopping it.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, go, settle};
use norace_prim::sync::Arc;

pub(super) const CASE: Case =
    Case { name: "cockroach_25456", class: "Channel", kinds: BLOCKS, blames: &["queue"], program };

/// Says by a closed channel that all has to become quiet.
struct Stopper {
    quiescer: Chan<()>,
}

struct Store {
    stopper: Stopper,
}

impl Store {
    /// Does its work until it has to be quiet.
    fn process_replica(&self) {
        self.stopper.quiescer.recv();
    }
}

fn program(fixed: bool) {
    let store = Arc::new(Store { stopper: Stopper { quiescer: Chan::new(0) } });
    let queue = store.clone();
    go("queue", move || {
        for _ in 0..2 {
            queue.process_replica();
        }
    });
    if fixed {
        store.stopper.quiescer.close();
    }
    settle();
}
