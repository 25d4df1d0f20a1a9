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
const CALLS: Measure = Measure { name: "calls for 1,000 admitted", unit: "calls", rises: false };
const DECISION: Measure = Measure { name: "P99 of a decision", unit: "us", rises: false };

const SHARING: &[Tell] = &[
    Tell::Field("over", OVER),
    Tell::Field("under", UNDER),
    Tell::Field("calls_per_1000", CALLS),
    Tell::Field("p99_us", DECISION),
];

const SHARED_OWN: &[Contender] = &[(NORACE, "leased"), ("Norace, delayed", "delayed")];

const fn requests(name: &'static str) -> Measure {
    Measure { name, unit: "requests", rises: false }
}

const BYTES: Measure = Measure { name: "memory for a key", unit: "B", rises: false };
const CROWDED: Measure = Measure { name: "P99 where keys have to go", unit: "ns", rises: false };
const STALL: Measure = Measure { name: "longest there", unit: "us", rises: false };
const LONGEST: Measure = Measure { name: "longest decision", unit: "ms", rises: false };
const AT_ONCE: Measure = Measure { name: "most in any such time", unit: "%", rises: false };
const USED: Measure = Measure { name: "of a window's limit used", unit: "%", rises: true };

const CROWDING: &[Tell] = &[
    Tell::Times,
    Tell::Field("bytes_per_key", BYTES),
    Tell::Field("crowd_p99_ns", CROWDED),
    Tell::Field("stall_us", STALL),
];
const TROUBLED: &[Tell] = &[
    Tell::Field("over", requests("beyond 8,000")),
    Tell::Field("under", requests("left of 8,000")),
    Tell::Field("calls_per_1000", CALLS),
    Tell::Field("p99_us", DECISION),
    Tell::Field("longest_ms", LONGEST),
];
const CRASHING: &[Tell] = &[
    Tell::Field("over", requests("beyond 8,000")),
    Tell::Field("under", requests("left of 8,000")),
    Tell::Field("bound", requests("may be beyond")),
    Tell::Field("calls_per_1000", CALLS),
    Tell::Field("p99_us", DECISION),
];
const WINDOWS: &[Tell] = &[
    Tell::Field("over", requests("beyond 500")),
    Tell::Field("most_percent", AT_ONCE),
    Tell::Field("used_percent", USED),
    Tell::Field("calls_per_1000", CALLS),
    Tell::Field("p99_us", DECISION),
];

pub(in crate::bench) const LIMIT: Part = Part {
    name: "limit",
    head: "\
# Limits benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/limits.rs). The times are those of one decision.

Other tasks have 2, 4 or 8 nodes, with a connection each, and a `redis-server` on this machine. A node is a thread, or
where the row says so a process. Each asks some 10,000 times a second, if it gets to run, until it is told no 500 times
in a row; together they may admit 20,000. `leased` and `delayed` talk to Redis at 50 requests or every 100 ms; the third
one asks Redis with an `INCR` for each request. A run in which more is admitted than the stated bound is an error, not a
row. Without a `redis-server` these tasks are left out.

**The target is at most 3 calls to Redis for 100 requests.** Counting first takes 2, one for each batch. Granting first
misses the target with leases of 50, and takes 4: a node asks when half of its lease is gone, so that the next one is
there before it is needed, and so a call brings 25. Near the end leases get smaller, which costs some calls more for
each node. Leases of 80 reach the target with 8 nodes as well, as their row shows; the price is that the others may hold
more when a node is refused.

What the later rows mean; they have 2 rounds or 3. A million keys are asked for by Zipf's law, the n-th in proportion to
1 / n; memory is what the process has more when each was asked for once. Then there is room for an eighth of them, and a
quota is whole again after a millisecond: Norace's table lets keys go by itself when it needs a place, governor's when
it is told to, by a thread that does so every 10 ms if there are too many. The longest decision there is the stall.

Of 8,000 that nodes share, the same as above: 2 nodes whose Redis is frozen for 5 s after 0.2 s, or killed then and
another one in its place 0.3 s later, which knows nothing; 4 nodes, 3 of which ask a hundredth as often as the first;
and nodes that lose each tenth answer, after Redis did what it was told. Who asks for each request waits as long as the
store is frozen, begins to count anew when it was killed, and counts twice what it asks again. Norace's nodes admit
nothing that they were not granted, or at most a batch, while the store is away, and nothing more when it comes back
empty: what is left then is the price. Where one node does most of the work, what was granted to others is left. A
message whose answer was lost is sent again, and counted once. Of processes half are killed within their second batch
and replaced; all that they wrote until they died counts. Counting first may admit a batch more for each crash, which
the last measure but two says; what was granted to who died is left.

Windows of 250 ms admit 500 each, asked for some ten times as often by 2 nodes for 1.2 s. Beyond is the most in one
window by the store's clock; in any 250 ms there may be twice as many, across an edge. The clock of one node steps by a
second in the middle. Who asks for each request has the number of the window in the key, by the node's clock, as is
usual. A step forward may cost Norace what a crash does; a step back, which no monotonic clock makes, lets a node use a
lease in the next window. Calls are more here for each request that is admitted: a node that was granted nothing asks
again each 20 ms.

Where Norace is behind, and why. **One place.** callgrind counts 75 instructions for a decision of ours that admits, and
45 for one of governor's. Both read the tick counter, which is half of the time of one thread. Ours reads beside it,
behind two sequence locks, the quota, which may be changed while it is in use, and when the counter was last compared
with the clock; governor's quota is fixed, its clock trusts the counter, and all it has is one atomic word. With 2
threads that admit, each failed exchange costs ours another look at the clock, which has to be read after the word:
otherwise a thread that slept in between would bring an old window back. governor has no windows and looks once. Who
denies writes nothing, and is nearly as quick. **Many keys.** Among 100,000 keys nearly all of the time is one miss of
the cache, and runs of either differ by up to a factor of two. **Where keys have to go**, ours makes room within the
decision that needs it, a shard at a time, which its P99 shows; governor's waits for somebody who sweeps all of it,
which its longest decision shows.

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
        task("8 nodes share 20,000, batches of 80", "limit-shared:8:80", SHARED_OWN)
            .telling(SHARING)
            .needing(REDIS),
        task("2 processes share 20,000", "limit-processes:2:0", SHARED)
            .telling(SHARING)
            .needing(REDIS)
            .rounds(3),
        task("4 processes share 20,000", "limit-processes:4:0", SHARED)
            .telling(SHARING)
            .needing(REDIS)
            .rounds(3),
        task("8 processes share 20,000", "limit-processes:8:0", SHARED)
            .telling(SHARING)
            .needing(REDIS)
            .rounds(3),
        task("a million keys by Zipf", "limit-zipf:1000000", HERE).telling(CROWDING).rounds(3),
        task("2 nodes, Redis frozen for 5 s", "limit-frozen:2", SHARED)
            .telling(TROUBLED)
            .needing(REDIS)
            .rounds(2),
        task("2 nodes, Redis killed", "limit-killed:2", SHARED)
            .telling(TROUBLED)
            .needing(REDIS)
            .rounds(2),
        task("4 nodes, one asks 100 times as often", "limit-skew:4", SHARED)
            .telling(TROUBLED)
            .needing(REDIS)
            .rounds(2),
        task("2 nodes, each tenth answer lost", "limit-lossy:2", SHARED)
            .telling(TROUBLED)
            .needing(REDIS)
            .rounds(2),
        task("8 nodes, each tenth answer lost", "limit-lossy:8", SHARED)
            .telling(TROUBLED)
            .needing(REDIS)
            .rounds(2),
        task("2 processes, one dies within a batch", "limit-processes:2:1", SHARED)
            .telling(CRASHING)
            .needing(REDIS)
            .rounds(3),
        task("4 processes, 2 die within a batch", "limit-processes:4:2", SHARED)
            .telling(CRASHING)
            .needing(REDIS)
            .rounds(3),
        task("8 processes, 4 die within a batch", "limit-processes:8:4", SHARED)
            .telling(CRASHING)
            .needing(REDIS)
            .rounds(3),
        task("2 nodes, windows of 250 ms", "limit-window:2:steady", SHARED)
            .telling(WINDOWS)
            .needing(REDIS)
            .rounds(2)
            .longer(4.0),
        task("a clock 1 s forward", "limit-window:2:forward", SHARED)
            .telling(WINDOWS)
            .needing(REDIS)
            .rounds(2)
            .longer(4.0),
        task("a clock 1 s back", "limit-window:2:back", SHARED)
            .telling(WINDOWS)
            .needing(REDIS)
            .rounds(2)
            .longer(4.0),
    ],
};
