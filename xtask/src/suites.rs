//! Other people's test suites, over the kit: see `crates/norace-suites/README.md`.
//!
//! Each adapter names a peer of an exact version as an optional dependency, so that cargo fetches the peer's package,
//! tests included. The folder `tests` of the adapter is a link to them, where cargo finds them as it finds anybody's.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::process::{cargo, output, program};

const FOLDER: &str = "crates/norace-suites";

const BUILD_MAX: Duration = Duration::from_mins(10);

/// The slowest file takes a tenth of it on two idle cores.
const FILE_MAX: Duration = Duration::from_mins(4);

/// A listed test that hangs has failed by then.
const LISTED_MAX: Duration = Duration::from_secs(30);

/// Many tests measure time, on machines that do other things as well: so often one is run again, alone.
const AGAIN_MAX: usize = 3;

struct Suite {
    /// The peer, and the adapter's folder.
    name: &'static str,
    /// How many tests its package has.
    tests: usize,
    /// How many run at a time: many where most sleep, one where they burn the processors.
    at_once: usize,
}

const SUITES: [Suite; 4] = [
    Suite { name: "crossbeam-channel", tests: 391, at_once: 8 },
    Suite { name: "async-channel", tests: 41, at_once: 8 },
    Suite { name: "concurrent-queue", tests: 31, at_once: 1 },
    Suite { name: "lockfree-object-pool", tests: 12, at_once: 8 },
];

/// A test that is known not to pass.
#[derive(Debug, PartialEq, Eq)]
struct Exception<'a> {
    suite: &'a str,
    file: &'a str,
    test: &'a str,
}

/// What a suite came to.
#[derive(Default)]
struct Tally {
    passed: usize,
    again: usize,
    listed: usize,
    wrong: Vec<String>,
}

/// Runs the suites called `names`, or all of them.
pub(crate) fn run(root: &Path, names: &[&str]) -> Result<(), String> {
    if let Some(unknown) = names.iter().find(|name| SUITES.iter().all(|it| it.name != **name)) {
        let known = SUITES.map(|suite| suite.name).join(", ");
        return Err(format!("there is no suite `{unknown}`; there are {known}"));
    }
    let folder = root.join(FOLDER);
    let text = fs::read_to_string(folder.join("exceptions.txt"))
        .map_err(|error| format!("cannot read the exceptions: {error}"))?;
    let exceptions = exceptions(&text)?;
    let metadata = metadata(&folder)?;
    let mut wrong = Vec::new();
    for suite in SUITES.iter().filter(|suite| names.is_empty() || names.contains(&suite.name)) {
        let start = Instant::now();
        let (version, tests) = upstream(&metadata, suite.name)?;
        link(&folder.join(suite.name).join("tests"), &tests)?;
        let tally = suite.run(&folder, &exceptions)?;
        println!(
            "{} {version}: {} of {} tests passed, {} of them when run again alone; exceptions: {}; {:.0} s",
            suite.name,
            tally.passed,
            suite.tests,
            tally.again,
            tally.listed,
            start.elapsed().as_secs_f64(),
        );
        if tally.passed + tally.listed != suite.tests {
            wrong.push(format!("{}: expected {} tests in all", suite.name, suite.tests));
        }
        wrong.extend(tally.wrong);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Reads lines of `suite file::test reason`; a `#` begins a comment.
fn exceptions(text: &str) -> Result<Vec<Exception<'_>>, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let (suite, test) = (words.next(), words.next().and_then(|it| it.split_once("::")));
            match (suite, test, words.next()) {
                (Some(suite), Some((file, test)), Some(_)) => Ok(Exception { suite, file, test }),
                _ => Err(format!("not `suite file::test reason`: {line}")),
            }
        })
        .collect()
}

/// What cargo knows of the adapters and their peers, which it fetches.
fn metadata(folder: &Path) -> Result<Value, String> {
    let arguments = "metadata --locked --all-features --format-version 1";
    let text = output(&mut cargo(folder, arguments), BUILD_MAX)?;
    serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))
}

/// The version of the peer that the adapter names, and where its tests are.
fn upstream(metadata: &Value, name: &str) -> Result<(String, PathBuf), String> {
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let adapter = format!("norace-as-{name}");
    let requirement = packages
        .iter()
        .filter(|package| package["name"] == adapter.as_str())
        .flat_map(|package| package["dependencies"].as_array().into_iter().flatten())
        .find(|dependency| dependency["rename"] == "upstream")
        .and_then(|dependency| dependency["req"].as_str())
        .ok_or_else(|| format!("{adapter} names no upstream"))?;
    let version = requirement.trim_start_matches('=');
    let manifest = packages
        .iter()
        .find(|package| package["name"] == name && package["version"] == version)
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or_else(|| format!("cargo knows no {name} {version}"))?;
    Ok((version.to_owned(), Path::new(manifest).with_file_name("tests")))
}

/// Makes `link` lead to `to`.
fn link(link: &Path, to: &Path) -> Result<(), String> {
    if fs::read_link(link).is_ok_and(|old| old == to) {
        return Ok(());
    }
    // Nothing there is as good.
    let _removed = fs::remove_file(link);
    symlink(to, link).map_err(|error| format!("cannot link {}: {error}", link.display()))
}

impl Suite {
    fn run(&self, folder: &Path, exceptions: &[Exception<'_>]) -> Result<Tally, String> {
        let mut tally = Tally::default();
        let home = folder.join(self.name);
        for (file, program) in self.build(folder)? {
            let listed: Vec<&str> = exceptions
                .iter()
                .filter(|it| it.suite == self.name && it.file == file)
                .map(|it| it.test)
                .collect();
            let file = File { suite: self, name: &file, program: &program, home: &home };
            file.run_unlisted(&listed, &mut tally);
            for test in listed {
                tally.listed += 1;
                if file.passes(test, LISTED_MAX) {
                    let what = "is an exception and passes: take it off the list";
                    tally.wrong.push(format!("{} {}::{test} {what}", self.name, file.name));
                }
            }
        }
        Ok(tally)
    }

    /// The programs that its tests become, by the names of their files.
    fn build(&self, folder: &Path) -> Result<Vec<(String, String)>, String> {
        let package = format!("norace-as-{}", self.name);
        let arguments =
            format!("test --locked --no-run --message-format json --quiet --package {package}");
        // Warnings about the code of others are theirs.
        let text =
            output(cargo(folder, &arguments).env("RUSTFLAGS", "--cap-lints allow"), BUILD_MAX)?;
        let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let programs = messages.filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            let is_test = message["target"]["kind"][0] == "test";
            let program = message["executable"].as_str()?.to_owned();
            is_test.then_some((name, program))
        });
        let mut programs: Vec<_> = programs.collect();
        programs.sort();
        Ok(programs)
    }
}

/// One file of tests.
struct File<'a> {
    suite: &'a Suite,
    name: &'a str,
    program: &'a str,
    home: &'a Path,
}

impl File<'_> {
    /// Runs all but the listed tests, those that fail again alone.
    fn run_unlisted(&self, listed: &[&str], tally: &mut Tally) {
        let skips: String = listed.iter().map(|test| format!(" --skip {test}")).collect();
        let arguments = format!("--exact --test-threads {}{skips}", self.suite.at_once);
        let outcome = output(&mut program(self.home, self.program, &arguments), FILE_MAX);
        let succeeded = outcome.is_ok();
        let (Ok(text) | Err(text)) = outcome;
        let mut failed = 0;
        for line in text.lines().filter_map(|line| line.strip_prefix("test ")) {
            // A test that is to panic has ` - should panic` behind its name.
            let Some((name, verdict)) = line.rsplit_once(" ... ") else { continue };
            let test = name.split(' ').next().unwrap_or(name);
            match verdict {
                "ok" => tally.passed += 1,
                "FAILED" => {
                    failed += 1;
                    if (0..AGAIN_MAX).any(|_| self.passes(test, FILE_MAX)) {
                        println!("{} {}::{test} passed when run again", self.suite.name, self.name);
                        tally.passed += 1;
                        tally.again += 1;
                    } else {
                        tally
                            .wrong
                            .push(format!("{} {}::{test} fails", self.suite.name, self.name));
                    }
                }
                _ => {}
            }
        }
        if !succeeded && failed == 0 {
            tally.wrong.push(format!("{} {}: {text}", self.suite.name, self.name));
        }
    }

    /// Whether one test passes alone.
    fn passes(&self, test: &str, limit: Duration) -> bool {
        let arguments = format!("--exact {test}");
        output(&mut program(self.home, self.program, &arguments), limit).is_ok()
    }
}

#[cfg(test)]
mod tests;
