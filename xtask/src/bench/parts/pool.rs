//! Object pools.

use super::Part;
use crate::bench::{
    NORACE,
    report::Measure,
    tasks::{Contender, GO, Tell, task},
};

const OWN: Contender = (NORACE, "norace");
const PLAIN: Contender = ("the allocator", "plain");
const POOLS: &[Contender] = &[
    OWN,
    ("lockfree-object-pool", "lockfree"),
    ("object-pool", "object"),
    ("opool", "opool"),
    ("sharded-slab", "slab"),
    GO,
    PLAIN,
];

/// Go has no such program here.
const RUST_POOLS: &[Contender] = &[
    OWN,
    ("lockfree-object-pool", "lockfree"),
    ("object-pool", "object"),
    ("opool", "opool"),
    ("sharded-slab", "slab"),
    PLAIN,
];
const ALLOCATED_ALL: Measure = Measure { name: "allocated in a run", unit: "MiB", rises: false };
const LONGEST: Measure = Measure { name: "longest wait for one", unit: "ms", rises: false };
const MADE: Measure = Measure { name: "made", unit: "objects", rises: false };
const KEPT: Measure = Measure { name: "in use after a while", unit: "MiB", rises: false };
const HITS: Measure = Measure { name: "were there already", unit: "%", rises: true };
const ALLOCATED: Measure = Measure { name: "allocated for each request", unit: "B", rises: false };

pub(in crate::bench) const POOL: Part = Part {
    name: "pool",
    head: "\
# Object pools benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/main.rs). The times are those of one object that is
taken and given back. Go's is `sync.Pool`.

What the later rows mean; they have 3 rounds or 2, but for the first. 10,000 requests a second, each with 3 buffers of
2,400 bytes, go on for 3 s in each of 5 rounds: 30 s in all, half of them with the pool and half without, and 2 s with
`--quick`; what counts as allocated are the buffers that had to be made. Objects that take a millisecond to make are
asked for by 2 threads, 4 at a time, 100 times each, of a pool that is new in each pass: 8 have to be made, and the
longest that anybody waited for one says whether making one holds up others; lockfree-object-pool makes 32 when it is
made itself. A burst takes 128 buffers of 512 KiB, writes all of them and gives them back; then 20 are used each
millisecond, one at a time, and after 0.6 s the memory counts that the process has more than before. Norace's pool ages
five times in that time, by its own habit, at a period that is set to a fifth of it; it is 30 s unless set, with which
the burst would be gone after a minute. The others have no ageing, so a longer wait would change nothing. Hits are
counted where one thread takes 2 to 200 buffers at a time, from a pool that is new in each pass, and another one gives
back the half of them.

Where Norace is behind, and why. An object is taken and given back by an atomic exchange each; Go pins the goroutine to
its processor meanwhile and needs none. lockfree-object-pool has one list for all threads, keeps no bound, serves no
line and gives no memory back.

",
    peers: &["lockfree-object-pool", "object-pool", "opool", "sharded-slab"],
    tasks: &[
        task("a buffer of 64 bytes", "pool-one:64", POOLS),
        task("a buffer of 4 KiB", "pool-one:4096", POOLS),
        task("a buffer of 1 MiB", "pool-one:1048576", POOLS),
        task("100 of 4 KiB at a time", "pool-burst:4096", POOLS),
        task("taken here, given back there", "pool-forward:4096", POOLS),
        task("10,000 requests a second of 3 buffers", "pool-requests:2400", &[OWN, PLAIN])
            .telling(&[
                Tell::Field("bytes_per_request", ALLOCATED),
                Tell::Field("mebibytes", ALLOCATED_ALL),
            ])
            .longer(10.0),
        task("200 of 4 KiB from a cold pool, each made in 1 ms", "pool-slow:4096", RUST_POOLS)
            .telling(&[Tell::Times, Tell::Field("longest_ms", LONGEST), Tell::Field("made", MADE)])
            .rounds(3),
        task("after a burst of 128 of 512 KiB", "pool-memory:524288", RUST_POOLS)
            .telling(&[Tell::Field("kept_mib", KEPT)])
            .rounds(2)
            .longer(2.0),
        task("up to 200 at a time, half given back there", "pool-hits:4096", RUST_POOLS)
            .telling(&[Tell::Times, Tell::Field("hit_percent", HITS)])
            .rounds(3),
    ],
};
