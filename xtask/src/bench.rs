//! Norace beside its peers on the same machine: every contender runs once in each round, in turns.
//!
//! The order of contenders turns around from round to round. A run counts only when what it did is right. The tables
//! show medians and quartile distances, lost comparisons included.

use std::{fs, io, path::Path};

use report::Report;

mod checker;
mod engine;
mod report;
mod stats;

const NORACE: &str = "Norace";

/// A comparison with its peers.
struct Suite {
    name: &'static str,
    measure: fn(root: &Path, quick: bool) -> Result<Report, String>,
}

const SUITES: [Suite; 2] = [
    Suite { name: "engine", measure: engine::measure },
    Suite { name: "checker", measure: checker::measure },
];

/// Measures the suites called `names`, or all of them, and writes tables into `docs/bench` unless they were only tried
/// out.
pub(crate) fn bench(root: &Path, names: &[&str], quick: bool) -> Result<(), String> {
    if let Some(unknown) = names.iter().find(|name| SUITES.iter().all(|it| it.name != **name)) {
        let known = SUITES.map(|suite| suite.name).join(", ");
        return Err(format!("there is no comparison `{unknown}`; there are {known}"));
    }
    for suite in SUITES.iter().filter(|suite| names.is_empty() || names.contains(&suite.name)) {
        let report = (suite.measure)(root, quick)?;
        println!("\n{}", report.markdown());
        if !quick {
            report.write(&root.join("docs/bench"))?;
        }
    }
    Ok(())
}

/// An empty folder, whatever was there.
fn fresh(folder: &Path) -> Result<(), String> {
    let explain = |error: io::Error| format!("cannot clear {}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(explain)?;
    }
    fs::create_dir_all(folder).map_err(explain)
}
