//! The parts of the kit beside their peers: each contender does each task in a process of its own.

use std::path::Path;

use super::{
    report::{Environment, Measure, Report},
    tasks::{Contender, GO, Programs, Task, Tell, task},
};

const ATOMIC: Contender = ("one atomic", "atomic");
const MUTEX: Contender = ("std Mutex", "mutex");

const POOL: Contender = ("Norace", "norace");
const PLAIN: Contender = ("the allocator", "plain");
const POOLS: &[Contender] = &[
    POOL,
    ("lockfree-object-pool", "lockfree"),
    ("object-pool", "object"),
    ("opool", "opool"),
    ("sharded-slab", "slab"),
    GO,
    PLAIN,
];
const ALLOCATED: Measure = Measure { name: "allocated for each request", unit: "B", rises: false };

const TASKS: &[Task] = &[
    task("counting, one thread", "count:1", &[ATOMIC, MUTEX]),
    task("counting, 2 threads", "count:2", &[ATOMIC, MUTEX]),
    task("pool: a buffer of 64 bytes", "pool-one:64", POOLS),
    task("pool: a buffer of 4 KiB", "pool-one:4096", POOLS),
    task("pool: a buffer of 1 MiB", "pool-one:1048576", POOLS),
    task("pool: 100 of 4 KiB at a time", "pool-burst:4096", POOLS),
    task("pool: taken here, given back there", "pool-forward:4096", POOLS),
    task("pool: 10,000 requests a second of 3 buffers", "pool-requests:2400", &[POOL, PLAIN])
        .telling(&[Tell::Field("bytes_per_request", ALLOCATED)]),
];

const HEAD: &str = "\
# Parts benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/main.rs). The times are those of one operation.

";

/// The packages that are compared with.
const PEERS: [&str; 4] = ["lockfree-object-pool", "object-pool", "opool", "sharded-slab"];

pub(super) fn measure(root: &Path, quick: bool) -> Result<Report, String> {
    let programs = Programs::build(root, "norace-bench-parts")?.with_go("parts")?;
    let (rounds, seconds) = if quick { (1, 0.1) } else { (5, 0.3) };
    let rounds_text = format!("{rounds}, in each {seconds} s or one pass");
    let environment = Environment::read(root, "parts", rounds_text)
        .with("peers", programs.versions(&PEERS)?)
        .with("Go", programs.go());
    let mut report = Report::new("parts", HEAD, environment);
    programs.measure(&mut report, TASKS, (rounds, seconds))?;
    Ok(report)
}
