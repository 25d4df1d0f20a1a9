//! kubernetes/kubernetes#25331: a watch that failed hands its error to a reader who has stopped reading.
//!
//! The watch's loop takes an error, cancels its context, and sends the error as a result, for which the reader is
//! trusted to be there. But a reader may stop without having drained the results, and stopping cancels nothing that the
//! loop would look at. Fixed by giving the send up at the end of the context, which is cancelled after it.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, go, sent};
use norace::context::Context;
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_25331",
    class: "Channel & Context",
    kinds: BLOCKS,
    blames: &["run"],
    program,
};

struct WatchChan {
    context: Context,
    results: Chan<&'static str>,
    errors: Chan<&'static str>,
}

impl WatchChan {
    fn run(&self, fixed: bool) {
        select_blocking! {
            error = self.errors.receiver().recv() => {
                self.report(error.expect("a channel that nobody closes"), fixed);
            }
            _ = self.context.cancelled() => {}
        }
    }

    fn report(&self, error: &'static str, fixed: bool) {
        if !fixed {
            self.context.cancel();
            return self.results.send(error);
        }
        select_blocking! {
            done = self.results.sender().send(error) => sent(done.is_ok()),
            _ = self.context.cancelled() => {}
        }
        self.context.cancel();
    }

    /// The reader's end, just after something failed.
    fn stop(&self) {
        self.errors.send("compacted");
        self.context.cancel();
    }
}

fn program(fixed: bool) {
    let watch = Arc::new(WatchChan {
        context: Context::new(),
        results: Chan::new(0),
        errors: Chan::new(0),
    });
    let runs = watch.clone();
    go("run", move || runs.run(fixed));
    go("stop", move || watch.stop());
}
