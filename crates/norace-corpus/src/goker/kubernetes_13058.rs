//! kubernetes/kubernetes#13058: a test starts to count what a controller is to delete when the controller runs already.
//!
//! Each deletion counts a wait group down, which the test counts up after it has started the controller. A deletion
//! that comes first takes the count below zero. Fixed by counting up first.

use crate::case::Case;
use crate::go::{Chan, WaitGroup, go, sleep};

pub(super) const CASE: Case = Case {
    name: "kubernetes_13058",
    class: "WaitGroup",
    kinds: &["panic"],
    blames: &["controller"],
    program,
};

/// Pods that the controller finds and deletes.
const PODS: usize = 2;

/// A controller, which calls `on_delete` for each pod, one in a period.
fn run_controller(on_delete: impl Fn(), stop: &Chan<()>) {
    for _ in 0..PODS {
        if stop.try_recv().is_some() {
            return;
        }
        on_delete();
        sleep(10);
    }
    stop.recv();
}

fn program(fixed: bool) {
    let deletions = WaitGroup::new();
    let stop = Chan::new(0);
    let count_up = || {
        for _ in 0..PODS {
            deletions.add(1);
        }
    };
    if fixed {
        count_up();
    }
    let (deleted, stopped) = (deletions.clone(), stop.clone());
    go("controller", move || run_controller(|| deleted.done(), &stopped));
    if !fixed {
        count_up();
    }
    deletions.wait();
    stop.close();
}
