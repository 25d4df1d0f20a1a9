//! Norace beside its peers on the same machine: every contender runs once in each round, in turns.
//!
//! The order of contenders turns around from round to round. A run counts only when what it did is right. The tables
//! show medians and quartile distances, lost comparisons included.

use std::{fs, io, path::Path};

use serde_json::Value;

mod build;
mod checker;
mod corpus;
mod engine;
mod kit;
mod parts;
mod plot;
mod report;
mod stats;
mod tasks;

const NORACE: &str = "Norace";

pub(crate) use corpus::search as corpus;

/// What a comparison came to: one form to read, one for programs, and a picture where there are contenders to compare.
struct Tables {
    markdown: String,
    json: Value,
    picture: Option<String>,
}

/// A comparison with its peers.
struct Suite {
    /// The name of the files, and the first part of each row's identity.
    name: &'static str,
    measure: fn(root: &Path, quick: bool) -> Result<Tables, String>,
}

const SUITES: [Suite; 10] = [
    Suite { name: "engine", measure: |root, quick| Ok(engine::measure(root, quick)?.tables()) },
    Suite { name: "kit", measure: |root, quick| Ok(kit::measure(root, quick)?.tables()) },
    Suite { name: "sync", measure: |root, quick| parts::measure(&parts::SYNC, root, quick) },
    Suite { name: "bus", measure: |root, quick| parts::measure(&parts::BUS, root, quick) },
    Suite { name: "pool", measure: |root, quick| parts::measure(&parts::POOL, root, quick) },
    Suite { name: "config", measure: |root, quick| parts::measure(&parts::CONFIG, root, quick) },
    Suite { name: "limit", measure: |root, quick| parts::measure(&parts::LIMIT, root, quick) },
    Suite { name: "checker", measure: |root, quick| Ok(checker::measure(root, quick)?.tables()) },
    Suite { name: "build", measure: |root, quick| Ok(build::measure(root, quick)?.tables()) },
    Suite { name: "corpus", measure: corpus::measure },
];

/// Measures the suites called `names`, or all of them, and writes tables into `docs/bench` unless they were only tried
/// out.
pub(crate) fn bench(root: &Path, names: &[&str], quick: bool) -> Result<(), String> {
    if let Some(unknown) = names.iter().find(|name| SUITES.iter().all(|it| it.name != **name)) {
        let known = SUITES.map(|suite| suite.name).join(", ");
        return Err(format!("there is no comparison `{unknown}`; there are {known}"));
    }
    for suite in SUITES.iter().filter(|suite| names.is_empty() || names.contains(&suite.name)) {
        let tables = (suite.measure)(root, quick)?;
        println!("\n{}", tables.markdown);
        if !quick {
            tables.write(&root.join("docs/bench"), suite.name)?;
        }
    }
    Ok(())
}

impl Tables {
    fn write(&self, folder: &Path, name: &str) -> Result<(), String> {
        let explain = |error: io::Error| format!("cannot write {}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(explain)?;
        fs::write(folder.join(format!("{name}.md")), &self.markdown).map_err(explain)?;
        if let Some(picture) = &self.picture {
            fs::write(folder.join(format!("{name}.svg")), picture).map_err(explain)?;
        }
        fs::write(folder.join(format!("{name}.json")), format!("{:#}\n", self.json))
            .map_err(explain)
    }
}

/// The contenders in the order of a round, which turns around from one to the next.
fn in_turns<T: Copy>(contenders: &[T], round: usize) -> impl Iterator<Item = T> {
    let last = contenders.len() - 1;
    (0..contenders.len())
        .map(move |at| contenders[if round.is_multiple_of(2) { at } else { last - at }])
}

/// An empty folder, whatever was there.
fn fresh(folder: &Path) -> Result<(), String> {
    let explain = |error: io::Error| format!("cannot clear {}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(explain)?;
    }
    fs::create_dir_all(folder).map_err(explain)
}
