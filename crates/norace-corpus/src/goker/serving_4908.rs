//! knative/serving#4908: a goroutine that nobody waits for writes to the log of a test that is over.
//!
//! A watcher of a revision checks its destinations in goroutines of their own, which log through the test's
//! `testing.T`. That panics once the test has ended; and because such programs are wrong, Go notes the end without a
//! lock, for its race detector to see. Fixed by waiting for the goroutines and logging where they were started.

use crate::case::Case;
use crate::go::{Lock, WaitGroup, go};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "serving_4908",
    class: "Testing library",
    kinds: &["data-race", "panic"],
    blames: &["check"],
    program,
};

/// `testing.T`.
struct Test {
    output: Lock<Vec<String>>,
    done: RaceCell<bool>,
}

impl Test {
    /// Runs `body` as a test.
    fn run(body: impl FnOnce(Arc<Self>)) {
        let test = Self { output: Lock::default(), done: RaceCell::named("done", false) };
        let test = Arc::new(test);
        body(test.clone());
        test.done.set(true);
    }

    fn log(&self, line: &str) {
        let mut output = self.output.lock();
        assert!(!self.done.get(), "log in goroutine after the test has completed");
        output.push(line.to_owned());
    }
}

fn check_destinations(test: &Arc<Test>, fixed: bool) {
    let checks = WaitGroup::new();
    checks.add(1);
    let (logger, checked) = (test.clone(), checks.clone());
    go("check", move || {
        if !fixed {
            logger.log("done probing");
        }
        checked.done();
    });
    if fixed {
        checks.wait();
        test.log("done probing");
    }
}

fn program(fixed: bool) {
    Test::run(|test| {
        let watchers = WaitGroup::new();
        watchers.add(1);
        let ended = watchers.clone();
        go("watcher", move || {
            check_destinations(&test, fixed);
            ended.done();
        });
        watchers.wait();
    });
}
