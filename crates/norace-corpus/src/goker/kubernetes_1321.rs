//! kubernetes/kubernetes#1321: an event that a watcher no longer reads keeps the lock that the watcher needs to stop.
//!
//! A `Mux` hands each event to every watcher, on channels without buffer, while it holds the lock of the table of
//! watchers. A watcher that stops takes itself out of that table before its channel is closed: it waits for the lock,
//! the event waits for the watcher. Fixed by a second channel, closed before the lock is taken, on which the sender
//! selects as well.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go, sent, settle};
use norace::select_blocking;
use norace_prim::sync::Arc;
use std::collections::BTreeMap;

pub(super) const CASE: Case = Case {
    name: "kubernetes_1321",
    class: "Channel & Lock",
    kinds: BLOCKS,
    blames: &["loop"],
    program,
};

/// Events before the mux has no more, so that the model has an end.
const EVENTS: usize = 2;

#[derive(Clone)]
struct Ends {
    result: Chan<()>,
    stopped: Chan<()>,
}

struct Mux {
    watchers: Lock<BTreeMap<usize, Ends>>,
}

struct MuxWatcher {
    mux: Arc<Mux>,
    id: usize,
    ends: Ends,
}

impl Mux {
    fn watch(self: &Arc<Self>) -> MuxWatcher {
        let ends = Ends { result: Chan::new(0), stopped: Chan::new(0) };
        let mut watchers = self.watchers.lock();
        let id = watchers.len();
        watchers.insert(id, ends.clone());
        MuxWatcher { mux: self.clone(), id, ends }
    }

    fn distribute(&self, fixed: bool) {
        for watcher in self.watchers.lock().values() {
            if fixed {
                select_blocking! {
                    result = watcher.result.sender().send(()) => sent(result.is_ok()),
                    _ = watcher.stopped.receiver().recv() => {}
                }
            } else {
                watcher.result.send(());
            }
        }
    }

    fn stop_watching(&self, id: usize) {
        if let Some(watcher) = self.watchers.lock().remove(&id) {
            watcher.result.close();
        }
    }
}

impl MuxWatcher {
    fn stop(&self, fixed: bool) {
        if fixed {
            self.ends.stopped.close();
        }
        self.mux.stop_watching(self.id);
    }
}

fn program(fixed: bool) {
    let mux = Arc::new(Mux { watchers: Lock::new(BTreeMap::new()) });
    let distributing = mux.clone();
    go("loop", move || {
        for _ in 0..EVENTS {
            distributing.distribute(fixed);
        }
    });
    go("watcher", move || mux.watch().stop(fixed));
    settle();
}
