//! Counters, versioned cells and locks.

use super::Part;
use crate::bench::{
    NORACE,
    report::Measure,
    tasks::{Contender, Tell, task},
};

const OWN: Contender = (NORACE, "norace");
const OWN_ARC: Contender = ("Norace, an Arc", "norace-arc");
const ATOMIC: Contender = ("one atomic", "atomic");
const MUTEX: Contender = ("std Mutex", "mutex");
const CELL: Contender = ("crossbeam AtomicCell", "crossbeam");

const COUNTERS: &[Contender] = &[OWN, ATOMIC, MUTEX];
const VERSIONS: &[Contender] = &[OWN, OWN_ARC, CELL, MUTEX];
const LOCKS: &[Contender] = &[OWN, ("tokio", "tokio"), ("async-lock", "async-lock")];

const FREE_LISTS: &[Contender] = &[OWN, CELL, MUTEX, ("one atomic, no version", "bare")];
const STALLED: &[Contender] = &[
    (NORACE, "norace"),
    ("arc-swap", "arc-swap"),
    ("std Mutex of Arc", "mutex"),
    ("crossbeam-epoch", "crossbeam-epoch"),
];

const BROKEN: Measure = Measure { name: "lists that broke", unit: "%", rises: false };
const KEPT: Measure = Measure { name: "memory that is kept", unit: "MiB", rises: false };
const KEPT_PART: Measure = Measure { name: "of all that was written", unit: "%", rises: false };

pub(in crate::bench) const SYNC: Part = Part {
    name: "sync",
    head: "\
# Counters, versions and locks benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/main.rs). The times are those of one operation. A value
with a version is a word and a number of 64 bits; crossbeam's cell holds both, and spins behind a lock where the machine
has no atomic of that size, as std's mutex sleeps. Norace's cell of an `Arc` holds values of any size, and is told
beside the one for small values, which peers are compared with.

A free list has 6 places, of which 2 threads take two each and give both back, so that a place comes back at once with
another one behind it; one in 16 lets others run between its look and its exchange. A list breaks that gives a place to
two or loses one. With a version none may break, or the run is an error; one atomic word without a version shows that
the task does break lists. A reader that stalls has read before values of 4 KiB are replaced, some 20 in each
millisecond for 0.9 s, and lets go after it; what counts is the memory that the process has more then. Norace's cell of
an `Arc`, arc-swap and the mutex keep what the reader has; crossbeam-epoch frees nothing while anybody is pinned. These
two rows have 3 rounds and 2.

Where Norace is behind, and why. A value of 16 bytes is exchanged by one instruction that is as wide, at some 6 ns;
crossbeam's cell takes a lock by a narrower one, and who finds it taken spins. The mutex serves its line in order: with
8 tasks that want it all the time, each turn goes to another task. async-lock lets whoever runs take it again, for up to
half a millisecond, so that one task has many turns in a row and the others wait.

",
    peers: &["arc-swap", "async-lock", "crossbeam-epoch", "crossbeam-utils", "tokio"],
    tasks: &[
        task("counting, one thread", "count:1", COUNTERS),
        task("counting, 2 threads", "count:2", COUNTERS),
        task("a value with a version: read and set, one thread", "update:1", VERSIONS),
        task("the same, 2 threads", "update:2", VERSIONS),
        task("a value with a version: 99 of 100 read, one thread", "read:1", VERSIONS),
        task("the same, 2 threads", "read:2", VERSIONS),
        task("places of a free list, 2 threads", "reuse:2", FREE_LISTS)
            .telling(&[Tell::Times, Tell::Field("broken_percent", BROKEN)])
            .rounds(3),
        task("values replaced beside a reader that stalls", "stalled", STALLED)
            .telling(&[Tell::Field("kept_mib", KEPT), Tell::Field("kept_percent", KEPT_PART)])
            .rounds(2)
            .longer(3.0),
        task("an async mutex, one task", "lock:1", LOCKS),
        task("an async mutex, 8 tasks", "lock:8", LOCKS),
        task("a semaphore, one task", "permits:1:1", LOCKS),
        task("a semaphore of 2, 8 tasks", "permits:8:2", LOCKS),
    ],
};
