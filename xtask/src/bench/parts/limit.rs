//! Limits.

use super::Part;
use crate::bench::{
    NORACE,
    report::Measure,
    tasks::{Contender, Tell, task},
};

const HERE: &[Contender] = &[(NORACE, "norace"), ("governor", "governor")];

const SHARED: &[Contender] =
    &[(NORACE, "leased"), ("Norace, delayed", "delayed"), ("each request asks", "each")];

const OVER: Measure = Measure { name: "beyond 20,000", unit: "requests", rises: false };
const CALLS: Measure = Measure { name: "calls for 1,000", unit: "calls", rises: false };
const DECISION: Measure = Measure { name: "P99 of a decision", unit: "us", rises: false };

pub(in crate::bench) const LIMIT: Part = Part {
    name: "limit",
    head: "\
# Limits benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/limits.rs). The times are those of one decision.

The last task has two nodes and a `redis-server` on this machine. Both ask some 10,000 times a second each, until a
limit of 20,000 is used up. `leased` and `delayed` talk to Redis at 50 requests or every 100 ms; the third one asks
Redis with an `INCR` for each request. A run in which more is admitted than the stated bound is an error, not a row.

",
    peers: &["governor", "redis"],
    tasks: &[
        task("one place, admitted, one thread", "limit-one:1:allow", HERE),
        task("one place, admitted, 2 threads", "limit-one:2:allow", HERE),
        task("one place, denied, one thread", "limit-one:1:deny", HERE),
        task("one place, denied, 2 threads", "limit-one:2:deny", HERE),
        task("100,000 keys, one thread", "limit-many:1:100000", HERE),
        task("100,000 keys, 2 threads", "limit-many:2:100000", HERE),
        task("two nodes share 20,000", "limit-shared", SHARED).telling(&[
            Tell::Field("over", OVER),
            Tell::Field("calls_per_1000", CALLS),
            Tell::Field("p99_us", DECISION),
        ]),
    ],
};
