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

const QUEUES: &[Contender] = &[OWN, ("std Mutex", "mutex")];
const TWO_PRODUCERS: &[Contender] = &[
    OWN,
    ("disruptor, spinning", "disruptor"),
    ("crossbeam", "crossbeam"),
    ("std Mutex", "mutex"),
];
const FANS: &[Contender] = &[
    OWN,
    ("disruptor, yielding", "disruptor"),
    ("async-broadcast", "async-broadcast"),
    ("a crossbeam channel each", "crossbeam"),
];
const STAGES: &[Contender] = &[
    OWN,
    ("Norace, channels", "norace-channels"),
    ("disruptor, yielding", "disruptor"),
    ("crossbeam channels", "crossbeam"),
];
const SLEEPERS: &[Contender] = &[
    OWN,
    ("Norace, spinning", "norace-spin"),
    ("disruptor, spinning", "disruptor"),
    ("tokio broadcast", "tokio"),
    ("async-broadcast", "async-broadcast"),
    ("crossbeam", "crossbeam"),
];
const STALLED: &[Contender] = &[
    (NORACE, "norace"),
    ("Norace, blocking", "norace-block"),
    ("tokio broadcast", "tokio"),
    ("async-broadcast, overflowing", "async-broadcast"),
];
const VISITED: &[Contender] =
    &[OWN, ("tokio broadcast", "tokio"), ("async-broadcast", "async-broadcast")];
const PANICKED: &[Contender] = &[
    OWN,
    ("tokio broadcast", "tokio"),
    ("crossbeam", "crossbeam"),
    ("disruptor, given up after 100 ms", "disruptor"),
];

const fn micros(name: &'static str) -> Measure {
    Measure { name, unit: "us", rises: false }
}

const TIME: Measure = Measure { name: "time", unit: "ns", rises: false };
const DELAY: Measure = Measure { name: "P99", unit: "ms", rises: false };
const IDLE: Measure = Measure { name: "processor when idle", unit: "%", rises: false };
const LOST: Measure = Measure { name: "lost", unit: "events", rises: false };
const LOST_STEADY: Measure = Measure { name: "lost to the other", unit: "events", rises: false };
const LOST_PART: Measure = Measure { name: "lost", unit: "%", rises: false };

const QUEUEING: &[Tell] = &[Tell::Times, Tell::Field("p99_ms", DELAY)];
const BURSTING: &[Tell] = &[Tell::Field("ns", TIME)];
const WAKING: &[Tell] = &[
    Tell::Field("p50_us", micros("P50")),
    Tell::Field("p99_us", micros("P99")),
    Tell::Field("idle_percent", IDLE),
];
const STEADY: &[Tell] = &[
    Tell::Field("late_p99_us", micros("P99 of publishing")),
    Tell::Field("other_p99_us", micros("P99 until the other has it")),
];
const STALLING: &[Tell] = &[
    Tell::Field("late_p99_us", micros("P99 of publishing")),
    Tell::Field("other_p99_us", micros("P99 until the other has it")),
    Tell::Field("lost", LOST),
    Tell::Field("lost_steady", LOST_STEADY),
];
const VISITING: &[Tell] = &[
    Tell::Times,
    Tell::Field("visit_p99_us", micros("P99 of coming and going")),
    Tell::Field("lost_percent", LOST_PART),
];
const PANICKING: &[Tell] =
    &[Tell::Field("recovery_us", micros("P50 of recovering")), Tell::Field("lost", LOST)];

pub(in crate::bench) const BUS: Part = Part {
    name: "bus",
    head: "\
# Event bus benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/bus.rs). The times are those of one event, or of one
that one receiver gets where there are many. disruptor and Norace's bus spin where it is said, on two threads;
crossbeam's channel has one receiver and spins a little before it sleeps.

What the later rows mean; they have 3 rounds or 2. Pauses between bursts are slept, and are not in the time. Where there
are more than two threads nobody may spin: consumers sleep until they are woken, who finds a ring full yields, and the
disruptor, which knows no such sleep, yields, or spins as the only one that does. Two consumers get every event each,
and three stages pass each on with one added: three buses or channels in a row, and the disruptor's stages on one ring.
tokio's broadcast overwrites what was not read, so it has no place where everything has to arrive.

For two thirds of 0.6 s one event is published each millisecond, then none: P50 and P99 are from before its publication
to its handling by a thread that slept, and the processor's time in the last third is what waiting for nothing costs.
Where one of two subscribers stalls for 100 ms in a second, 10 events are due each millisecond on a ring of 256; P99 of
publishing, and of the time until the subscriber that does not stall has an event, count from when it was due; the row
above it, in which neither stalls, says what they are without. A run in which received and lost do not add up to
published is an error, not a row. Overwriting loses what 100 ms bring beyond the ring to who stalls, some 750 events,
and nothing to the other; blocking loses none and holds up the producer. Beside one subscriber that gets everything
another thread subscribes and leaves each millisecond; tokio, which waits for nobody, loses most of what a producer
sends that is faster than the reader. A handler that panics is called again with the next event, by its own loop: the
median of the time from panic to next event. disruptor 4.4.0 ends its thread with the panic and stands still for ever;
it is given up after 100 ms without room in the ring, and what was published by then is lost.

Where Norace is behind, and why. The disruptor is built here for one producer that nobody may join, and readers that
never sleep: publishing is a plain store. The bus takes any number of producers and wakes who sleeps, which is two
locked steps for an event that is published alone; a batch shares them. Each of its slots has a word beside the value,
so that events of 8 bytes take three times the cache lines. Batches are published from their end: a reader that spins at
their start took the lines away from the producer one by one before, at 70 ns an event in bursts of 10. With more
threads than processors (one producer with 2 consumers, 3 stages) those of the disruptor and of crossbeam give up the
processor in a loop while they wait; Norace's look for 25 us and then sleep. Why two producers, and subscribers that
come and go, are slower than crossbeam's and tokio's is not known yet.

Three targets were missed. The disruptor's times for bursts were to be reached: why they are not stands above. At 100
receivers the bus was to be five times as fast as tokio's broadcast, and is 1.2 to 1.5 times: more than half of the
time is spent in waking and running the tasks, and not in the bus, so that it is out of reach of any ring. Beside a
queue under a mutex it was to have the article's 5.8 times the throughput and a sixteenth of P99, and has about 3 times
and a third. The article's are Go's queues on its own machine. Here 5.8 times would be 55 ns an event, of which the
clock that stamps it takes some 28, on both sides; and of 4 producers no more than two run at once, so that few meet at
the mutex. P99 can't be further ahead than throughput: producers that publish as fast as they can keep both queues
full, and an event waits for the same number of others, some 620, in either.

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
        task("4 producers, ring of 1,024, batches of 64", "bus-queue:4", QUEUES).telling(QUEUEING),
        task("2 producers, one consumer", "bus-queue:2", TWO_PRODUCERS)
            .telling(QUEUEING)
            .rounds(3),
        task("one producer, 2 consumers", "bus-fan:2", FANS).rounds(3),
        task("3 stages, one behind the other", "bus-stages", STAGES).rounds(3),
        task("bursts of 10, a pause of 1 ms between", "bus-burst:10:1", BURSTS)
            .telling(BURSTING)
            .rounds(3),
        task("bursts of 10, a pause of 10 ms between", "bus-burst:10:10", BURSTS)
            .telling(BURSTING)
            .rounds(3),
        task("one event each millisecond, then none", "bus-wakes", SLEEPERS)
            .telling(WAKING)
            .rounds(2)
            .longer(2.0),
        task("10 events each millisecond to 2, neither stalls", "bus-stall:0", STALLED)
            .telling(STEADY)
            .rounds(3)
            .longer(3.0),
        task("the same, one of 2 stalls for 100 ms in a second", "bus-stall:1", STALLED)
            .telling(STALLING)
            .rounds(3)
            .longer(3.0),
        task("1,000 come and go each second", "bus-churn", VISITED).telling(VISITING).rounds(3),
        task("a handler panics, one event in 100", "bus-panic", PANICKED)
            .telling(PANICKING)
            .rounds(3),
    ],
};
