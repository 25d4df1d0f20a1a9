//! One contender at one task of one part. Each part has a module with a function that takes its tasks.

mod locks;
mod turns;
mod versions;

use std::process::ExitCode;

const USAGE: &str = "\
usage: norace-bench-parts CONTENDER TASK WORKERS SECONDS
TASK: count:THREADS update:THREADS read:THREADS lock:TASKS permits:TASKS:PERMITS";

fn main() -> ExitCode {
    norace_bench_measure::main(USAGE, |run, contender, name, parameters| match name {
        "count" => locks::count(run, contender, parameters),
        "update" => versions::update(run, contender, parameters),
        "read" => versions::read(run, contender, parameters),
        "lock" => turns::lock(run, contender, parameters),
        "permits" => turns::permits(run, contender, parameters),
        _ => None,
    })
}
