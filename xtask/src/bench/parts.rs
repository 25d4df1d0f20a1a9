//! The parts of the kit beside their peers: each contender does each task in a process of its own.

use std::path::Path;

use super::{
    report::{Environment, Report},
    tasks::{Contender, Programs, Task, task},
};

const ATOMIC: Contender = ("one atomic", "atomic");
const MUTEX: Contender = ("std Mutex", "mutex");

const NORACE: Contender = ("norace", "norace");
const ARC_SWAP: Contender = ("arc-swap", "arc-swap");
/// Those who hold a value that is read and replaced.
const HOLDERS: &[Contender] = &[
    NORACE,
    ARC_SWAP,
    ("std RwLock of Arc", "rwlock"),
    ("std Mutex of Arc", "mutex"),
    ("parking_lot RwLock of Arc", "parking-lot"),
    ("tokio watch", "watch"),
];

const TASKS: &[Task] = &[
    task("C1 load, one thread", "load:1:0", HOLDERS),
    task("C1 load, 2 threads", "load:2:0", HOLDERS),
    task("C2 load, one thread beside 10 writes/s", "load:1:10", HOLDERS),
    task("C2 load, one thread beside 1,000 writes/s", "load:1:1000", HOLDERS),
    task("C2 load, one thread beside 100,000 writes/s", "load:1:100000", HOLDERS),
    task("C6 cached reader, one thread", "cached:1:0", &[NORACE, ARC_SWAP]),
    task("C6 cached reader, 2 threads", "cached:2:0", &[NORACE, ARC_SWAP]),
    task("C6 cached reader beside 1,000 writes/s", "cached:1:1000", &[NORACE, ARC_SWAP]),
    task("counting, one thread", "count:1", &[ATOMIC, MUTEX]),
    task("counting, 2 threads", "count:2", &[ATOMIC, MUTEX]),
];

const HEAD: &str = "\
# Parts benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/main.rs). The times are those of one operation.

";

/// The packages that are compared with.
const PEERS: [&str; 3] = ["arc-swap", "parking_lot", "tokio"];

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
