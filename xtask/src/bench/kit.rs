//! Channels and runtime beside their peers: each contender does each task in a process of its own.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;

use super::{
    NORACE, in_turns,
    report::{Environment, Measure, Report},
};
use crate::process::{cargo, output, program, run};

const BUILD_MAX: Duration = Duration::from_mins(15);

const RUN_MAX: Duration = Duration::from_mins(1);

const TIME: Measure = Measure { name: "time", unit: "ns", rises: false };
const CPU: Measure = Measure { name: "processor", unit: "ns", rises: false };
const DELAY: Measure = Measure { name: "P99", unit: "ms", rises: false };
const MEMORY: Measure = Measure { name: "memory", unit: "bytes", rises: false };
const LOST: Measure = Measure { name: "lost", unit: "of a million", rises: false };

/// Its name in the table, and what the program calls it; Go has a program of its own.
type Contender = (&'static str, &'static str);

const GO: Contender = ("Go", "go");
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

/// From a thread to a task.
const BRIDGES: &[Contender] = &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE, TOKIO];

const RUNTIMES: &[Contender] = &[OWN, TOKIO, SMOL, GO];
const OWN_RUNTIMES: &[Contender] = &[OWN, TOKIO, SMOL];
const CONTEXTS: &[Contender] = &[OWN, ("tokio-util", "tokio-util"), GO];

/// What is measured, in each round.
struct Task {
    what: &'static str,
    /// What the program calls it.
    name: &'static str,
    contenders: &'static [Contender],
    /// Workers of the runtime, on as many processors as there are; on one processor, if that is all.
    workers: u32,
    one_cpu: bool,
}

const fn task(what: &'static str, name: &'static str, contenders: &'static [Contender]) -> Task {
    Task { what, name, contenders, workers: 2, one_cpu: false }
}

/// With a single worker.
const fn alone(task: Task) -> Task {
    Task { workers: 1, ..task }
}

/// With everything on one processor.
const fn crowded(task: Task) -> Task {
    Task { one_cpu: true, ..task }
}

const TASKS: &[Task] = &[
    task("one task to one, capacity 0", "flow:1:1:0", RENDEZVOUS),
    task("one task to one, capacity 1", "flow:1:1:1", BOUNDED),
    task("one task to one, capacity 128", "flow:1:1:128", BOUNDED),
    task("one task to one, unbounded", "flow:1:1:inf", UNBOUNDED),
    alone(task("one task to one, capacity 0, one worker", "flow:1:1:0", RENDEZVOUS)),
    alone(task("one task to one, capacity 128, one worker", "flow:1:1:128", BOUNDED)),
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
    crowded(task("two threads on one processor, capacity 0", "threads:1:1:0", MEETING)),
    crowded(task("two threads on one processor, unbounded", "threads:1:1:inf", ENDLESS)),
    task("thread to task, capacity 1", "bridge:1", BRIDGES),
    task("thread to task, capacity 128", "bridge:128", BRIDGES),
    task("ring of 300 tasks, capacity 1", "ring", &[OWN, KANAL, TOKIO, SMOL, GO]),
    task("select of 4 tasks, capacity 0", "select:0", &[OWN, GO]),
    task("select of 4 tasks, capacity 1", "select:1", &[OWN, TOKIO, GO]),
    task("select of 4 tasks, capacity 128", "select:128", &[OWN, TOKIO, GO]),
    task("select of 4 threads, capacity 1", "select-threads:1", &[OWN, CROSSBEAM]),
    task("receive with a time-out that does not pass", "timeout", &[OWN, TOKIO, GO]),
    task("start and join, from a task", "spawn-join", RUNTIMES),
    alone(task("start and join, from a task, one worker", "spawn-join", RUNTIMES)),
    task("start and join, from outside", "spawn-remote", OWN_RUNTIMES),
    task("tasks that start two each, 16 deep", "fan-out", RUNTIMES),
    task("yield, 200 tasks", "yields", RUNTIMES),
    alone(task("yield, 200 tasks, one worker", "yields", RUNTIMES)),
    task("ping-pong with a new task", "ping-pong", &[OWN, KANAL, TOKIO, SMOL, GO]),
    task("TCP echo, 100 connections", "echo:100", &[OWN, TOKIO, GO]),
    task("a child context comes and goes", "context:children", CONTEXTS),
    task("asking a cancelled context, two threads", "context:looks", CONTEXTS),
    task("cancelling 1,000 children, each", "context:wide", CONTEXTS),
    task("cancelling a chain of 1,000, each", "context:deep", CONTEXTS),
];

/// As `TASKS`, but what they tell is in the field with this name.
const OTHERS: &[(&str, Measure, Task)] = &[
    ("lost", LOST, task("receives given up, capacity 0", "storm:0", &[OWN, KANAL, FLUME])),
    (
        "lost",
        LOST,
        task(
            "receives given up, capacity 1",
            "storm:1",
            &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE, TOKIO],
        ),
    ),
    (
        "lost",
        LOST,
        task(
            "receives given up, capacity 4",
            "storm:4",
            &[OWN, KANAL, FLUME, ASYNC_CHANNEL, CROSSFIRE, TOKIO],
        ),
    ),
    ("p99_ms", DELAY, task("woken by a task that goes on for 50 ms", "hog", RUNTIMES)),
    (
        "p99_ms",
        DELAY,
        task("asleep beside one that blocks its thread", "blocked", &[OWN, TOKIO, GO]),
    ),
    ("bytes", MEMORY, task("a task that waits for ever", "idle", RUNTIMES)),
];

const HEAD: &str = "\
# Channels and runtime benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/kit](../../crates/norace-bench/kit/src/main.rs), Go's in
[one file](../../crates/norace-bench/kit/go/main.go). The times are those of one message, one task that is started and
joined, one yield, one exchange, one child. Every message is checked to come exactly once, and every answer to be the
one that was asked for. Norace's channels run on Norace's runtime with two workers, those of others on tokio's, whose
budget for tasks is off: most channels do not know it, and tokio's own would pay for it alone. `async-executor` runs
async-channel's. tokio's and the standard library's channels have one receiver; tokio's, async-channel's and crossfire's
have no capacity of 0; Go has no unbounded ones.

The processor's time beside the time says whether something is fast because it uses both processors, or waits by
spinning. What to keep in mind: the thread that sends to a task waits by futures-lite's parker, whoever's channel it is;
tokio's timers have steps of a millisecond, which is most of its delay beside a blocked thread; Go's echo has its
clients in the same runtime, that of others beside it. A storm that delivers a value twice is an error, one that loses
some is in the table.

";

pub(super) fn measure(root: &Path, quick: bool) -> Result<Report, String> {
    let folder = root.join("crates/norace-bench");
    run(&mut cargo(&folder, "build --release --package norace-bench-kit"), BUILD_MAX)?;
    let go = build_go(&folder)?;
    let (rounds, seconds) = if quick { (1, 0.1) } else { (3, 0.3) };
    let rounds_text = format!("{rounds}, in each {seconds} s or one pass");
    let version = go.as_ref().map_or("not installed", |(_, version)| version.as_str()).to_owned();
    let environment = Environment::read(root, "kit", rounds_text)
        .with("channels", peers(&folder, &CHANNELS)?)
        .with("runtimes", peers(&folder, &PROGRAMS)?)
        .with("Go", version);
    let mut report = Report::new("kit", HEAD, environment);
    let own = folder.join("target/release/norace-bench-kit");
    let bench = Bench { root: root.to_owned(), own, go: go.map(|(program, _)| program), seconds };
    for round in 0..rounds {
        for task in TASKS {
            for contender in bench.contenders(task, round) {
                let said = bench.run(contender, task)?;
                let ops = said("ops")?;
                let (id, name) = (task.id(), contender.0);
                report.add((&id, task.what), TIME, name, said("seconds")? * 1e9 / ops);
                report.add((&id, task.what), CPU, name, said("cpu_seconds")? * 1e9 / ops);
            }
        }
        for (field, measure, task) in OTHERS {
            for contender in bench.contenders(task, round) {
                let said = bench.run(contender, task)?;
                if *field == "lost" && said("twice")? > 0.0 {
                    return Err(format!("{}: {} delivers values twice", task.id(), contender.0));
                }
                let scale = if *field == "lost" { 1e6 / said("ops")? } else { 1.0 };
                report.add((&task.id(), task.what), *measure, contender.0, said(field)? * scale);
            }
        }
    }
    Ok(report)
}

impl Task {
    fn id(&self) -> String {
        let name = self.name.replace(':', "-");
        let cpus = if self.one_cpu { ".one-cpu" } else { "" };
        format!("{name}.w{}{cpus}", self.workers)
    }
}

/// The programs.
struct Bench {
    root: PathBuf,
    own: PathBuf,
    go: Option<PathBuf>,
    seconds: f64,
}

impl Bench {
    /// Who takes part, in the order of this round.
    fn contenders(&self, task: &Task, round: usize) -> Vec<Contender> {
        let here = |contender: &Contender| *contender != GO || self.go.is_some();
        in_turns(task.contenders, round).filter(here).collect()
    }

    /// Runs one task; what was said under a name.
    fn run(
        &self,
        contender: Contender,
        task: &Task,
    ) -> Result<impl Fn(&str) -> Result<f64, String> + use<>, String> {
        let what = format!("{} {} {}", task.name, task.workers, self.seconds);
        let (path, arguments) = match &self.go {
            Some(go) if contender == GO => (go, what),
            _ => (&self.own, format!("{} {what}", contender.1)),
        };
        let path = path.to_string_lossy();
        let mut command = if task.one_cpu {
            program(&self.root, "taskset", &format!("-c 0 {path} {arguments}"))
        } else {
            program(&self.root, &path, &arguments)
        };
        let line = output(command.stderr(Stdio::inherit()), RUN_MAX)?;
        println!("{:<14} {:<28} {}", contender.0, task.id(), line.trim());
        let said: Value = serde_json::from_str(line.trim())
            .map_err(|error| format!("{arguments}: {error}: {line}"))?;
        Ok(move |name: &str| {
            said[name].as_f64().ok_or_else(|| format!("{arguments}: no `{name}` in {line}"))
        })
    }
}

/// The packages of channels, and of what runs tasks.
const CHANNELS: [&str; 5] = ["async-channel", "crossbeam-channel", "crossfire", "flume", "kanal"];
const PROGRAMS: [&str; 3] = ["async-executor", "tokio", "tokio-util"];

/// The versions of the packages called `names` that the lock file names.
fn peers(folder: &Path, names: &[&str]) -> Result<String, String> {
    let tree = "tree --package norace-bench-kit --depth 1 --prefix none --edges normal";
    let tree = output(&mut cargo(folder, tree), RUN_MAX)?;
    let known = |line: &&str| names.contains(&line.split(' ').next().unwrap_or_default());
    let versions = tree.lines().filter(known).map(|line| line.replacen(" v", " ", 1));
    Ok(versions.collect::<Vec<_>>().join(", "))
}

/// Builds Go's program, where Go is installed; its path, and Go's version.
fn build_go(folder: &Path) -> Result<Option<(PathBuf, String)>, String> {
    let source = folder.join("kit/go");
    let Ok(version) = output(&mut program(&source, "go", "version"), RUN_MAX) else {
        println!("Go is not installed: it does not take part");
        return Ok(None);
    };
    let program_path = folder.join("target/release/norace-bench-go");
    let arguments = format!("build -o {} .", program_path.display());
    run(&mut program(&source, "go", &arguments), BUILD_MAX)?;
    let version = version.trim().trim_start_matches("go version go").to_owned();
    Ok(Some((program_path, version)))
}
