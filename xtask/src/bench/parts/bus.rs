//! The event bus.

use super::Part;
use crate::bench::{
    NORACE,
    report::Measure,
    tasks::{Contender, Tell, task},
};

/// One event at a time or in batches, read by who blocks or by who is overtaken.
const OWN: Contender = (NORACE, "norace");
const OWN_BATCH: Contender = ("Norace, batches", "norace-batch");
const OWN_LOSSY: Contender = ("Norace, lossy", "norace-lossy");

const BURSTS: &[Contender] = &[
    OWN,
    OWN_BATCH,
    ("disruptor", "disruptor"),
    ("disruptor, batches", "disruptor-batch"),
    ("crossbeam", "crossbeam"),
];
const BROADCASTS: &[Contender] =
    &[OWN, OWN_LOSSY, ("tokio broadcast", "tokio"), ("async-broadcast", "async-broadcast")];

const DELAY: Measure = Measure { name: "P99", unit: "ms", rises: false };

pub(in crate::bench) const BUS: Part = Part {
    name: "bus",
    head: "\
# Event bus benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/bus.rs). The times are those of one event, or of one
that one receiver gets where there are many. disruptor and Norace's bus spin where it is said, on two threads;
crossbeam's channel has one receiver and spins a little before it sleeps.

Where Norace is behind, and why. The disruptor is built here for one producer that nobody may join, and readers that
never sleep: publishing is a plain store. The bus takes any number of producers and wakes who sleeps, which is two
locked steps for an event that is published alone; a batch shares them. Each of its slots has a word beside the value,
so that events of 8 bytes take three times the cache lines. Batches are published from their end: a reader that spins at
their start took the lines away from the producer one by one before, at 70 ns an event in bursts of 10. Among 100 tasks
more than half of the time is spent in waking and running them, and not in the bus, so that five times tokio is out of
reach of any ring. Of the 4 producers' time a quarter goes into the clock that stamps each event, on both sides.

",
    peers: &["async-broadcast", "crossbeam-channel", "disruptor", "tokio"],
    tasks: &[
        task("bursts of 1, two threads that spin", "bus-burst:1", BURSTS),
        task("bursts of 10, two threads that spin", "bus-burst:10", BURSTS),
        task("bursts of 100, two threads that spin", "bus-burst:100", BURSTS),
        task("100 events to 10 tasks", "bus-tasks:10", BROADCASTS),
        task("100 events to 100 tasks", "bus-tasks:100", BROADCASTS),
        task("100 events to 1,000 tasks", "bus-tasks:1000", BROADCASTS),
        task("256 events taken by 1, one thread", "bus-drain:1", BROADCASTS),
        task("256 events taken by 4, one thread", "bus-drain:4", BROADCASTS),
        task("256 events taken by 16, one thread", "bus-drain:16", BROADCASTS),
        task(
            "4 producers, ring of 1,024, batches of 64",
            "bus-queue:4",
            &[OWN, ("std Mutex", "mutex")],
        )
        .telling(&[Tell::Times, Tell::Field("p99_ms", DELAY)]),
    ],
};
