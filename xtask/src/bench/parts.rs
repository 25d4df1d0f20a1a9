//! The parts of the kit beside their peers: each contender does each task in a process of its own.

use std::path::Path;

use super::{
    report::{Environment, Report},
    tasks::{Contender, Programs, Task, task},
};

const ATOMIC: Contender = ("one atomic", "atomic");
const MUTEX: Contender = ("std Mutex", "mutex");

const TASKS: &[Task] = &[
    task("counting, one thread", "count:1", &[ATOMIC, MUTEX]),
    task("counting, 2 threads", "count:2", &[ATOMIC, MUTEX]),
];

const HEAD: &str = "\
# Parts benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/main.rs). The times are those of one operation.

";

/// The packages that are compared with.
const PEERS: [&str; 0] = [];

pub(super) fn measure(root: &Path, quick: bool) -> Result<Report, String> {
    let programs = Programs::build(root, "norace-bench-parts")?;
    let (rounds, seconds) = if quick { (1, 0.1) } else { (5, 0.3) };
    let rounds_text = format!("{rounds}, in each {seconds} s or one pass");
    let environment =
        Environment::read(root, "parts", rounds_text).with("peers", programs.versions(&PEERS)?);
    let mut report = Report::new("parts", HEAD, environment);
    programs.measure(&mut report, TASKS, (rounds, seconds))?;
    Ok(report)
}
