//! The parts of the kit that stand alone beside their peers: each contender does each task in a process of its own.

use std::path::Path;

use super::{
    Tables,
    report::{Environment, Report},
    tasks::{Programs, Task},
};

mod bus;
mod config;
mod limit;
mod pool;
mod sync;

pub(super) use bus::BUS;
pub(super) use config::CONFIG;
pub(super) use limit::LIMIT;
pub(super) use pool::POOL;
pub(super) use sync::SYNC;

/// A part, and what it is measured by.
pub(super) struct Part {
    /// The name of the files, and the first part of each row's identity.
    name: &'static str,
    /// What stands above the table.
    head: &'static str,
    /// The packages that are compared with.
    peers: &'static [&'static str],
    tasks: &'static [Task],
}

pub(super) fn measure(part: &Part, root: &Path, quick: bool) -> Result<Tables, String> {
    let programs = Programs::build(root, "norace-bench-parts")?.with_go("parts")?;
    let (rounds, seconds) = if quick { (1, 0.1) } else { (5, 0.3) };
    let rounds_text = format!("{rounds}, in each {seconds} s or one pass");
    let environment = Environment::read(root, part.name, rounds_text)
        .with("peers", programs.versions(part.peers)?)
        .with("Go", programs.go());
    let mut report = Report::new(part.name, part.head, environment);
    programs.measure(&mut report, part.tasks, (rounds, seconds))?;
    Ok(report.tables())
}
