//! What both commands do alike: build with the checker, make sure that it is there, run tests with its environment.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::{sync::mpsc, thread};

use anstream::ColorChoice;
use serde::Deserialize;

use crate::cargo::{Arguments, Cargo};
use crate::failure::Failure;
use crate::folder::RunFolder;
use crate::harness::{Scanner, Tally};
use crate::output::Output;
use crate::processes::Processes;

/// What is set for the tests alone: what was set before belongs to another run.
const OF_A_RUN: [&str; 3] = ["NORACE_CLAIM", "NORACE_REPLAY", "NORACE_RUN"];

/// Bytes of output that are passed on at once.
const CHUNK: usize = 16 << 10;

/// A build with the checker, and a fresh folder for outcomes.
#[derive(Debug)]
pub(crate) struct Session {
    cargo: Cargo,
    processes: Processes,
    run: RunFolder,
}

/// How the test processes ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    /// Whether cargo said that something failed.
    pub(crate) failed: bool,
    pub(crate) tally: Tally,
}

impl Ended {
    fn add(&mut self, status: ExitStatus, tally: Tally) {
        self.failed |= !status.success();
        self.tally.add(tally);
    }
}

impl Session {
    /// Builds the tests.
    ///
    /// # Errors
    ///
    /// When that fails, and when the checker is not in what was built.
    pub(crate) fn begin(arguments: &Arguments, color: ColorChoice) -> Result<Self, Failure> {
        let processes = Processes::listen()?;
        let cargo = Cargo::find(arguments, color)?;
        let libraries = build(&processes, cargo.build(arguments))?;
        probe(&libraries)?;
        let run = RunFolder::new(cargo.folder())?;
        Ok(Self { cargo, processes, run })
    }

    /// The folder of the outcomes.
    pub(crate) fn folder(&self) -> &Path {
        self.run.path()
    }

    /// Runs tests in one process of cargo, and passes on what they print as they do.
    pub(crate) fn run(
        &self,
        arguments: &Arguments,
        variables: &[(&str, String)],
        output: &mut Output,
    ) -> Result<Ended, Failure> {
        let mut command = self.command(arguments, variables);
        let mut running =
            self.processes.start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let stdout = running.child.stdout.take().expect("stdout is a pipe");
        let stderr = running.child.stderr.take().expect("stderr is a pipe");
        let mut printed = Ok(());
        let (ended, results) = thread::scope(|scope| {
            // What is left of a run that ends is killed by who waits, and only then are the pipes closed.
            let ended = scope.spawn(|| self.processes.wait(running));
            // A closed stderr is nobody's failure.
            let messages =
                scope.spawn(|| pass_on(stderr, |bytes| drop(io::stderr().write_all(bytes))));
            let results = pass_on(stdout, |bytes| {
                if printed.is_ok() {
                    printed = output.pass_on(bytes);
                }
            });
            let mut tally = results;
            tally.add(messages.join().expect("passing on does not panic"));
            (ended.join().expect("waiting does not panic"), tally)
        });
        printed?;
        let mut all = Ended::default();
        all.add(ended?, results);
        Ok(all)
    }

    /// Runs tests in several processes of cargo that share the models; passes on what each printed when it has ended.
    pub(crate) fn share(
        &self,
        jobs: u16,
        arguments: &Arguments,
        variables: &[(&str, String)],
        output: &mut Output,
    ) -> Result<Ended, Failure> {
        let mut variables = variables.to_vec();
        variables.push(("NORACE_CLAIM", "1".to_owned()));
        let mut all = Ended::default();
        thread::scope(|scope| {
            let (sender, ended) = mpsc::channel();
            for job in 1..=jobs {
                let arguments = part(arguments, job);
                let mut command = self.command(&arguments, &variables);
                let log = self.log(job)?;
                let messages = log.try_clone().map_err(|error| cannot_log(self.folder(), error))?;
                let running = self.processes.start(command.stdout(log).stderr(messages))?;
                let sender = sender.clone();
                scope.spawn(move || {
                    // Who receives has left only after a failure of its own.
                    let _ = sender.send((job, self.processes.wait(running)));
                });
            }
            drop(sender);
            for (job, status) in ended {
                output.pass_on(format!("norace: process {job} of {jobs}\n").as_bytes())?;
                let log = File::open(self.log_path(job));
                let log = log.map_err(|error| cannot_log(self.folder(), error))?;
                let mut printed = Ok(());
                let tally = pass_on(log, |bytes| {
                    if printed.is_ok() {
                        printed = output.pass_on(bytes);
                    }
                });
                printed?;
                all.add(status?, tally);
            }
            Ok(all)
        })
    }

    fn command(&self, arguments: &Arguments, variables: &[(&str, String)]) -> Command {
        let mut command = self.cargo.run(arguments);
        OF_A_RUN.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.env("NORACE_RUN", self.folder());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn log_path(&self, job: u16) -> PathBuf {
        self.folder().join(format!("process-{job}.log"))
    }

    fn log(&self, job: u16) -> Result<File, Failure> {
        File::create(self.log_path(job)).map_err(|error| cannot_log(self.folder(), error))
    }
}

fn cannot_log(folder: &Path, error: io::Error) -> Failure {
    Failure::usage(format!("cannot keep what the tests print in {}", folder.display()))
        .because(error)
}

/// What one of several processes runs. A doc test is a program of its own with another path each time, so that its
/// models cannot be shared: the first process runs them all.
fn part(arguments: &Arguments, job: u16) -> Arguments {
    if job == 1 || arguments.choose_targets() {
        arguments.clone()
    } else {
        arguments.clone().with("--tests")
    }
}

/// Reads `from` to its end; what it says of tests.
fn pass_on(mut from: impl Read, mut to: impl FnMut(&[u8])) -> Tally {
    let mut scanner = Scanner::default();
    let mut buffer = vec![0; CHUNK];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                scanner.read(&buffer[..read]);
                to(&buffer[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A pipe that cannot be read any more has nothing more to say.
            Err(_) => break,
        }
    }
    scanner.tally
}

/// A message of `cargo … --message-format json`.
#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Diagnostic {
    rendered: Option<String>,
}

/// What cargo said about a build.
#[derive(Debug, Default)]
struct Built {
    /// The libraries that the tests are made of.
    libraries: BTreeSet<String>,
    /// What the compiler said, for people.
    diagnostics: Vec<String>,
}

impl Built {
    fn read(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Message>(line) else { return };
        self.diagnostics.extend(message.message.and_then(|diagnostic| diagnostic.rendered));
        let target = message.target.filter(|_| message.reason == "compiler-artifact");
        let is_library =
            |target: &Target| target.kind.iter().any(|kind| kind == "lib" || kind == "rlib");
        self.libraries
            .extend(target.filter(is_library).map(|target| target.name.replace('-', "_")));
    }
}

/// Builds; the libraries that the tests are made of.
fn build(processes: &Processes, mut command: Command) -> Result<BTreeSet<String>, Failure> {
    let mut running = processes.start(command.stdout(Stdio::piped()))?;
    let messages = running.child.stdout.take().expect("stdout is a pipe");
    let mut built = Built::default();
    for line in BufReader::new(messages).lines().map_while(Result::ok) {
        built.read(&line);
    }
    if processes.wait(running)?.success() {
        // Cargo says warnings again when it runs the tests.
        return Ok(built.libraries);
    }
    let mut stderr = anstream::stderr().lock();
    for text in built.diagnostics {
        // A closed stderr is nobody's failure.
        let _ = stderr.write_all(text.as_bytes());
    }
    Err(Failure::usage("cannot build the tests with `--cfg norace`"))
}

/// Whether the checker is in what was built: the facade has it under the cfg alone.
fn probe(libraries: &BTreeSet<String>) -> Result<(), Failure> {
    let has = |name: &str| libraries.contains(name);
    if has("norace_prim") && !has("norace_explore") {
        return Err(Failure::usage(
            "the tests were built without the checker: `--cfg norace` did not arrive at norace-prim",
        )
        .hint("look for a program in the place of rustc that drops arguments: RUSTC, RUSTC_WORKSPACE_WRAPPER"));
    }
    if has("norace_prim") || has("norace_check") {
        return Ok(());
    }
    let git = env!("CARGO_PKG_REPOSITORY");
    Err(Failure::usage(
        "there is nothing to check: the tests use neither norace-prim nor norace-check",
    )
    .hint(format!(
        "name the package that does, or add to its Cargo.toml\n\
             [dependencies]\nnorace-prim = {{ git = \"{git}\" }}\n\
             [dev-dependencies]\nnorace-check = {{ git = \"{git}\" }}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn libraries(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_build_without_the_checker_is_noticed() {
        assert!(probe(&libraries(&["norace_prim", "norace_explore"])).is_ok());
        assert!(probe(&libraries(&["norace_check", "norace_explore"])).is_ok());
        let lost = probe(&libraries(&["norace_prim", "norace_check"])).expect_err("it is lost");
        assert!(lost.to_string().contains("did not arrive"), "{lost}");
        let none = probe(&libraries(&["shop"])).expect_err("there is nothing");
        assert!(none.to_string().contains("nothing to check"), "{none}");
    }

    #[test]
    fn libraries_and_diagnostics_are_told_from_other_messages() {
        let artifact = |name: &str, kind: &str| {
            let target = format!(r#"{{"name":"{name}","kind":["{kind}"]}}"#);
            format!(r#"{{"reason":"compiler-artifact","target":{target}}}"#)
        };
        let message = r#"{"reason":"compiler-message","target":{"name":"c","kind":["lib"]},
            "message":{"rendered":"error: no"}}"#;
        let mut built = Built::default();
        built.read(&artifact("norace-prim", "lib"));
        built.read(&artifact("it", "test"));
        built.read(message);
        built.read(r#"{"reason":"build-finished","success":true}"#);
        built.read("not JSON");
        assert_eq!(built.libraries, libraries(&["norace_prim"]));
        assert_eq!(built.diagnostics, ["error: no"]);
    }
}
