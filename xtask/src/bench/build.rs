//! How long a program takes to build that uses the kit, or a peer, for the first time, and how long it is to the first
//! report of a checker.

use std::{fs, path::Path, time::Duration, time::Instant};

use super::{
    NORACE, fresh, in_turns,
    report::{Environment, Measure, Report},
};
use crate::process::{cargo, run};

mod checked;

const BUILD_MAX: Duration = Duration::from_mins(10);

const TIME: Measure = Measure { name: "clean-build", unit: "s", rises: false };

/// A contender, and the line of its manifest.
type Contender = (&'static str, &'static str);

const WHOLE: &[Contender] = &[
    (NORACE, r#"norace = { path = "ROOT/crates/norace" }"#),
    (
        "tokio",
        r#"tokio = { version = "=1.54.1", features = ["rt-multi-thread", "net", "time", "sync", "macros", "signal"] }"#,
    ),
];

const CHANNELS: &[Contender] = &[
    (NORACE, r#"norace = { path = "ROOT/crates/norace", default-features = false }"#),
    ("crossbeam-channel", r#"crossbeam-channel = "=0.5.17""#),
    ("flume", r#"flume = "=0.12.0""#),
    ("kanal", r#"kanal = "=0.1.1""#),
    ("tokio", r#"tokio = { version = "=1.54.1", features = ["sync"] }"#),
];

const TASKS: [(&str, &str, &[Contender]); 2] = [
    ("whole", "tasks, channels, timers, TCP, signals, macros", WHOLE),
    ("channels", "channels alone", CHANNELS),
];

const HEAD: &str = "\
# Build time

A new program with one dependency, built for the first time with `cargo build --release`; what has to be fetched is
there. The program itself does nothing.

The first report: in an empty crate, `cargo add`, the test on the README's first screen (for loom, the same with its
types), and `cargo norace check` (for loom, `cargo test` with its flag) until the race is reported, which is looked for.
The next report: a line was added to the test, and the command runs again. `cargo norace` itself was there; installing
it, once a machine, is building one more program. shuttle explores no weak memory and cannot see this race.

";

pub(super) fn measure(root: &Path, quick: bool) -> Result<Report, String> {
    let rounds = if quick { 1 } else { 3 };
    let environment = Environment::read(root, "build", rounds.to_string());
    let mut report = Report::new("build", HEAD, environment);
    let folder = root.join("target/bench-build");
    for round in 0..rounds {
        for (id, what, contenders) in TASKS {
            for (name, line) in in_turns(contenders, round) {
                let seconds = build(root, &folder, line)?;
                println!("{id:<10} {name:<18} {seconds:>6.1} s");
                report.add((id, what), TIME, name, seconds);
            }
        }
    }
    checked::measure(root, rounds, &mut report)?;
    Ok(report)
}

/// Makes a program in `folder` with one dependency and builds it; how long that took.
fn build(root: &Path, folder: &Path, dependency: &str) -> Result<f64, String> {
    let explain = |error: std::io::Error| format!("cannot make {}: {error}", folder.display());
    fresh(folder)?;
    fs::create_dir_all(folder.join("src")).map_err(explain)?;
    fs::write(folder.join("src/main.rs"), "fn main() {}\n").map_err(explain)?;
    let dependency = dependency.replace("ROOT", &root.to_string_lossy());
    let manifest = format!(
        "[package]\nname = \"first\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependency}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).map_err(explain)?;
    run(&mut cargo(folder, "fetch --quiet"), BUILD_MAX)?;
    let start = Instant::now();
    let mut command = cargo(folder, "build --release --quiet");
    run(command.env("CARGO_TARGET_DIR", folder.join("target")), BUILD_MAX)?;
    Ok(start.elapsed().as_secs_f64())
}
