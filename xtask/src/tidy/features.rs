//! What the default build is made of, as cargo resolves it.

use std::process::Command;

use super::Finding;

#[cfg(test)]
mod tests;

/// The types of `tokio::sync` that hyper needs are the one exception; they stand without tokio's runtime.
const TOKIO_FEATURES: [&str; 2] = ["default", "sync"];

/// Clients of services that a default build must not contain.
const ABSENT: [&str; 3] = ["async-nats", "nats", "redis"];

/// Asks cargo for every crate of the default build and judges the list.
pub(crate) fn default_build(findings: &mut Vec<Finding>) -> Result<(), String> {
    let arguments = "tree --workspace --edges normal,build --prefix none --format";
    let output = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .arg("{p}|{f}")
        .output()
        .map_err(|error| format!("cannot run cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    judge(&String::from_utf8_lossy(&output.stdout), findings);
    Ok(())
}

/// Judges lines of `name version|feature,feature`.
fn judge(tree: &str, findings: &mut Vec<Finding>) {
    for line in tree.lines() {
        let (package, features) = line.split_once('|').unwrap_or((line, ""));
        let name = package.split(' ').next().unwrap_or(package);
        let features = features.trim_end_matches(" (*)").split(',').filter(|name| !name.is_empty());
        if ABSENT.contains(&name) {
            let what = format!("keep `{name}` behind a feature: the default build contains it");
            findings.push(Finding::new("Cargo.lock", 1, "default-build", what));
        }
        for feature in features.filter(|it| name == "tokio" && !TOKIO_FEATURES.contains(it)) {
            let what = format!(
                "the default build turns on tokio's feature `{feature}`; find out by \
                `cargo tree --edges features --invert tokio` which crate asks for it"
            );
            findings.push(Finding::new("Cargo.lock", 1, "default-build", what));
        }
    }
}
