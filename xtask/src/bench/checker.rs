//! The checker beside loom and shuttle: the same models, compiled against the types of each.
//!
//! Norace is measured as a test runs it, through `norace_check::Builder`. Only the speed of a long search for all
//! executions is the explorer's alone: these models have so few that a test spends its time on setting up.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    NORACE, in_turns,
    report::{Environment, Measure, Report},
};
use crate::process::{cargo, output, program, run};

const BUILD_MAX: Duration = Duration::from_mins(15);

/// A search that is given up takes about as long.
const RUN_MAX: Duration = Duration::from_mins(3);

const SPEED: Measure = Measure { name: "per-execution", unit: "µs", rises: false };
const COUNT: Measure = Measure { name: "executions", unit: "executions", rises: false };
const TIME: Measure = Measure { name: "time", unit: "ms", rises: false };

const PEERS: [&str; 2] = ["loom 0.7.3", "shuttle 0.9.9"];

/// The explorer, without what a test has around it.
const ALONE: &str = "Norace, explorer alone";

/// A test that says nothing about how to search.
const USUAL: &str = "Norace, usual check";

/// A kind of search, who can do it, and the models it is measured on.
struct Search {
    /// What the program calls it, and what readers do.
    name: &'static str,
    what: &'static str,
    contenders: &'static [Contender],
    models: &'static [&'static str],
}

/// Its name in the table, and what the program calls it and its search.
type Contender = (&'static str, &'static str, &'static str);

/// How fast executions come in a long search.
const SPEEDS: [Search; 2] = [
    Search {
        name: "random",
        what: "random executions, no weak memory",
        contenders: &[
            (NORACE, "norace", "random"),
            (ALONE, "explorer", "random"),
            (PEERS[1], "shuttle", "random"),
        ],
        models: &["sb", "fetch_add_3x2", "fetch_add_4x10", "mutex_3x2", "readers_3"],
    },
    Search {
        name: "all",
        what: "all executions, weak memory, without setting up",
        contenders: &[(NORACE, "explorer", "all"), (PEERS[0], "loom", "all")],
        models: &["sb", "fetch_add_3x2", "mutex_3x2", "readers_3"],
    },
];

/// How many executions a search for all takes, and how long with setting up.
const COUNTS: [Search; 2] = [
    Search {
        name: "count",
        what: "all there are, weak memory",
        contenders: &[
            (NORACE, "norace", "all"),
            (USUAL, "norace", "check"),
            (PEERS[0], "loom", "all"),
        ],
        models: &[
            "sb",
            "fetch_add_3x2",
            "fetch_add_4x1",
            "fetch_add_4x2",
            "mutex_3x2",
            "readers_3",
        ],
    },
    Search {
        name: "count-sc",
        what: "all there are, no weak memory",
        contenders: &[
            (NORACE, "norace", "all-sc"),
            (USUAL, "norace", "check-sc"),
            (PEERS[1], "shuttle", "all-sc"),
        ],
        models: &["fetch_add_3x2", "fetch_add_4x1", "fetch_add_4x2", "mutex_3x2", "readers_3"],
    },
];

const HEAD: &str = "\
# Checker benchmark

The same models under each checker, one process for each run, in turns. The models, in
[crates/norace-bench/checker](../../crates/norace-bench/checker/src/models.rs): `sb`, store buffering between two
threads; `fetch_add_NxM`, N threads add M times to one counter; `mutex_3x2`, three threads take a lock twice each;
`readers_3`, three readers and a writer of one atomic. A search that was given up after 200,000 executions says so.

Norace is what a test gets, `norace_check::Builder`: in random searches, and in the times of searches for all there are,
setting up included. *Explorer alone* is `norace_explore` without a test around it; so is Norace in the speed of all
executions, since these models have so few that a test would mostly set up. *Usual check* is a test that says nothing
about how to search: 112 random executions before those for all, and a few that are run again and compared.

What the counts compare: Norace runs each class of equivalent executions once; loom runs more than one of most classes;
shuttle runs every interleaving. loom and Norace explore weak memory, shuttle does not, and is compared without it.

Aimed at were 15 times the speed of shuttle in random executions and 50 times that of loom in weak memory, for every
model. Both are missed. The time of an execution is spread over all parts of the explorer, none of which has more than a
quarter: [where the time goes](../design/explore.md#where-the-time-goes), and what was tried. The counts are what was
aimed at: the least there can be, and the 2,520 of `fetch_add_4x2` in less than 10 ms.

";

pub(super) fn measure(root: &Path, quick: bool) -> Result<Report, String> {
    let folder = root.join("crates/norace-bench");
    run(&mut cargo(&folder, "build --release --package norace-bench-checker"), BUILD_MAX)?;
    let program = folder.join("target/release/norace-bench-checker");
    let (rounds, seconds) = if quick { (1, 1) } else { (5, 1) };
    let rounds_text = format!(
        "{rounds}, in each {seconds} s or one whole search; one that is given up is run once"
    );
    let environment =
        Environment::read(root, "checker", rounds_text).with("peers", PEERS.join(", "));
    let mut report = Report::new("checker", HEAD, environment);
    let bench = Bench { root: root.to_owned(), program };
    for round in 0..rounds {
        for search in &SPEEDS {
            for model in search.models {
                for contender in in_turns(search.contenders, round) {
                    let ran = bench.run(contender, model, seconds)?;
                    let micros = ran.seconds * 1e6 / ran.executions as f64;
                    let (id, what) = task(search, model);
                    report.add((&id, &what), SPEED, contender.0, micros);
                }
            }
        }
    }
    // Tried out, the long counts of others say nothing.
    let counts = if quick { &COUNTS[..0] } else { &COUNTS[..] };
    for search in counts {
        for model in search.models {
            count(&bench, search, model, rounds, &mut report)?;
        }
    }
    Ok(report)
}

fn task(search: &Search, model: &str) -> (String, String) {
    (format!("{}.{model}", search.name), format!("{}: `{model}`", search.what))
}

/// Runs all executions in every round, and adds how many they were and how long that took.
fn count(
    bench: &Bench,
    search: &Search,
    model: &str,
    rounds: usize,
    report: &mut Report,
) -> Result<(), String> {
    let (id, what) = task(search, model);
    let mut given_up = Vec::new();
    for round in 0..rounds {
        for contender in in_turns(search.contenders, round) {
            let name = contender.0;
            if given_up.contains(&name) {
                continue;
            }
            let ran = bench.run(contender, model, 0)?;
            let (counted, timed) = ((COUNT, ran.executions as f64), (TIME, ran.seconds * 1e3));
            // The usual check begins with random executions: how many says nothing.
            let measured = if name == USUAL { vec![timed] } else { vec![counted, timed] };
            for (measure, value) in measured {
                report.add((&id, &what), measure, name, value);
                if ran.passes == 0 {
                    report.remark(&id, measure, name, "given up");
                }
            }
            if ran.passes == 0 {
                given_up.push(name);
            }
        }
    }
    Ok(())
}

/// The program that runs a model.
struct Bench {
    root: PathBuf,
    program: PathBuf,
}

/// What it says.
struct Ran {
    executions: u64,
    passes: u64,
    seconds: f64,
}

impl Bench {
    fn run(&self, contender: Contender, model: &str, seconds: u64) -> Result<Ran, String> {
        let (_, checker, search) = contender;
        let arguments = format!("{checker} {search} {model} {seconds}");
        let mut command = program(&self.root, &self.program.to_string_lossy(), &arguments);
        // shuttle tells the standard error of every search.
        command.stderr(std::process::Stdio::null());
        let line = output(&mut command, RUN_MAX)?;
        let said: serde_json::Value = serde_json::from_str(line.trim())
            .map_err(|error| format!("{arguments}: {error}: {line}"))?;
        let number = |name: &str| said[name].as_u64().ok_or_else(|| format!("{arguments}: {line}"));
        let ran = Ran {
            executions: number("executions")?.max(1),
            passes: number("passes")?,
            seconds: said["seconds"].as_f64().unwrap_or(f64::NAN),
        };
        println!(
            "{arguments:<36} {:>9} executions {:>9.3} s {:>9.3} µs each",
            ran.executions,
            ran.seconds,
            ran.seconds * 1e6 / ran.executions as f64
        );
        Ok(ran)
    }
}
