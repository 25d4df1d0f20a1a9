//! The parts of the kit beside their peers: each contender does each task in a process of its own.

use std::path::Path;

use super::{
    NORACE,
    report::{Environment, Report},
    tasks::{Contender, Programs, Task, task},
};

const OWN: Contender = (NORACE, "norace");
const OWN_ARC: Contender = ("Norace, an Arc", "norace-arc");
const ATOMIC: Contender = ("one atomic", "atomic");
const MUTEX: Contender = ("std Mutex", "mutex");

const CELL: Contender = ("crossbeam AtomicCell", "crossbeam");
const TOKIO: Contender = ("tokio", "tokio");
const ASYNC_LOCK: Contender = ("async-lock", "async-lock");

const COUNTERS: &[Contender] = &[OWN, ATOMIC, MUTEX];
const VERSIONS: &[Contender] = &[OWN, OWN_ARC, CELL, MUTEX];
const LOCKS: &[Contender] = &[OWN, TOKIO, ASYNC_LOCK];

const TASKS: &[Task] = &[
    task("counting, one thread", "count:1", COUNTERS),
    task("counting, 2 threads", "count:2", COUNTERS),
    task("a value with a version: read and set, one thread", "update:1", VERSIONS),
    task("the same, 2 threads", "update:2", VERSIONS),
    task("a value with a version: 99 of 100 read, one thread", "read:1", VERSIONS),
    task("the same, 2 threads", "read:2", VERSIONS),
    task("an async mutex, one task", "lock:1", LOCKS),
    task("an async mutex, 8 tasks", "lock:8", LOCKS),
    task("a semaphore, one task", "permits:1:1", LOCKS),
    task("a semaphore of 2, 8 tasks", "permits:8:2", LOCKS),
];

const HEAD: &str = "\
# Parts benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/main.rs). The times are those of one operation.

";

/// The packages that are compared with.
const PEERS: [&str; 3] = ["async-lock", "crossbeam-utils", "tokio"];

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
