//! kubernetes/kubernetes#13135: a cache of watched objects is filled anew while an event comes in: two locks, taken in
//! opposite orders.
//!
//! The `Cacher` locks itself while its reflector lists all objects anew. The list replaces what is in the watch cache,
//! under the watch cache's lock, and once that is done a callback unlocks the cacher. An event locks the watch cache
//! and then, in another callback, the cacher. Fixed by a second lock of the cacher, held while it is filled, which says
//! whether it may be used; events take the first one only.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, RwMutex, WaitGroup, go, settle};
use norace::select_blocking;
use norace_prim::sync::{Arc, Once};

pub(super) const CASE: Case = Case {
    name: "kubernetes_13135",
    class: "AB-BA deadlock",
    kinds: BLOCKS,
    blames: &["reflector"],
    program,
};

/// Lists before the reflector only waits, so that the model has an end; the first makes the cache usable.
const LISTS: usize = 2;

struct WatchCache {
    mu: RwMutex<()>,
}

impl WatchCache {
    fn add(&self, on_event: impl FnOnce()) {
        let _locked = self.mu.write();
        on_event();
    }

    fn replace(&self, on_replace: impl FnOnce()) {
        let _locked = self.mu.write();
        on_replace();
    }
}

struct Cacher {
    mu: Lock<()>,
    usable: Lock<()>,
    initialized: WaitGroup,
    init_once: Once,
    watch_cache: WatchCache,
}

impl Cacher {
    /// Returns when it was filled for the first time.
    fn new(stop: Chan<()>, fixed: bool) -> Arc<Self> {
        let cacher = Arc::new(Self {
            mu: Lock::new(()),
            usable: Lock::new(()),
            initialized: WaitGroup::new(),
            init_once: Once::new(),
            watch_cache: WatchCache { mu: RwMutex::new(()) },
        });
        cacher.initialized.add(1);
        let caching = cacher.clone();
        go("reflector", move || {
            for _ in 0..LISTS {
                select_blocking! {
                    _ = stop.receiver().recv() => return,
                    default => caching.start_caching(fixed),
                }
            }
            stop.recv();
        });
        cacher.initialized.wait();
        cacher
    }

    fn start_caching(&self, fixed: bool) {
        let locked = if fixed { self.usable.lock() } else { self.mu.lock() };
        self.watch_cache.replace(|| {
            self.init_once.call_once(|| self.initialized.done());
            drop(locked);
        });
    }

    fn add(&self) {
        self.watch_cache.add(|| drop(self.mu.lock()));
    }
}

fn program(fixed: bool) {
    let stop = Chan::new(0);
    let cacher = Cacher::new(stop.clone(), fixed);
    go("event", move || cacher.add());
    go("stop", move || stop.close());
    settle();
}
