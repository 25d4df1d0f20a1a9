//! cockroachdb/cockroach#24808: the compactor wakes itself up before it runs, through a channel that may be full.
//!
//! Starting a compactor sends a token into its channel, so that its worker looks at the queue at once, and starts the
//! worker after that. The channel holds one token; a suggestion made before the start has filled it, and nobody takes
//! from it yet. Fixed by not sending into a full channel: one token wakes the worker as well as two.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, WaitGroup, go};
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case =
    Case { name: "cockroach_24808", class: "Channel", kinds: BLOCKS, blames: &["main"], program };

struct Stopper {
    workers: WaitGroup,
    stopper: Chan<()>,
}

impl Stopper {
    fn run_worker(&self, work: impl FnOnce() + Send + 'static) {
        self.workers.add(1);
        let workers = self.workers.clone();
        go("worker", move || {
            work();
            workers.done();
        });
    }

    fn stop(&self) {
        self.stopper.close();
        self.workers.wait();
    }
}

struct Compactor {
    ch: Chan<()>,
}

impl Compactor {
    fn start(&self, stopper: &Arc<Stopper>, fixed: bool) {
        if fixed {
            self.ch.try_send(());
        } else {
            self.ch.send(());
        }
        let (ch, stops) = (self.ch.clone(), stopper.clone());
        stopper.run_worker(move || {
            loop {
                select_blocking! {
                    _ = stops.stopper.receiver().recv() => return,
                    _ = ch.receiver().recv() => {}
                }
            }
        });
    }
}

fn program(fixed: bool) {
    let stopper = Arc::new(Stopper { workers: WaitGroup::new(), stopper: Chan::new(0) });
    let compactor = Compactor { ch: Chan::new(1) };
    compactor.ch.send(()); // A suggestion that came early.
    compactor.start(&stopper, fixed);
    stopper.stop();
}
