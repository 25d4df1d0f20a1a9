//! kubernetes/kubernetes#77796: two goroutines dispatch events to the watchers of one cache, which reuses their buffer.
//!
//! Dispatching collects the watchers into the buffer under the lock, and goes through it without: meant for the cache's
//! own goroutine alone. The test dispatches from a goroutine in each round, and the next round begins before the last
//! one has ended; a sleep made that rare. Fixed by waiting for the goroutine in each round. (The test still raced with
//! the cache's own goroutine, which is left out here, until kubernetes/kubernetes#89164.)

use super::RACES;
use crate::case::Case;
use crate::go::{RwMutex, WaitGroup, go, sleep};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_77796",
    class: "Data race",
    kinds: RACES,
    blames: &["dispatch"],
    program,
};

struct Cacher {
    watchers: RwMutex<Vec<u32>>,
    watchers_buffer: RaceCell<Vec<u32>>,
}

impl Cacher {
    fn start_dispatching(&self) {
        let watchers = self.watchers.write();
        self.watchers_buffer.with_mut(|buffer| {
            buffer.clear();
            buffer.extend_from_slice(&watchers);
        });
    }

    /// Gives an event to all watchers; how many there were.
    fn dispatch_event(&self) -> usize {
        self.start_dispatching();
        self.watchers_buffer.with(Vec::len)
    }
}

fn program(fixed: bool) {
    let watchers_buffer = RaceCell::named("watchersBuffer", Vec::new());
    let cacher = Arc::new(Cacher { watchers: RwMutex::new(vec![1]), watchers_buffer });
    for _ in 0..2 {
        let dispatched = WaitGroup::new();
        dispatched.add(1);
        let (cacher, done) = (cacher.clone(), dispatched.clone());
        go("dispatch", move || {
            cacher.dispatch_event();
            done.done();
        });
        sleep(10);
        if fixed {
            dispatched.wait();
        }
    }
}
