//! One contender at one task of one part. Each part has a module with a function that takes its tasks.

mod locks;
mod pools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: norace-bench-parts CONTENDER TASK WORKERS SECONDS
TASK: count:THREADS, pool-one:BYTES, pool-burst:BYTES, pool-forward:BYTES, pool-requests:BYTES";

fn main() -> ExitCode {
    norace_bench_measure::main(USAGE, |run, contender, name, parameters| match name {
        "count" => locks::count(run, contender, parameters),
        name if name.starts_with("pool-") => pools::lend(run, contender, name, parameters),
        _ => None,
    })
}
