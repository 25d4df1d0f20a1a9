//! How the checker finds known bugs, beside what Go's tools made of the same ones.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Tables, report::Environment};
use crate::process::{cargo, output, program, run};

const BUILD_MAX: Duration = Duration::from_mins(15);
const RUN_MAX: Duration = Duration::from_mins(30);

/// What Go's tools made of the kernels, recorded.
const GO: &str = include_str!("../../../crates/norace-corpus/go-1.27.3.csv");

const HEAD: &str = "\
# Known bugs

The bugs of [norace-corpus](../../crates/norace-corpus/src/lib.rs), each searched until it is found, with a number of
seeds: the medians of the executions until then, of the time they took, and of the context switches of the execution
that is told, which is a shrunk one. A bug counts as found when the finding is of its kind and has part in it who is
to blame. Each is searched as it was fixed, too, by the tests of the corpus; nothing may be found then.

The kernels are those of GoBench (GoKer, Yuan et al., CGO 2021), written anew for the kit. Beside them stands what Go
1.27.3's own tools made of the Go originals, recorded on a machine of two cores: of 30 runs under `-race`, those that
ended with a race or panic; of 10 runs each, those that ended by the time-out of `go test`, with a leak told by goleak
or by the goroutineleak profile, or with a report of go-deadlock. A search of the checker is one run.

";

/// Builds norace-corpus with the checker in it, and says where it is.
fn build(root: &Path) -> Result<PathBuf, String> {
    let arguments = "build --release --package norace-corpus --target-dir target/norace";
    run(cargo(root, arguments).env("RUSTFLAGS", "--cfg norace"), BUILD_MAX)?;
    Ok(root.join("target/norace/release/norace-corpus"))
}

/// Runs norace-corpus.
pub(crate) fn search(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let corpus = build(root)?;
    run(&mut program(root, &corpus.to_string_lossy(), &arguments.join(" ")), RUN_MAX)
}

pub(super) fn measure(root: &Path, quick: bool) -> Result<Tables, String> {
    let corpus = build(root)?;
    let ask = |arguments: &str| -> Result<Vec<Value>, String> {
        let text = output(&mut program(root, &corpus.to_string_lossy(), arguments), RUN_MAX)?;
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().map_err(|error| format!("norace-corpus: {error}"))
    };
    let kernels: Vec<&str> = GO.lines().filter(|line| !line.starts_with('#')).collect();
    let names: Vec<&str> = kernels.iter().filter_map(|line| line.split(',').next()).collect();
    let begun = Instant::now();
    ask(&format!("--json {}", names.join(" ")))?;
    let pass = begun.elapsed();
    let seeds = if quick { 1 } else { 100 };
    let lines = ask(&format!("--json --seeds {seeds}"))?;
    let environment = Environment::read(root, "corpus", format!("{seeds} seeds for each bug"));
    Ok(tables(&environment, pass, &kernels, &lines))
}

fn tables(environment: &Environment, pass: Duration, kernels: &[&str], lines: &[Value]) -> Tables {
    let rows: Vec<&Value> = lines.iter().filter(|line| line["name"].is_string()).collect();
    let mut switches: Vec<u64> = rows.iter().filter_map(|row| row["switches"].as_u64()).collect();
    switches.sort_unstable();
    let switches = switches.get(switches.len() / 2).copied().unwrap_or_default();
    let missed: u64 = rows.iter().filter_map(|row| row["missed"].as_u64()).sum();
    let seconds = pass.as_secs_f64();
    let mut text = format!("{HEAD}{}\n", environment.markdown());
    let mut say = |line: String| writeln!(text, "{line}").expect("writing to a string");
    say(format!("* all {} kernels once, one after the other: {seconds:.1} s", kernels.len()));
    say(format!("* searches without the bug: {missed}"));
    say(format!("* context switches of a finding, median: {switches}"));
    if let Some(races) = lines.iter().find(|line| line["corpus"] == "races") {
        say(format!(
            "* after the suite of Go's race detector: {} races missed in {} searches, {} alarms in {} without a race",
            races["missed"], races["racy"], races["alarms"], races["free"]
        ));
    }
    say(String::new());
    say("| kernel | kind | found as | executions | ms | switches | Go: race /30 | time-out /10 | goleak /10 | \
         leak profile /10 | go-deadlock /10 |"
        .to_owned());
    say("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |".to_owned());
    for kernel in kernels {
        let (name, go) = kernel.split_once(',').unwrap_or((kernel, ""));
        if let Some(row) = rows.iter().find(|row| row["name"] == name) {
            say(format!("{} {} |", found(row), go.replace('-', "–").replace(',', " | ")));
        }
    }
    say("\n| other bug | kind | found as | executions | ms | switches |".to_owned());
    say("| --- | --- | --- | ---: | ---: | ---: |".to_owned());
    for row in rows.iter().filter(|row| row["corpus"] != "goker") {
        say(found(row).trim_end().to_owned());
    }
    let json = json!({
        "schema": "norace.bench/1",
        "environment": environment.json(),
        "kernels_pass_seconds": seconds,
        "rows": rows,
    });
    Tables { markdown: text, json, picture: None }
}

/// The cells that say how a bug was found.
fn found(row: &Value) -> String {
    let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let (name, class, kind) = (word("name"), word("class"), word("found_as"));
    let (executions, ms) = (&row["executions"], row["ms"].as_f64().unwrap_or(f64::NAN));
    let switches = &row["switches"];
    format!("| {name} | {class} | {kind} | {executions} | {ms:.2} | {switches} |")
}
