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

/// What shares a limit.
const REDIS: &str = "redis-server";

const OVER: Measure = Measure { name: "beyond 20,000", unit: "requests", rises: false };
const UNDER: Measure = Measure { name: "left of 20,000", unit: "requests", rises: false };
const CALLS: Measure = Measure { name: "calls for 1,000", unit: "calls", rises: false };
const DECISION: Measure = Measure { name: "P99 of a decision", unit: "us", rises: false };

const SHARING: &[Tell] = &[
    Tell::Field("over", OVER),
    Tell::Field("under", UNDER),
    Tell::Field("calls_per_1000", CALLS),
    Tell::Field("p99_us", DECISION),
];

pub(in crate::bench) const LIMIT: Part = Part {
    name: "limit",
    head: "\
# Limits benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/limits.rs). The times are those of one decision.

The last tasks have 2, 4 or 8 nodes, a thread and a connection each, and a `redis-server` on this machine. Each node
asks some 10,000 times a second, if it gets to run, until it is told no 500 times in a row; together they may admit
20,000. `leased` and `delayed` talk to Redis at 50 requests or every 100 ms; the third one asks Redis with an `INCR` for
each request. A run in which more is admitted than the stated bound is an error, not a row. What nodes do that die, lose
answers or find Redis restarted is tested with processes of their own, and not timed.

Where Norace is behind, and why. Half of a decision on one place is the reading of the tick counter, which both do. Ours
looks up its quota as well, which may be changed while it is in use, and when the counter was last compared with the
clock: two sequence locks that governor, whose quota is fixed and whose clock trusts the counter, does without. Among
100,000 keys nearly all of the time is one miss of the cache, and runs of either differ by up to a factor of two.

",
    peers: &["governor", "redis"],
    tasks: &[
        task("one place, admitted, one thread", "limit-one:1:allow", HERE),
        task("one place, admitted, 2 threads", "limit-one:2:allow", HERE),
        task("one place, denied, one thread", "limit-one:1:deny", HERE),
        task("one place, denied, 2 threads", "limit-one:2:deny", HERE),
        task("100,000 keys, one thread", "limit-many:1:100000", HERE),
        task("100,000 keys, 2 threads", "limit-many:2:100000", HERE),
        task("2 nodes share 20,000", "limit-shared:2", SHARED).telling(SHARING).needing(REDIS),
        task("4 nodes share 20,000", "limit-shared:4", SHARED).telling(SHARING).needing(REDIS),
        task("8 nodes share 20,000", "limit-shared:8", SHARED).telling(SHARING).needing(REDIS),
    ],
};
