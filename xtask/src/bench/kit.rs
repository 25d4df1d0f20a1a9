//! Channels and runtime beside their peers: each contender does each task in a process of its own.

use std::path::Path;

use super::{
    NORACE,
    report::{Environment, Measure, Report},
    tasks::{Contender, GO, Programs, Task, Tell, task},
};

const DELAY: Measure = Measure { name: "P99", unit: "ms", rises: false };
const MEMORY: Measure = Measure { name: "memory", unit: "bytes", rises: false };
const SERVER: Measure = Measure { name: "server's processor", unit: "ns", rises: false };
const EVEN: Measure = Measure { name: "uneven", unit: "chi-square", rises: false };
const MOST: Measure = Measure { name: "taken most often", unit: "%", rises: false };
const LONGEST: Measure = Measure { name: "before it at most", unit: "choices", rises: false };
const LOST: Measure = Measure { name: "lost", unit: "of a million", rises: false };

const OWN: Contender = (NORACE, "norace");
const TOKIO: Contender = ("tokio", "tokio");
const SMOL: Contender = ("async-executor", "smol");
const KANAL: Contender = ("kanal", "kanal");
const FLUME: Contender = ("flume", "flume");
const CROSSBEAM: Contender = ("crossbeam", "crossbeam");
const CROSSFIRE: Contender = ("crossfire", "crossfire");
const ASYNC_CHANNEL: Contender = ("async-channel", "async-channel");
const STD: Contender = ("std", "std");
const CROSSFIRE_UNBOUNDED: Contender = ("crossfire", "crossfire-unbounded");
const TOKIO_UNBOUNDED: Contender = ("tokio", "tokio-unbounded");
const STD_UNBOUNDED: Contender = ("std", "std-unbounded");

/// Channels between tasks: those with a capacity of 0, those with any bound, and those without.
const RENDEZVOUS: &[Contender] = &[OWN, KANAL, FLUME, GO];
const BOUNDED: &[Contender] = &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE, TOKIO, GO];
const SHARED: &[Contender] = &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE, GO];
const UNBOUNDED: &[Contender] =
    &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE_UNBOUNDED, TOKIO_UNBOUNDED];

/// Channels between threads.
const MEETING: &[Contender] = &[OWN, CROSSBEAM, KANAL, FLUME, STD];
const BUFFERED: &[Contender] = &[OWN, CROSSBEAM, KANAL, FLUME, CROSSFIRE, STD];
const MANY: &[Contender] = &[OWN, CROSSBEAM, KANAL, FLUME, CROSSFIRE];
const MEETING_MANY: &[Contender] = &[OWN, CROSSBEAM, KANAL, FLUME];
const ENDLESS: &[Contender] = &[OWN, CROSSBEAM, KANAL, FLUME, CROSSFIRE_UNBOUNDED, STD_UNBOUNDED];

/// Messages that are larger than a word.
const SIZED: &[Contender] = &[OWN, KANAL, FLUME, CROSSFIRE, TOKIO, GO];

/// Between a thread and a task.
const BRIDGES: &[Contender] = &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE, TOKIO];

/// The kit's runtime where a poll never counts as stalled, so that nobody takes a worker's next task from it.
const PATIENT: Contender = ("Norace, patient", "norace-patient");

const RUNTIMES: &[Contender] = &[OWN, TOKIO, SMOL, GO];
const KEEPING_NEXT: &[Contender] = &[OWN, PATIENT, TOKIO, SMOL, GO];
const OWN_RUNTIMES: &[Contender] = &[OWN, TOKIO, SMOL];
const CONTEXTS: &[Contender] = &[OWN, ("tokio-util", "tokio-util"), GO];

const CHOOSERS: &[Contender] = &[OWN, CROSSBEAM, TOKIO, GO];
const STORMED: &[Contender] = &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE, TOKIO];
const TIMED: &[Contender] = &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE, TOKIO, GO];

const SERVED: &[Tell] = &[Tell::Times, Tell::Field("server_ns", SERVER)];
const FAIR: &[Tell] =
    &[Tell::Times, Tell::Field("uneven", EVEN), Tell::Field("most_percent", MOST)];
const RARE: &[Tell] = &[Tell::Field("longest", LONGEST)];
const LATE: &[Tell] = &[Tell::Field("p99_ms", DELAY)];
const SIZE: &[Tell] = &[Tell::Field("bytes", MEMORY)];
const STORM: &[Tell] = &[Tell::PerMillion("lost", LOST)];

const TASKS: &[Task] = &[
    task("one task to one, capacity 0", "flow:1:1:0", RENDEZVOUS),
    task("one task to one, capacity 1", "flow:1:1:1", BOUNDED),
    task("one task to one, capacity 128", "flow:1:1:128", BOUNDED),
    task("one task to one, capacity 128, 64 bytes", "sized:64:128", SIZED),
    task("one task to one, capacity 128, 512 bytes", "sized:512:128", SIZED),
    task("one task to one, unbounded", "flow:1:1:inf", UNBOUNDED),
    task("one task to one, capacity 0, one worker", "flow:1:1:0", RENDEZVOUS).alone(),
    task("one task to one, capacity 128, one worker", "flow:1:1:128", BOUNDED).alone(),
    task("8 tasks to one, capacity 1", "flow:8:1:1", BOUNDED),
    task("8 tasks to one, capacity 128", "flow:8:1:128", BOUNDED),
    task("64 tasks to one, capacity 128", "flow:64:1:128", BOUNDED),
    task("2 tasks to 2, capacity 1", "flow:2:2:1", SHARED),
    task("2 tasks to 2, capacity 128", "flow:2:2:128", SHARED),
    task("16 tasks to 16, capacity 128", "flow:16:16:128", SHARED),
    task("one thread to one, capacity 0", "threads:1:1:0", MEETING),
    task("one thread to one, capacity 1", "threads:1:1:1", BUFFERED),
    task("one thread to one, capacity 128", "threads:1:1:128", BUFFERED),
    task("one thread to one, unbounded", "threads:1:1:inf", ENDLESS),
    task("2 threads to 2, capacity 128", "threads:2:2:128", MANY),
    task("8 threads to 8, capacity 0", "threads:8:8:0", MEETING_MANY),
    task("8 threads to 8, capacity 128", "threads:8:8:128", MANY),
    task("two threads on one processor, capacity 0", "threads:1:1:0", MEETING).crowded(),
    task("two threads on one processor, unbounded", "threads:1:1:inf", ENDLESS).crowded(),
    task("thread to task, capacity 1", "bridge:1", BRIDGES),
    task("thread to task, capacity 128", "bridge:128", BRIDGES),
    task("task to thread, capacity 1", "bridge-back:1", BRIDGES),
    task("task to thread, capacity 128", "bridge-back:128", BRIDGES),
    task("ring of 300 tasks, capacity 1", "ring", &[OWN, KANAL, TOKIO, SMOL, GO]),
    task("select of 4 tasks, capacity 0", "select:0", &[OWN, GO]),
    task("select of 4 tasks, capacity 1", "select:1", &[OWN, TOKIO, GO]),
    task("select of 4 tasks, capacity 128", "select:128", &[OWN, TOKIO, GO]),
    task("select of 4 threads, capacity 1", "select-threads:1", &[OWN, CROSSBEAM]),
    task("one of 8 channels is used", "select-set:8", &[OWN, GO]),
    task("one of 64 channels is used", "select-set:64", &[OWN, GO]),
    task("one of 512 channels is used", "select-set:512", &[OWN, GO]),
    task("one of 8 channels is used, threads", "select-set-threads:8", &[OWN, CROSSBEAM]),
    task("one of 64 channels is used, threads", "select-set-threads:64", &[OWN, CROSSBEAM]),
    task("one of 512 channels is used, threads", "select-set-threads:512", &[OWN, CROSSBEAM]),
    task("receive beside a context that does not end", "select-context", &[OWN, TOKIO, GO]),
    task("choice among 4 that are ready", "select-fair:4", CHOOSERS).telling(FAIR),
    task("choice among 4, the first 2 are ready", "select-fair:2", CHOOSERS).telling(FAIR),
    task("choice among 4, one is always ready, one rarely", "select-rare", CHOOSERS).telling(RARE),
    task("receive with a time-out that does not pass", "timeout", &[OWN, TOKIO, GO]),
    task("start and join, from a task", "spawn-join", KEEPING_NEXT),
    task("start and join, from a task, one worker", "spawn-join", RUNTIMES).alone(),
    task("start and join, from outside", "spawn-remote", &[OWN, PATIENT, TOKIO, SMOL]),
    task("tasks that start two each, 16 deep", "fan-out", RUNTIMES),
    task("tasks that start the next, 1,000 in a row", "chain", RUNTIMES),
    task("yield, 200 tasks", "yields", KEEPING_NEXT),
    task("yield, 200 tasks, one worker", "yields", RUNTIMES).alone(),
    task("ping-pong with a new task", "ping-pong", &[OWN, PATIENT, KANAL, TOKIO, SMOL, GO]),
    task("TCP echo, 100 connections", "echo:100", &[OWN, TOKIO, GO]),
    task("HTTP by hyper, 100 connections", "http:100", &[OWN, TOKIO]).telling(SERVED),
    task("HTTP by hyper, 100 connections, one worker", "http:100", &[OWN, TOKIO])
        .telling(SERVED)
        .alone(),
    task("a child context comes and goes", "context:children", CONTEXTS),
    task("asking a cancelled context, two threads", "context:looks", CONTEXTS),
    task("cancelling 1,000 children, each", "context:wide", CONTEXTS),
    task("cancelling a chain of 1,000, each", "context:deep", CONTEXTS),
    task("receives given up, capacity 0", "storm:0", &[OWN, KANAL, FLUME]).telling(STORM),
    task("receives given up, capacity 1", "storm:1", STORMED).telling(STORM),
    task("receives given up, capacity 4", "storm:4", STORMED).telling(STORM),
    task("receives given up after 0 to 50 us, capacity 0", "storm-timed:0", RENDEZVOUS)
        .telling(STORM),
    task("receives given up after 0 to 50 us, capacity 1", "storm-timed:1", TIMED).telling(STORM),
    task("woken among 64 that compute", "crowd", OWN_RUNTIMES).telling(LATE),
    task("woken by a task that goes on for 50 ms", "hog", KEEPING_NEXT).telling(LATE).rounds(3),
    task("asleep beside one that blocks its thread", "blocked", &[OWN, TOKIO, GO]).telling(LATE),
    task("a task that waits for ever", "idle", RUNTIMES).telling(SIZE),
];

const HEAD: &str = "\
# Channels and runtime benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/kit](../../crates/norace-bench/kit/src/main.rs), Go's in
[one file](../../crates/norace-bench/kit/go/main.go). The times are those of one message, one task that is started and
joined, one yield, one exchange, one request, one child. Every message is checked to come exactly once, and every answer
to be the one that was asked for. Norace's channels run on Norace's runtime with two workers, those of others on
tokio's, whose budget for tasks is off: most channels do not know it, and tokio's own would pay for it alone.
`async-executor` runs async-channel's. tokio's and the standard library's channels have one receiver; tokio's,
async-channel's and crossfire's have no capacity of 0; Go has no unbounded ones.

The processor's time beside the time says whether something is fast because it uses both processors, or waits by
spinning. What to keep in mind: between a thread and a task the thread uses each channel's own blocking ends; tokio's
timers have steps of a millisecond, which is most of its delay beside a blocked thread; Go's echo has its clients in the
same runtime, that of others beside it. hyper's server is the same one on both runtimes, with tokio's budget on, and its
clients are two threads that ask on all of their connections and then read all answers, each of which has to hold what
was asked for; what they take of the processors is not in the server's time. Choices are uneven by as much as the
chi-square of their counts is above what even ones pass once in a thousand times, 16.27 for four that are ready and
10.83 for two. Where two of four are ready, they stand side by side: who begins at a random case and goes on in order
prefers the first. Of the one that is rarely ready 20,000 values are taken; with even choices some 15 are needed at
most, by chance 12 to 20. A storm that delivers a value twice is an error, one that loses some is in the table. Where
receives are given up after 0 to 50 us, a task looks at the clock in each of its turns, whatever steps the timers of its
runtime have, and the values come at times as random; Go uses its timers. The row of a task that goes on for 50 ms has 3
rounds.

`Norace, patient` is Norace's runtime with `Builder::stall_after` so long that nobody takes a worker's next task from
it: what the hand-over costs where nothing stalls, and what it is for where something does. Where both are a tenth apart
the quartile distance is larger than that.

Where Norace is behind, and why:

* *Channels between tasks.* A message through a buffer runs some 320 instructions with its two tasks, kanal's some 200
  (callgrind over `flow:1:1:128`, one worker). What the others are for: who waits keeps a place in the order of coming,
  and a send or receive that is given up has an exact answer; the budget, without which a task whose channel is always
  ready keeps its worker; a lock that lets its holder be preempted. On two workers Norace's runtime runs the ends on
  both as soon as a second task can run, and tasks that do nothing but pass messages on are slower than on one, as the
  rows for one worker show; those of kanal and Go whose processor time is about their time ran on one.
* *Larger values.* Why 64 bytes cost more here than elsewhere is not known yet; a value moves through each stage of its
  send, which may be it.
* *Channels between threads.* The buffers of crossbeam and crossfire have no lock. Where one end waits for the other at
  each value, the first pause at a lock that is taken is long for them, and a thread that waits looks for some 25 us at
  most, and ever more rarely where it is in vain.
* *Selects.* A choice that waits registers with each channel and takes back all registrations but one: for each case two
  locks, two changes of a waker's count, a place in a list and out of it. Go does much of that too, but its waiters need
  no count; a channel of tokio's has a single receiver, which registers in one word.
* *Start and join, and the memory of a task.* A task enters the table from which `Handle::tasks` and a shutdown tell its
  name, its place in the source and what it waits for, and counts against `max_tasks`; a panic in it is a value.
  async-executor has none of that. Of the bytes of a task that waits, the table's share is 16.
* *Contexts.* A cancelled node tells its cause, wakes by list and not under its lock, and is no recursion however deep
  the tree; tokio-util's token has no cause.
* *A task from outside among 64 that compute.* A worker looks there every 61st time; tokio measures how long its tasks
  take and looks every 0.2 ms or so.

What was tried: to pause at a lock that is taken before sleeping at it (kept: `wait/lock.rs`); to look into the buffer
first, apart from all else (kept: a sixth of the instructions less, and 19 ns in place of 27 on one worker);
a lock that is left by a plain store, as kanal's (5 to 10 % faster; dropped, since its waiters have to sleep by the
clock); a first pause of 0.2 us at a lock instead of 2 (threads that meet at capacities 0 and 1 gained, many tasks on
one channel lost, dropped); to wake nobody for a task that has spent its budget (one to one gained, many to one lost,
dropped).

";

/// The packages of channels, and of what runs tasks.
const CHANNELS: [&str; 5] = ["async-channel", "crossbeam-channel", "crossfire", "flume", "kanal"];
const PROGRAMS: [&str; 4] = ["async-executor", "hyper", "tokio", "tokio-util"];

pub(super) fn measure(root: &Path, quick: bool) -> Result<Report, String> {
    let programs = Programs::build(root, "norace-bench-kit")?.with_go("kit")?;
    let (rounds, seconds) = if quick { (1, 0.1) } else { (5, 0.2) };
    let rounds_text = format!("{rounds}, in each {seconds} s or one pass");
    let environment = Environment::read(root, "kit", rounds_text)
        .with("channels", programs.versions(&CHANNELS)?)
        .with("runtimes", programs.versions(&PROGRAMS)?)
        .with("Go", programs.go());
    let mut report = Report::new("kit", HEAD, environment);
    programs.measure(&mut report, TASKS, (rounds, seconds))?;
    Ok(report)
}
