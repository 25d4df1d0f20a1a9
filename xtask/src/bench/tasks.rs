//! Tasks of a benchmark program: each contender does each task in a process of its own, in turns.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;

use super::{
    in_turns,
    report::{Measure, Report},
};
use crate::process::{cargo, is_installed, output, program, run};

const BUILD_MAX: Duration = Duration::from_mins(15);

const RUN_MAX: Duration = Duration::from_mins(1);

/// Its name in the table, and what the program calls it; Go has a program of its own.
pub(super) type Contender = (&'static str, &'static str);

pub(super) const GO: Contender = ("Go", "go");

/// What a task tells.
pub(super) enum Tell {
    /// The time of an operation, on the wall and of all processors.
    Times,
    /// What the program says under this name.
    Field(&'static str, Measure),
    /// The same, for each million operations.
    PerMillion(&'static str, Measure),
}

const TIME: Measure = Measure { name: "time", unit: "ns", rises: false };
const CPU: Measure = Measure { name: "processor", unit: "ns", rises: false };

/// What is measured, in each round.
pub(super) struct Task {
    what: &'static str,
    /// What the program calls it.
    name: &'static str,
    contenders: &'static [Contender],
    /// Workers of the runtime, on as many processors as there are; on one processor, if that is all.
    workers: u32,
    one_cpu: bool,
    tells: &'static [Tell],
    /// Rounds at most, and how many times as long as others it goes on in each.
    rounds_max: usize,
    times: f64,
    /// A program that it cannot do without.
    needs: Option<&'static str>,
}

/// A task that tells its times.
pub(super) const fn task(
    what: &'static str,
    name: &'static str,
    contenders: &'static [Contender],
) -> Task {
    Task {
        what,
        name,
        contenders,
        workers: 2,
        one_cpu: false,
        tells: &[Tell::Times],
        rounds_max: usize::MAX,
        times: 1.0,
        needs: None,
    }
}

impl Task {
    /// With a single worker.
    pub(super) const fn alone(self) -> Self {
        Self { workers: 1, ..self }
    }

    /// With everything on one processor.
    pub(super) const fn crowded(self) -> Self {
        Self { one_cpu: true, ..self }
    }

    pub(super) const fn telling(self, tells: &'static [Tell]) -> Self {
        Self { tells, ..self }
    }

    /// In the first `most` rounds alone.
    pub(super) const fn rounds(self, most: usize) -> Self {
        Self { rounds_max: most, ..self }
    }

    /// So many times as long as others.
    pub(super) const fn longer(self, times: f64) -> Self {
        Self { times, ..self }
    }

    /// Where the program `name` is installed; elsewhere it is left out.
    pub(super) const fn needing(self, name: &'static str) -> Self {
        Self { needs: Some(name), ..self }
    }

    /// Whether it can be done here; says so if it cannot.
    fn is_possible(&self) -> bool {
        let missing = self.needs.filter(|name| !is_installed(name));
        if let Some(name) = missing {
            println!("`{name}` is not installed: {} is left out", self.id());
        }
        missing.is_none()
    }

    fn id(&self) -> String {
        let name = self.name.replace(':', "-");
        let cpus = if self.one_cpu { ".one-cpu" } else { "" };
        format!("{name}.w{}{cpus}", self.workers)
    }
}

/// The program of a package, and Go's beside it.
pub(super) struct Programs {
    root: PathBuf,
    package: &'static str,
    own: PathBuf,
    go: Option<(PathBuf, String)>,
}

impl Programs {
    /// Builds the program of `package`.
    pub(super) fn build(root: &Path, package: &'static str) -> Result<Self, String> {
        let folder = folder(root);
        run(&mut cargo(&folder, &format!("build --release --package {package}")), BUILD_MAX)?;
        let own = folder.join("target/release").join(package);
        Ok(Self { root: root.to_owned(), package, own, go: None })
    }

    /// Builds Go's program in `part` of the benchmarks as well, where Go is installed.
    pub(super) fn with_go(mut self, part: &str) -> Result<Self, String> {
        let source = folder(&self.root).join(part).join("go");
        let Ok(version) = output(&mut program(&source, "go", "version"), RUN_MAX) else {
            println!("Go is not installed: it does not take part");
            return Ok(self);
        };
        let path = self.own.with_file_name(format!("{}-go", self.package));
        run(&mut program(&source, "go", &format!("build -o {} .", path.display())), BUILD_MAX)?;
        let version = version.trim().trim_start_matches("go version go").to_owned();
        self.go = Some((path, version));
        Ok(self)
    }

    /// Go's version.
    pub(super) fn go(&self) -> String {
        self.go.as_ref().map_or("not installed", |(_, version)| version.as_str()).to_owned()
    }

    /// The versions of the packages called `names` that the lock file names.
    pub(super) fn versions(&self, names: &[&str]) -> Result<String, String> {
        let tree =
            format!("tree --package {} --depth 1 --prefix none --edges normal", self.package);
        let tree = output(&mut cargo(&folder(&self.root), &tree), RUN_MAX)?;
        let known = |line: &&str| names.contains(&line.split(' ').next().unwrap_or_default());
        let versions = tree.lines().filter(known).map(|line| line.replacen(" v", " ", 1));
        Ok(versions.collect::<Vec<_>>().join(", "))
    }

    /// Does all `tasks` in each round, for so many seconds each, and adds what they tell.
    pub(super) fn measure(
        &self,
        report: &mut Report,
        tasks: &[Task],
        (rounds, seconds): (usize, f64),
    ) -> Result<(), String> {
        let tasks: Vec<&Task> = tasks.iter().filter(|task| task.is_possible()).collect();
        for round in 0..rounds {
            for task in tasks.iter().filter(|task| round < task.rounds_max) {
                let here = |contender: &Contender| *contender != GO || self.go.is_some();
                for contender in in_turns(task.contenders, round).filter(here) {
                    let said = self.run(contender, task, seconds * task.times)?;
                    if said("wrong").is_ok_and(|count| count > 0.0) {
                        return Err(format!("{}: {} does it wrong", task.id(), contender.0));
                    }
                    let (id, per_op) = (task.id(), 1.0 / said("ops")?);
                    let id = (id.as_str(), task.what);
                    for tell in task.tells {
                        let (measure, value) = match *tell {
                            Tell::Times => {
                                let time = said("seconds")? * 1e9 * per_op;
                                report.add(id, TIME, contender.0, time);
                                (CPU, said("cpu_seconds")? * 1e9 * per_op)
                            }
                            Tell::Field(name, measure) => (measure, said(name)?),
                            Tell::PerMillion(name, measure) => {
                                (measure, said(name)? * 1e6 * per_op)
                            }
                        };
                        report.add(id, measure, contender.0, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs one task; what was said under a name.
    fn run(
        &self,
        contender: Contender,
        task: &Task,
        seconds: f64,
    ) -> Result<impl Fn(&str) -> Result<f64, String> + use<>, String> {
        let what = format!("{} {} {seconds}", task.name, task.workers);
        let (path, arguments) = match &self.go {
            Some((go, _)) if contender == GO => (go, what),
            _ => (&self.own, format!("{} {what}", contender.1)),
        };
        let path = path.to_string_lossy();
        let mut command = if task.one_cpu {
            program(&self.root, "taskset", &format!("-c 0 {path} {arguments}"))
        } else {
            program(&self.root, &path, &arguments)
        };
        let line = output(command.stderr(Stdio::inherit()), RUN_MAX)?;
        println!("{:<14} {:<28} {}", contender.0, task.id(), line.trim());
        let said: Value = serde_json::from_str(line.trim())
            .map_err(|error| format!("{arguments}: {error}: {line}"))?;
        Ok(move |name: &str| {
            said[name].as_f64().ok_or_else(|| format!("{arguments}: no `{name}` in {line}"))
        })
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join("crates/norace-bench")
}
