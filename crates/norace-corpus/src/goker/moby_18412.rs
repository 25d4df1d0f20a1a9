//! moby/moby#18412: a command that takes too long is killed, and its results are read before anybody has waited for it.
//!
//! A goroutine waits for the command and sets the exit code, which is a result of the function that started it. After
//! the timeout the function returns without the goroutine, which then writes to the result, and blocks on its report
//! for ever. The output, too, is read while a goroutine may be copying it: a second report, moby/moby#22965. Fixed by a
//! buffered channel that carries the exit code, and here, for the output, by waiting for it after the kill.

use crate::case::Case;
use crate::go::{Chan, go};
use norace::chan::after;
use norace::select_blocking;
use norace_check::RaceCell;
use norace_prim::sync::Arc;
use std::time::Duration;

pub(super) const CASE: Case = Case {
    name: "moby_18412",
    class: "Order violation",
    kinds: &["data-race", "leak"],
    blames: &["waiter", "copier"],
    program,
};

/// A running command.
struct Command {
    output: RaceCell<&'static str>,
    killed: Chan<()>,
    exited: Chan<()>,
}

impl Command {
    fn start() -> Arc<Self> {
        let output = RaceCell::named("outputBuffer", "");
        let command = Arc::new(Self { output, killed: Chan::new(0), exited: Chan::new(0) });
        let copied = command.clone();
        go("copier", move || {
            if copied.killed.try_recv().is_none() {
                copied.output.set("README.md");
            }
            copied.exited.close();
        });
        command
    }

    fn kill(&self) {
        self.killed.close();
    }

    fn wait(&self) -> i32 {
        self.exited.recv();
        1
    }
}

/// Runs a command for `duration` at most; what it wrote, and its exit code.
fn run_for(duration: Duration, fixed: bool) -> (&'static str, i32) {
    let exit_code = Arc::new(RaceCell::named("exitCode", 0));
    let done = Chan::new(usize::from(fixed));
    let command = Command::start();
    let (waited, result, report) = (command.clone(), exit_code.clone(), done.clone());
    go("waiter", move || {
        let code = waited.wait();
        if !fixed {
            result.set(code);
        }
        report.send(code);
    });
    let mut reported = None;
    select_blocking! {
        _ = after(duration).recv() => {
            command.kill();
            if fixed {
                reported = done.recv();
            }
        }
        code = done.receiver().recv() => reported = code.ok(),
    }
    if let Some(code) = reported.filter(|_| fixed) {
        exit_code.set(code);
    }
    (command.output.get(), exit_code.get())
}

fn program(fixed: bool) {
    run_for(Duration::from_millis(1), fixed);
}
