//! moby/moby#21233: a test that dislikes a progress report stops listening, and everyone waits for it.
//!
//! The test of the transfer manager has a goroutine that takes the progress of its transfers, here of one, and fails
//! the test at an unexpected report. Failing ends that goroutine: the transfer's watcher hangs on its next report, and
//! the test on the watcher's end, or on the listener's. Which reports arrive is chance, because a newer one replaces
//! one that was not yet sent. Fixed by noting the failure and listening on, and by expecting fewer reports.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go};
use norace::select_blocking;
use norace_prim::rand;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "moby_21233",
    class: "Channel",
    kinds: BLOCKS,
    blames: &["main", "watch"],
    program,
};

type Progress = u32;

struct Transfer {
    last_progress: Lock<Progress>,
}

#[derive(Clone)]
struct Watcher {
    signal: Chan<()>,
    release: Chan<()>,
    running: Chan<()>,
}

impl Transfer {
    fn watch(self: &Arc<Self>, output: &Chan<Progress>) -> Watcher {
        let (signal, release, running) = (Chan::new(0), Chan::new(0), Chan::new(0));
        let watcher = Watcher { signal, release, running };
        let (transfer, output, watches) = (self.clone(), output.clone(), watcher.clone());
        go("watch", move || transfer.report(&output, &watches));
        watcher
    }

    /// Reports progress, where there is some, until the watcher is released, and once more then.
    fn report(&self, output: &Chan<Progress>, watcher: &Watcher) {
        let mut done = false;
        loop {
            let progress = *self.last_progress.lock();
            if rand::choose(2) == 1 {
                output.send(progress);
            }
            if done {
                break;
            }
            select_blocking! {
                _ = watcher.signal.receiver().recv() => {}
                _ = watcher.release.receiver().recv() => done = true,
            }
        }
        watcher.running.close();
    }

    fn release(&self, watcher: &Watcher) {
        drop(self.last_progress.lock());
        watcher.release.close();
        watcher.running.recv();
    }
}

fn listen(progress: &Chan<Progress>, done: &Chan<()>, fixed: bool) {
    while progress.recv().is_some() {
        let expected = rand::choose(2) == 0;
        if !expected && !fixed {
            return; // Fatalf: the end of this goroutine.
        }
    }
    done.close();
}

fn program(fixed: bool) {
    let (progress, done) = (Chan::new(0), Chan::new(0));
    let (listens, ends) = (progress.clone(), done.clone());
    go("listener", move || listen(&listens, &ends, fixed));
    let transfer = Arc::new(Transfer { last_progress: Lock::new(0) });
    let watcher = transfer.watch(&progress);
    transfer.release(&watcher);
    progress.close();
    done.recv();
}
