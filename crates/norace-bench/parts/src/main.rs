//! One contender at one task of one part. Each part has a module with a function that takes its tasks.

mod config;
mod locks;

use std::process::ExitCode;

const USAGE: &str = "\
usage: norace-bench-parts CONTENDER TASK WORKERS SECONDS
TASK: count:THREADS load:THREADS:WRITES cached:THREADS:WRITES";

fn main() -> ExitCode {
    norace_bench_measure::main(USAGE, |run, contender, name, parameters| match name {
        "count" => locks::count(run, contender, parameters),
        "load" | "cached" => config::read(run, contender, name, parameters),
        _ => None,
    })
}
