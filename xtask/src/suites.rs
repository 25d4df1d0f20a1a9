//! Other people's test suites, over the kit: see `crates/norace-suites/README.md`.
//!
//! Each adapter names a peer of an exact version as an optional dependency, so that cargo fetches the peer's package,
//! tests included. The folder `tests` of the adapter is a link to them, where cargo finds them as it finds anybody's.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::process::{Said, cargo, listen, output, program};

const FOLDER: &str = "crates/norace-suites";

const BUILD_MAX: Duration = Duration::from_mins(10);

/// The slowest file takes less than a minute of two cores, which others may want as well.
const FILE_MAX: Duration = Duration::from_mins(10);

/// A listed test that hangs has failed by then.
const LISTED_MAX: Duration = Duration::from_secs(30);

/// So often a test that measures time is run again, alone: machines do other things as well.
const AGAIN_MAX: usize = 3;

struct Suite {
    /// The peer, and the adapter's folder.
    name: &'static str,
    /// How many tests its package has.
    tests: usize,
    /// How many run at a time: many where most sleep, one where they burn the processors.
    at_once: usize,
}

const SUITES: [Suite; 9] = [
    Suite { name: "crossbeam-channel", tests: 391, at_once: 8 },
    Suite { name: "async-channel", tests: 41, at_once: 8 },
    Suite { name: "concurrent-queue", tests: 31, at_once: 1 },
    Suite { name: "st3", tests: 18, at_once: 1 },
    Suite { name: "governor", tests: 54, at_once: 8 },
    Suite { name: "arc-swap", tests: 18, at_once: 1 },
    Suite { name: "async-broadcast", tests: 10, at_once: 8 },
    Suite { name: "lockfree-object-pool", tests: 12, at_once: 8 },
    Suite { name: "tokio", tests: 43, at_once: 8 },
];

/// A test that is not like the others.
#[derive(Debug, PartialEq, Eq)]
struct Exception<'a> {
    kind: Listed,
    suite: &'a str,
    file: &'a str,
    test: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    /// It is known not to pass.
    Fails,
    /// Whether it passes is chance: it is not run.
    Chance,
    /// It measures time: one that failed may be run again.
    Timed,
}

/// What a suite came to.
#[derive(Debug, Default, PartialEq, Eq)]
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

/// Reads lines of `suite file::test reason`, with `chance` in front of those that pass or not by chance, and `timed` in
/// front of those that measure time; a `#` begins a comment.
fn exceptions(text: &str) -> Result<Vec<Exception<'_>>, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (kind, rest) = match line.split_once(' ') {
                Some(("timed", rest)) => (Listed::Timed, rest),
                Some(("chance", rest)) => (Listed::Chance, rest),
                _ => (Listed::Fails, line),
            };
            let mut words = rest.split_whitespace();
            let (suite, test) = (words.next(), words.next().and_then(|it| it.split_once("::")));
            match (suite, test, words.next()) {
                (Some(suite), Some((file, test)), Some(_)) => {
                    Ok(Exception { kind, suite, file, test })
                }
                _ => Err(format!("not `[chance | timed] suite file::test reason`: {line}")),
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
            let listed = |kind: Listed| -> Vec<&str> {
                let here = |it: &&Exception<'_>| it.suite == self.name && it.file == file;
                exceptions
                    .iter()
                    .filter(here)
                    .filter(|it| it.kind == kind)
                    .map(|it| it.test)
                    .collect()
            };
            let (fail, timed) = (listed(Listed::Fails), listed(Listed::Timed));
            let chance = listed(Listed::Chance);
            let file = File { suite: self, name: &file, program: &program, home: &home };
            let said = file.run_all_but(fail.iter().chain(&chance));
            tally.count(&format!("{} {}", self.name, file.name), &said, &timed, |test| {
                (0..AGAIN_MAX).any(|_| file.passes_again(test))
            });
            tally.listed += fail.len() + chance.len();
            for test in fail {
                if file.run_alone(test, LISTED_MAX).ended.is_ok() {
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

impl Tally {
    /// Counts what the tests of `file` came to, from what a run of them `said`. Those of them that are `timed` and
    /// failed are run `again`, which tells whether that went well; any other failure is wrong at once.
    fn count(
        &mut self,
        file: &str,
        said: &Said,
        timed: &[&str],
        mut again: impl FnMut(&str) -> bool,
    ) {
        let Said { ended, stdout, stderr } = said;
        if let Err(error) = ended {
            println!("{file}: {error}\n{stderr}");
        }
        let verdicts: Vec<_> = stdout.lines().filter_map(verdict).collect();
        for &(test, _) in verdicts.iter().filter(|(_, passed)| !passed) {
            if timed.contains(&test) && again(test) {
                println!("{file}::{test} failed, and passed when run again");
                self.again += 1;
                self.passed += 1;
            } else {
                self.wrong.push(format!("{file}::{test} fails"));
            }
        }
        let passed = verdicts.iter().filter(|(_, passed)| *passed).count();
        self.passed += passed;
        let all_told = stdout.lines().any(|line| line.starts_with("test result: "));
        let unknown = timed.iter().filter(|test| verdicts.iter().all(|(name, _)| name != *test));
        for test in unknown.filter(|_| all_told) {
            self.wrong.push(format!("{file}::{test} is listed and was not run"));
        }
        if let Err(error) = ended
            && (!all_told || passed == verdicts.len())
        {
            self.wrong.push(format!("{file}: {error}\n{stdout}{stderr}"));
        }
    }
}

/// A test's name and whether it passed, if the line tells that.
fn verdict(line: &str) -> Option<(&str, bool)> {
    let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    // A test that is to panic has ` - should panic` behind its name.
    let test = name.split(' ').next().unwrap_or(name);
    match verdict {
        "ok" => Some((test, true)),
        "FAILED" => Some((test, false)),
        _ => None,
    }
}

impl File<'_> {
    /// Runs all but some tests.
    fn run_all_but<'t>(&self, tests: impl Iterator<Item = &'t &'t str>) -> Said {
        let skips: String = tests.map(|test| format!(" --skip {test}")).collect();
        self.run(&format!("--test-threads {}{skips}", self.suite.at_once), FILE_MAX)
    }

    fn run_alone(&self, test: &str, limit: Duration) -> Said {
        self.run(test, limit)
    }

    fn run(&self, arguments: &str, limit: Duration) -> Said {
        // What a test says is kept for its end, which one that aborts the program does not come to: so it is not kept.
        let arguments = format!("--exact --nocapture {arguments}");
        let mut command = program(self.home, self.program, &arguments);
        listen(command.stderr(Stdio::piped()), limit)
    }

    fn passes_again(&self, test: &str) -> bool {
        let Said { ended, stderr, .. } = self.run_alone(test, FILE_MAX);
        if let Err(error) = &ended {
            println!("{error}\n{stderr}");
        }
        ended.is_ok()
    }
}

#[cfg(test)]
mod tests;
