//! kubernetes/kubernetes#81091: a plug-in of a test counts its calls, which come from all workers of the scheduler.
//!
//! The scheduler asks its filter plug-ins about each node, in parallel. Often one worker is done with all nodes before
//! the other one begins, and then nothing is wrong. Fixed by counting atomically.

use super::RACES;
use crate::case::Case;
use crate::go::{Chan, WaitGroup, Word, go};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_81091",
    class: "Data race",
    kinds: RACES,
    blames: &["worker"],
    program,
};

struct FilterPlugin {
    times_called: Word,
    fixed: bool,
}

impl FilterPlugin {
    fn filter(&self) {
        if self.fixed {
            self.times_called.atomic_add(1);
        } else {
            self.times_called.add(1);
        }
    }
}

/// Does `pieces` pieces of work with as many workers.
fn parallelize(pieces: usize, work: impl Fn(usize) + Clone + Send + 'static) {
    let stop = Chan::<()>::nil();
    let to_process = Chan::new(pieces);
    (0..pieces).for_each(|piece| to_process.send(piece));
    to_process.close();
    let wait_group = WaitGroup::new();
    for _ in 0..pieces {
        wait_group.add(1);
        let (to_process, stop, done) = (to_process.clone(), stop.clone(), wait_group.clone());
        let work = work.clone();
        go("worker", move || {
            while let Some(piece) = to_process.recv() {
                if stop.try_recv().is_some() {
                    break;
                }
                work(piece);
            }
            done.done();
        });
    }
    wait_group.wait();
}

fn program(fixed: bool) {
    let times_called = Word::named("numFilterCalled", 0);
    let plugin = Arc::new(FilterPlugin { times_called, fixed });
    parallelize(2, move |_node| plugin.filter());
}
