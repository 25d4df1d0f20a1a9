//! Values that many read and few replace.

use super::Part;
use crate::bench::{
    NORACE,
    report::Measure,
    tasks::{Contender, Tell, task},
};

const OWN: Contender = (NORACE, "norace");
const ARC_SWAP: Contender = ("arc-swap", "arc-swap");
const HOLDERS: &[Contender] = &[
    OWN,
    ARC_SWAP,
    ("std RwLock of Arc", "rwlock"),
    ("std Mutex of Arc", "mutex"),
    ("parking_lot RwLock of Arc", "parking-lot"),
    ("tokio watch", "watch"),
];

const BOXED: &[Contender] = &[OWN, ARC_SWAP, ("std Mutex of Arc", "mutex")];

/// Who may be held across an await by a task that goes from thread to thread.
const HELD_ACROSS: &[Contender] =
    &[OWN, ARC_SWAP, ("std RwLock of Arc", "rwlock"), ("parking_lot RwLock of Arc", "parking-lot")];
const STORMED: &[Contender] = &[OWN, ARC_SWAP, ("std RwLock of Arc", "rwlock")];
const FOLLOWERS: &[Contender] = &[OWN, ("Norace, every 50 ms", "norace-50")];

const TIME: Measure = Measure { name: "time", unit: "ns", rises: false };
const RATE: Measure = Measure { name: "writes", unit: "a second", rises: true };
const WRITE: Measure = Measure { name: "P99 of a write", unit: "us", rises: false };
const MOST: Measure = Measure { name: "alive at most", unit: "versions", rises: false };
const AFTER: Measure = Measure { name: "alive after it", unit: "versions", rises: false };
const SEEN: Measure = Measure { name: "until all have seen it", unit: "ms", rises: false };

const WRITING: &[Tell] = &[Tell::Field("ns", TIME), Tell::Field("writes_per_second", RATE)];
const HOLDING: &[Tell] = &[Tell::Times, Tell::Field("write_p99_us", WRITE)];
const STORMING: &[Tell] =
    &[Tell::Times, Tell::Field("live_most", MOST), Tell::Field("live_after", AFTER)];

pub(in crate::bench) const CONFIG: Part = Part {
    name: "config",
    head: "\
# Hot configuration benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/config.rs). The times are those of one read, in which
the value is looked at. A boxed value is a `Box<dyn Any>` in the same holder, which each read asks for its type, as
a store of settings of any type has it. Writes up to 1,000 a second are slept between; at 100,000 the writer spins until
the next one is due, so that the processors' time says nothing there and the writes that were made are told instead.

What the later rows mean; they have 3 rounds. What a read gives is held: for a microsecond, which is in the time, across
an await by 8 tasks on tokio's runtime, and by the nine at once, one more than a thread has places for in Norace's and
in arc-swap. Norace, arc-swap and tokio's watch give a guard, the locks a count of an `Arc` more; watch's guard is a
lock that the writer waits for, and may not be held across an await. Beside the first two a thread writes 1,000 times a
second, and P99 of a write says who holds it up. Writes alone are timed while 0, 4 or 16 other threads sleep that have
read before; readers leave behind something in arc-swap that each write has to look at. A storm is 10,000 versions as
fast as it goes, beside a thread that reads all the time and a reader that has a copy of the first one and never looks
again; two versions have to be alive after it, the one in force and that copy, and one when the copy is dropped, or the
run is an error. A file is replaced by renaming, and 4 threads wait for its change: the median of the time from the
renaming until all of them have the new value. Each change comes right after a look at the file, which is the worst time
for it: two intervals, of 500 ms unless set. The peers follow no file. That row has 2 rounds, of 2 changes or 1.2 s.

Where Norace is behind, and why. A write of Norace's reads the value in force, has the new one checked against it, gives
it a version, keeps the former ones for a rollback and looks for subscribers; arc-swap exchanges a pointer and looks at
what readers left. A guard beyond a thread's places counts an `Arc` up and down, as arc-swap's does.

",
    peers: &["arc-swap", "parking_lot", "tokio"],
    tasks: &[
        task("load, one thread", "load:1:0", HOLDERS),
        task("load, 2 threads", "load:2:0", HOLDERS),
        task("load of a boxed value, one thread", "boxed:1:0", BOXED),
        task("load of a boxed value, 2 threads", "boxed:2:0", BOXED),
        task("load, one thread beside 10 writes a second", "load:1:10", HOLDERS),
        task("load, one thread beside 1,000 writes a second", "load:1:1000", HOLDERS),
        task("load, one thread beside 100,000 writes a second", "load:1:100000", HOLDERS)
            .telling(WRITING),
        task("cached reader, one thread", "cached:1:0", &[OWN, ARC_SWAP]),
        task("cached reader, 2 threads", "cached:2:0", &[OWN, ARC_SWAP]),
        task("cached reader beside 1,000 writes a second", "cached:1:1000", &[OWN, ARC_SWAP]),
        task("cached reader beside 100,000 writes a second", "cached:1:100000", &[OWN, ARC_SWAP])
            .telling(WRITING),
        task("held for 1 us, 2 threads", "hold", HOLDERS).telling(HOLDING).rounds(3),
        task("held across an await, 8 tasks", "await", HELD_ACROSS).telling(HOLDING).rounds(3),
        task("9 held at once", "nine", HOLDERS).rounds(3),
        task("a write, nobody has read", "store:0", HOLDERS).rounds(3),
        task("a write, 4 threads have read", "store:4", HOLDERS).rounds(3),
        task("a write, 16 threads have read", "store:16", HOLDERS).rounds(3),
        task("a storm of writes", "storm:10000", STORMED).telling(STORMING).rounds(3),
        task("a file is replaced, 4 wait", "file", FOLLOWERS)
            .telling(&[Tell::Field("seen_ms", SEEN)])
            .rounds(2)
            .longer(4.0),
    ],
};
