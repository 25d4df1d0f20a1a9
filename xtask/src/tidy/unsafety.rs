//! Where `unsafe` may stand, and that each one is argued for.

use std::collections::BTreeSet;

use super::{Finding, source::Source};

#[cfg(test)]
mod tests;

/// Crates that are nothing but the layer below the safe code.
const UNSAFE_CRATES: [&str; 2] = ["crates/norace-prim/", "crates/norace-explore/"];

/// Crates whose unsafe code is kept in folders named `raw`.
const RAW_CRATES: [&str; 2] = ["crates/norace/src/", "crates/norace-journal/src/"];

/// `unsafe` stands only in the rooms made for it.
pub(crate) fn unsafe_place(source: &Source<'_>, findings: &mut Vec<Finding>) {
    let raw = source.path.contains("/raw/");
    let allowed = UNSAFE_CRATES.iter().any(|prefix| source.path.starts_with(prefix))
        || (raw && RAW_CRATES.iter().any(|prefix| source.path.starts_with(prefix)));
    if allowed {
        return;
    }
    for token in source.code.iter().filter(|token| token.text == "unsafe") {
        let what = "move it under `raw/` of norace or norace-journal, or do without";
        findings.push(source.finding(token.line, "unsafe-place", what));
    }
}

/// A `// SAFETY:` stands above each use of `unsafe` that promises something, and above nothing else.
pub(crate) fn safety_comment(source: &Source<'_>, findings: &mut Vec<Finding>) {
    let mut used = BTreeSet::new();
    for (at, token) in source.code.iter().enumerate() {
        if token.text != "unsafe" || only_declares(source, at) {
            continue;
        }
        let above: Vec<_> =
            source.comments_above(at).filter(|&comment| is_safety(source, comment)).collect();
        if above.is_empty() {
            let what = "say above the statement, in `// SAFETY: …`, why this is sound";
            findings.push(source.finding(token.line, "safety-comment", what));
        }
        used.extend(above);
    }
    let stray = (0..source.comments.len())
        .filter(|comment| is_safety(source, *comment) && !used.contains(comment));
    for comment in stray {
        let what = "no unsafe code follows: move or remove the `SAFETY:` comment";
        findings.push(source.finding(source.comments[comment].line, "safety-comment", what));
    }
}

/// `unsafe fn`, `unsafe trait` and `unsafe extern fn` ask for a promise; everything else gives one.
fn only_declares(source: &Source<'_>, at: usize) -> bool {
    match source.text(at + 1) {
        "fn" | "trait" | "auto" => true,
        "extern" => source.text(at + 2) == "fn" || source.text(at + 3) == "fn",
        _ => false,
    }
}

/// Documentation has a `# Safety` section instead.
fn is_safety(source: &Source<'_>, comment: usize) -> bool {
    let text = source.comments[comment].text;
    text.starts_with("// SAFETY:") || text.starts_with("/* SAFETY:")
}
