//! How long it takes in a new crate from `cargo add` to the first report of a race, and to the next one after an edit.

use std::{fs, path::Path, process::Command, process::Stdio, time::Instant};

use super::{
    super::{
        NORACE, fresh, in_turns,
        report::{Measure, Report},
    },
    BUILD_MAX,
};
use crate::process::{cargo, listen, program, run};

const FIRST: Measure = Measure { name: "first-report", unit: "s", rises: false };
const NEXT: Measure = Measure { name: "next-report", unit: "s", rises: false };

const TASK: (&str, &str) = ("checked", "the README's race, in a new crate");

/// A checker, as its users add it to their crate and call it.
#[derive(Clone, Copy)]
struct Checker {
    name: &'static str,
    /// Arguments of `cargo add`, a line each.
    added: &'static [&'static str],
    test: fn() -> String,
    call: fn(root: &Path, folder: &Path) -> Command,
    /// What its report says of the race.
    says: &'static str,
}

const CHECKERS: [Checker; 2] = [
    Checker {
        name: NORACE,
        added: &["--path ROOT/crates/norace-prim", "--dev --path ROOT/crates/norace-check"],
        test: || {
            README
                .split("```rust\n")
                .nth(1)
                .and_then(|it| it.split("```").next())
                .unwrap_or_default()
                .to_owned()
        },
        call: |root, folder| {
            let norace = root.join("target/release/cargo-norace");
            program(folder, &norace.to_string_lossy(), "norace check")
        },
        says: "DATA RACE on `price`",
    },
    Checker {
        name: "loom",
        added: &["--dev loom@=0.7.3"],
        test: || LOOM.to_owned(),
        call: |_, folder| {
            let mut command = cargo(folder, "test --test price");
            command.env("RUSTFLAGS", "--cfg loom");
            command
        },
        says: "Causality violation",
    },
];

const README: &str = include_str!("../../../../README.md");

/// The README's race with loom's types.
const LOOM: &str = r"
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::{cell::UnsafeCell, sync::Arc, thread};

struct Shop(UnsafeCell<i32>, AtomicBool);

unsafe impl Sync for Shop {}

#[test]
fn a_price_is_handed_over() {
    loom::model(|| {
        let shop = Arc::new(Shop(UnsafeCell::new(0), AtomicBool::new(false)));
        let seller = Arc::clone(&shop);
        let seller = thread::spawn(move || {
            seller.0.with_mut(|price| unsafe { *price = 42 });
            seller.1.store(true, Ordering::Relaxed);
        });
        if shop.1.load(Ordering::Relaxed) {
            assert_eq!(shop.0.with(|price| unsafe { *price }), 42);
        }
        seller.join().unwrap();
    });
}
";

/// Measures every checker once in each round.
pub(super) fn measure(root: &Path, rounds: usize, report: &mut Report) -> Result<(), String> {
    run(&mut cargo(root, "build --release --quiet --package cargo-norace"), BUILD_MAX)?;
    let folder = root.join("target/bench-build");
    for checker in CHECKERS {
        add(root, &folder, checker)?;
        run(&mut cargo(&folder, "fetch --quiet"), BUILD_MAX)?;
    }
    for round in 0..rounds {
        for checker in in_turns(&CHECKERS, round) {
            let start = Instant::now();
            let test = add(root, &folder, checker)?;
            see(root, &folder, checker)?;
            let first = start.elapsed().as_secs_f64();
            fs::write(folder.join("tests/price.rs"), format!("{test}\n// Looked at again.\n"))
                .map_err(|error| format!("cannot edit the test: {error}"))?;
            let start = Instant::now();
            see(root, &folder, checker)?;
            let next = start.elapsed().as_secs_f64();
            println!("{:<10} {:<18} {first:>6.1} s, then {next:.2} s", TASK.0, checker.name);
            report.add(TASK, FIRST, checker.name, first);
            report.add(TASK, NEXT, checker.name, next);
        }
    }
    Ok(())
}

/// Makes a crate in `folder`, adds the checker to it, and a test with a race, which is returned.
fn add(root: &Path, folder: &Path, checker: Checker) -> Result<String, String> {
    let explain = |error: std::io::Error| format!("cannot make {}: {error}", folder.display());
    fresh(folder)?;
    for inner in ["src", "tests"] {
        fs::create_dir_all(folder.join(inner)).map_err(explain)?;
    }
    let manifest = "[package]\nname = \"first\"\nedition = \"2024\"\n\n[workspace]\n";
    let test = (checker.test)();
    let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("tests/price.rs", &test)];
    for (name, text) in files {
        fs::write(folder.join(name), text).map_err(explain)?;
    }
    for arguments in checker.added {
        let arguments = arguments.replace("ROOT", &root.to_string_lossy());
        run(&mut cargo(folder, &format!("add --quiet {arguments}")), BUILD_MAX)?;
    }
    Ok(test)
}

/// Runs the checker, which has to fail for the race.
fn see(root: &Path, folder: &Path, checker: Checker) -> Result<(), String> {
    let mut command = (checker.call)(root, folder);
    command.env("CARGO_TARGET_DIR", folder.join("target")).stderr(Stdio::piped());
    let said = listen(&mut command, BUILD_MAX);
    let is_seen = [&said.stdout, &said.stderr].iter().any(|text| text.contains(checker.says));
    match said.ended {
        Err(_) if is_seen => Ok(()),
        ended => {
            Err(format!("{} saw no race: {ended:?}\n{}{}", checker.name, said.stdout, said.stderr))
        }
    }
}
