//! Concurrent code reaches the machine through `norace_prim`, so that the checker can take its place.

use super::{Finding, source::Source};

#[cfg(test)]
mod tests;

const CONCURRENT_CRATES: [&str; 4] = [
    "crates/norace/src/",
    "crates/norace-journal/src/",
    "crates/norace-engine/src/",
    "crates/norace-server/src/",
];

/// No lock, atomic, thread or clock of `std` outside tests.
pub(crate) fn facade(source: &Source<'_>, findings: &mut Vec<Finding>) {
    if !CONCURRENT_CRATES.iter().any(|prefix| source.path.starts_with(prefix)) {
        return;
    }
    for (at, token) in source.code.iter().enumerate() {
        let root = matches!(token.text, "std" | "core" | "alloc") && source.text(at + 1) == "::";
        if !root || source.is_test(token.line) {
            continue;
        }
        if let Some(path) = source.paths_from(at).iter().find(|path| passes_by(path)) {
            let what = format!("take it from norace_prim instead of `{}`", path.join("::"));
            findings.push(source.finding(token.line, "facade", what));
        }
    }
}

/// Whether a path leads to something that the facade offers.
fn passes_by(path: &[&str]) -> bool {
    matches!(
        path,
        [_, "sync" | "thread" | "thread_local", ..]
            | [_, "time", "Instant" | "SystemTime" | "UNIX_EPOCH", ..]
            | [_, "cell", "UnsafeCell", ..]
            | [_, "hint", "spin_loop", ..]
    )
}
