//! One contender at one task of one part. Each part has a module with a function that takes its tasks.

mod bus;
mod config;
mod limits;
mod locks;
mod pools;
mod turns;
mod versions;

use std::process::ExitCode;

const USAGE: &str = "\
usage: norace-bench-parts CONTENDER TASK WORKERS SECONDS
TASK: count:THREADS update:THREADS read:THREADS reuse:THREADS stalled lock:TASKS permits:TASKS:PERMITS
      pool-one:BYTES pool-burst:BYTES pool-forward:BYTES pool-requests:BYTES pool-slow:BYTES pool-memory:BYTES
      pool-hits:BYTES
      bus-burst:EVENTS[:PAUSE_MS] bus-tasks:RECEIVERS bus-drain:RECEIVERS bus-queue:PRODUCERS bus-fan:CONSUMERS
      bus-stages bus-wakes bus-stall:STALLING bus-churn bus-panic
      load:THREADS:WRITES boxed:THREADS:WRITES cached:THREADS:WRITES hold await nine store:READERS storm:VERSIONS file
      limit-one:THREADS:allow|deny limit-many:THREADS:KEYS limit-shared:NODES limit-zipf:KEYS
      limit-frozen:NODES limit-killed:NODES limit-skew:NODES limit-crash:NODES:CRASHES
      limit-window:NODES:steady|forward|back";

fn main() -> ExitCode {
    norace_bench_measure::main(USAGE, |run, contender, name, parameters| match name {
        "bus-burst" => bus::bursts(run, contender, parameters),
        "bus-tasks" => bus::tasks(run, contender, parameters),
        "bus-drain" => bus::drain(run, contender, parameters),
        "bus-queue" => bus::queue(run, contender, parameters),
        "bus-fan" => bus::fan(run, contender, parameters),
        "bus-stages" => bus::stages(run, contender),
        "bus-wakes" => bus::wakes(run, contender),
        "bus-stall" => bus::stall(run, contender, parameters),
        "bus-churn" => bus::churn(run, contender),
        "bus-panic" => bus::panics(run, contender),
        "count" => locks::count(run, contender, parameters),
        name if name.starts_with("pool-") => pools::lend(run, contender, name, parameters),
        "update" => versions::update(run, contender, parameters),
        "read" => versions::read(run, contender, parameters),
        "reuse" => versions::reuse(run, contender, parameters),
        "stalled" => versions::stalled(run, contender),
        "lock" => turns::lock(run, contender, parameters),
        "permits" => turns::permits(run, contender, parameters),
        "load" | "boxed" | "cached" => config::read(run, contender, name, parameters),
        "hold" => config::hold(run, contender),
        "await" => config::across(run, contender),
        "nine" => config::nine(run, contender),
        "store" => config::store(run, contender, parameters),
        "storm" => config::storm(run, contender, parameters),
        "file" => config::follow(run, contender),
        "limit-one" => limits::one(run, contender, parameters),
        "limit-many" => limits::many(run, contender, parameters),
        "limit-zipf" => limits::zipf(run, contender, parameters),
        "limit-shared" | "limit-frozen" | "limit-killed" | "limit-skew" => {
            limits::shared(contender, name, parameters)
        }
        "limit-crash" => limits::crash(contender, parameters),
        "limit-node" => limits::node(contender, parameters),
        "limit-window" => limits::window(run, contender, parameters),
        _ => None,
    })
}
