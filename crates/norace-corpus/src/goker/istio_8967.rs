//! istio/istio#8967: stopping a source of files closes the channel that its goroutine waits for, and forgets it.
//!
//! The goroutine takes the channel from the source each time it waits; it may find nothing there any more, and then
//! waits for ever. Fixed by not forgetting it.

use super::RACES;
use crate::case::Case;
use crate::go::{Chan, go, settle};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "istio_8967",
    class: "Misuse channel",
    kinds: RACES,
    blames: &["source"],
    program,
};

struct Source {
    done: RaceCell<Arc<Chan<()>>>,
}

impl Source {
    fn start(self: &Arc<Self>) {
        let source = self.clone();
        go("source", move || {
            source.done.with(Arc::clone).recv();
        });
    }

    fn stop(&self, fixed: bool) {
        self.done.with(Arc::clone).close();
        if !fixed {
            self.done.set(Arc::new(Chan::nil()));
        }
    }
}

fn program(fixed: bool) {
    let source = Arc::new(Source { done: RaceCell::named("donec", Arc::new(Chan::new(0))) });
    source.start();
    source.stop(fixed);
    settle();
}
