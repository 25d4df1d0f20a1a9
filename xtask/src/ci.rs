//! Everything that has to hold before a change lands, as steps with a name, a limit in time and a verdict.
//!
//! All steps run, whatever becomes of the ones before. A step whose programs are not installed is skipped by name, or
//! fails when `NORACE_REQUIRE_SERVERS` is 1. The last line is `N passed, N failed`, then `, N skipped` where any were.

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    process::{cargo, is_installed, output, program, run},
    suites, tidy,
};

mod demo;
mod http;
mod page;
mod readme;
#[cfg(test)]
mod tests;

/// The test command of the README.
const TEST: &str = "test --workspace";

/// No step takes longer on two cores; most of it is compiling.
const STEP_MAX: Duration = Duration::from_mins(15);

/// An example says what it has to say in much less.
const EXAMPLE_MAX: Duration = Duration::from_mins(1);

struct Step {
    name: &'static str,
    /// Programs that the step uses and a machine may lack.
    needs: &'static [&'static str],
    run: fn(&Path) -> Result<(), String>,
}

/// What fails fast comes first.
const STEPS: [Step; 15] = [
    Step { name: "format", needs: &[], run: |root| cargo_step(root, "fmt --all --check") },
    Step { name: "tidy", needs: &[], run: tidy::run },
    Step { name: "readme", needs: &[], run: readme::run },
    Step {
        name: "clippy",
        needs: &[],
        run: |root| cargo_step(root, "clippy --workspace --all-targets -- -D warnings"),
    },
    Step { name: "rust-version", needs: &[], run: rust_version },
    Step { name: "parts", needs: &[], run: parts },
    Step { name: "test", needs: &[], run: |root| cargo_step(root, TEST) },
    Step { name: "suites", needs: &[], run: |root| suites::run(root, &[]) },
    Step { name: "models", needs: &[], run: models },
    Step { name: "models-clippy", needs: &[], run: models_clippy },
    Step { name: "doc", needs: &[], run: doc },
    Step { name: "examples", needs: &[], run: examples },
    Step { name: "demo", needs: &[], run: demo::run },
    Step { name: "page", needs: &["chromium", "chromedriver", "curl"], run: page::run },
    Step { name: "http", needs: &["curl", "wrk"], run: http::run },
];

enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Runs the steps called `names`, or all of them.
pub(crate) fn ci(root: &Path, names: &[&str]) -> Result<(), String> {
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let known = STEPS.map(|step| step.name).join(", ");
        return Err(format!("there is no step `{unknown}`; there are {known}"));
    }
    let chosen = |step: &&Step| names.is_empty() || names.contains(&step.name);
    let mut rows = Vec::new();
    for step in STEPS.iter().filter(chosen) {
        println!("\n=== {}", step.name);
        let start = Instant::now();
        let verdict = step.verdict(root);
        rows.push((step.name, start.elapsed(), verdict));
    }
    summarise(&rows)
}

impl Step {
    fn verdict(&self, root: &Path) -> Verdict {
        if let Some(missing) = self.needs.iter().find(|name| !is_installed(name)) {
            let required = env::var("NORACE_REQUIRE_SERVERS").is_ok_and(|value| value == "1");
            let why = format!("`{missing}` is not installed");
            return if required { Verdict::Failed(why) } else { Verdict::Skipped(why) };
        }
        match (self.run)(root) {
            Ok(()) => Verdict::Passed,
            Err(why) => Verdict::Failed(why),
        }
    }
}

/// One line for each step, then the count.
fn summarise(rows: &[(&str, Duration, Verdict)]) -> Result<(), String> {
    println!();
    for (name, time, verdict) in rows {
        let seconds = time.as_secs_f64();
        match verdict {
            Verdict::Passed => println!("{name:<13} {seconds:6.1} s  passed"),
            Verdict::Failed(why) => println!("{name:<13} {seconds:6.1} s  FAILED: {why}"),
            Verdict::Skipped(why) => println!("{name:<13} {seconds:6.1} s  skipped: {why}"),
        }
    }
    let count = |wanted: fn(&Verdict) -> bool| rows.iter().filter(|row| wanted(&row.2)).count();
    let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    let passed = rows.len() - failed - skipped;
    let tail = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    println!("{passed} passed, {failed} failed{tail}");
    if failed > 0 { Err(format!("failed steps: {failed}")) } else { Ok(()) }
}

fn cargo_step(root: &Path, arguments: &str) -> Result<(), String> {
    run(&mut cargo(root, arguments), STEP_MAX)
}

/// The oldest compiler that the manifests promise, where the other steps run with a newer one.
fn rust_version(root: &Path) -> Result<(), String> {
    let promised = env!("CARGO_PKG_RUST_VERSION");
    let used = output(&mut program(root, "rustc", "--version"), EXAMPLE_MAX)?;
    if used.starts_with(&format!("rustc {promised}.")) {
        println!("all steps run with it: {}", used.trim());
        return Ok(());
    }
    let check = format!(
        "run {promised}.0 cargo check --workspace --all-targets --target-dir target/rust-version"
    );
    run(&mut program(root, "rustup", &check), STEP_MAX)
}

/// The kit without its runtime, then with what is optional; the service with what is optional.
fn parts(root: &Path) -> Result<(), String> {
    cargo_step(root, "clippy -p norace --no-default-features --all-targets -- -D warnings")?;
    cargo_step(root, "clippy -p norace --all-features --all-targets -- -D warnings")?;
    cargo_step(root, "test -p norace --all-features --test it -- chan::streams bus::stream")?;
    // Where there is no Redis these say so, or fail when there has to be one.
    cargo_step(root, "test -p norace --all-features --lib -- limit::")?;
    let service = "-p norace-server -p norace-cli --features norace-cli/redis";
    cargo_step(root, &format!("clippy {service} --all-targets -- -D warnings"))?;
    cargo_step(root, &format!("test {service} -- redis"))
}

/// The crates with models, and the facade; with the models of optional parts.
const CHECKED: &str = "-p norace-prim -p norace -p norace-journal -p norace-engine -p norace-corpus -p examples \
     --features norace/futures";

/// Every model by the command that users have: for a few seconds, or for as long as it takes where it has to be
/// complete. With them the other tests of those crates, over the checker's facade.
fn models(root: &Path) -> Result<(), String> {
    let check = format!("run --quiet -p cargo-norace -- norace check --budget 3 -- {CHECKED}");
    cargo_step(root, &check)
}

/// What only builds for the checker contain.
fn models_clippy(root: &Path) -> Result<(), String> {
    // With all of the kit, and without its runtime.
    [CHECKED, "-p norace --no-default-features"].into_iter().try_for_each(|packages| {
        let arguments =
            format!("clippy {packages} --all-targets --target-dir target/norace -- -D warnings");
        run(cargo(root, &arguments).env("RUSTFLAGS", "--cfg norace"), STEP_MAX)
    })
}

fn doc(root: &Path) -> Result<(), String> {
    // Optional parts of the kit as well, as on docs.rs.
    ["doc --workspace --no-deps", "doc --package norace --all-features --no-deps"]
        .into_iter()
        .try_for_each(|arguments| {
            run(cargo(root, arguments).env("RUSTDOCFLAGS", "-D warnings"), STEP_MAX)
        })
}

/// Each example ends by itself, with success.
fn examples(root: &Path) -> Result<(), String> {
    cargo_step(root, "build --package examples --examples")?;
    let folder = root.join("examples/examples");
    let entries = fs::read_dir(&folder)
        .map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned)
        })
        .collect();
    names.sort();
    for name in names {
        println!("--- {name}");
        let arguments = format!("run --quiet --package examples --example {name}");
        // Panics on purpose need no backtrace.
        run(cargo(root, &arguments).env("RUST_BACKTRACE", "0"), EXAMPLE_MAX)?;
    }
    Ok(())
}
