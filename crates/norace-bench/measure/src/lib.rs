//! One contender at one task, for a time; what came of it as JSON on standard output.

pub mod usage;

use std::process::ExitCode;
use std::time::Duration;

use usage::Watch;

/// What a contender did.
#[derive(Default)]
pub struct Done {
    /// Operations, and the time for them: on the wall, and of all processors.
    pub ops: u64,
    pub seconds: f64,
    pub cpu_seconds: f64,
    /// Beside them: a name and a number.
    pub more: Vec<(&'static str, f64)>,
}

impl Done {
    /// `ops` operations in the time since `watch` was started.
    pub fn timed(ops: u64, watch: &Watch) -> Self {
        let (seconds, cpu_seconds) = (watch.wall().as_secs_f64(), watch.processor().as_secs_f64());
        Self { ops, seconds, cpu_seconds, more: Vec::new() }
    }

    /// Something else that came of it.
    pub fn with(mut self, name: &'static str, value: f64) -> Self {
        self.more.push((name, value));
        self
    }
}

/// How to run.
#[derive(Clone, Copy)]
pub struct Run {
    /// Threads of the runtime, where there is one.
    pub workers: usize,
    /// Passes begin until this much time is over.
    pub limit: Duration,
}

impl Run {
    /// Passes on the main thread, each of which says how much it did, until the time is up; the first one is for
    /// warming up.
    pub fn passes(self, mut pass: impl FnMut() -> u64) -> Done {
        pass();
        let (watch, mut ops) = (Watch::start(), 0);
        while ops == 0 || watch.wall() < self.limit {
            ops += pass();
        }
        Done::timed(ops, &watch)
    }
}

/// The time that one in a hundred is not shorter than.
///
/// # Panics
///
/// If there is none.
pub fn p99(times: &mut [u64]) -> u64 {
    percentile(times, 99)
}

/// The time that so many of a hundred are not longer than.
///
/// # Panics
///
/// If there is none, or the percentage is above 100.
pub fn percentile(times: &mut [u64], percent: usize) -> u64 {
    let at = (times.len() - 1) * percent / 100;
    *times.select_nth_unstable(at).1
}

/// The whole of a program that is called with `CONTENDER TASK WORKERS SECONDS`, a task being a name and its parameters
/// with colons between them. `task` says nothing for what it does not know.
pub fn main(usage: &str, task: impl FnOnce(Run, &str, &str, &[&str]) -> Option<Done>) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let run = || {
        let [contender, what, workers, seconds] = arguments.as_slice() else { return None };
        let limit = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
        let run = Run { workers: workers.parse().ok()?, limit };
        let mut parts = what.split(':');
        let name = parts.next().unwrap_or_default();
        task(run, contender, name, &parts.collect::<Vec<_>>())
    };
    let Some(Done { ops, seconds, cpu_seconds, more }) = run() else {
        eprintln!("{usage}");
        return ExitCode::from(2);
    };
    let more: String = more.iter().map(|(name, value)| format!(r#","{name}":{value}"#)).collect();
    println!(r#"{{"ops":{ops},"seconds":{seconds},"cpu_seconds":{cpu_seconds}{more}}}"#);
    ExitCode::SUCCESS
}
