//! The parts of the kit beside their peers: each contender does each task in a process of its own.

use std::path::Path;

use super::{
    NORACE,
    report::{Environment, Measure, Report},
    tasks::{Contender, Programs, Task, Tell, task},
};

const ATOMIC: Contender = ("one atomic", "atomic");
const MUTEX: Contender = ("std Mutex", "mutex");

/// The bus: one event at a time or in batches, read by who blocks or by who is overtaken.
const BUS: Contender = (NORACE, "norace");
const BUS_BATCH: Contender = ("Norace, batches", "norace-batch");
const BUS_LOSSY: Contender = ("Norace, lossy", "norace-lossy");
const DISRUPTOR: Contender = ("disruptor", "disruptor");
const DISRUPTOR_BATCH: Contender = ("disruptor, batches", "disruptor-batch");
const CROSSBEAM: Contender = ("crossbeam", "crossbeam");
const TOKIO: Contender = ("tokio broadcast", "tokio");
const ASYNC_BROADCAST: Contender = ("async-broadcast", "async-broadcast");
const BURSTS: &[Contender] = &[BUS, BUS_BATCH, DISRUPTOR, DISRUPTOR_BATCH, CROSSBEAM];
const BROADCASTS: &[Contender] = &[BUS, BUS_LOSSY, TOKIO, ASYNC_BROADCAST];

const DELAY: Measure = Measure { name: "P99", unit: "ms", rises: false };
const QUEUED: &[Tell] = &[Tell::Times, Tell::Field("p99_ms", DELAY)];

const TASKS: &[Task] = &[
    task("bus: bursts of 1, two threads that spin", "bus-burst:1", BURSTS),
    task("bus: bursts of 10, two threads that spin", "bus-burst:10", BURSTS),
    task("bus: bursts of 100, two threads that spin", "bus-burst:100", BURSTS),
    task("bus: 100 events to 10 tasks", "bus-tasks:10", BROADCASTS),
    task("bus: 100 events to 100 tasks", "bus-tasks:100", BROADCASTS),
    task("bus: 100 events to 1,000 tasks", "bus-tasks:1000", BROADCASTS),
    task("bus: 256 events taken by 1, one thread", "bus-drain:1", BROADCASTS),
    task("bus: 256 events taken by 4, one thread", "bus-drain:4", BROADCASTS),
    task("bus: 256 events taken by 16, one thread", "bus-drain:16", BROADCASTS),
    task("bus: 4 producers, ring of 1,024, batches of 64", "bus-queue:4", &[BUS, MUTEX])
        .telling(QUEUED),
    task("counting, one thread", "count:1", &[ATOMIC, MUTEX]),
    task("counting, 2 threads", "count:2", &[ATOMIC, MUTEX]),
];

const HEAD: &str = "\
# Parts benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/main.rs). The times are those of one operation.

";

/// The packages that are compared with.
const PEERS: [&str; 4] = ["async-broadcast", "crossbeam-channel", "disruptor", "tokio"];

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
