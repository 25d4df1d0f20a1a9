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

const ALLOCATED: Measure = Measure { name: "allocated for each request", unit: "B", rises: false };

pub(in crate::bench) const POOL: Part = Part {
    name: "pool",
    head: "\
# Object pools benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/main.rs). The times are those of one object that is
taken and given back. Go's is `sync.Pool`.

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
            .telling(&[Tell::Field("bytes_per_request", ALLOCATED)]),
    ],
};
