//! Each atomic access says why its memory ordering is the right one.

use std::collections::BTreeMap;

use super::{
    Finding,
    source::{Source, is_test_path},
};

#[cfg(test)]
mod tests;

const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

/// How far above its statement a reason may stand, when one comment serves several accesses.
const LINES_ABOVE_MAX: usize = 4;

/// The checker's own tests are lists of accesses whose orderings are the subject.
const LITMUS_CRATES: [&str; 2] = ["crates/norace-explore/", "crates/norace-check/"];

/// A comment `// Ordering: why` stands above each call that is given an ordering.
pub(crate) fn ordering_comment(source: &Source<'_>, findings: &mut Vec<Finding>) {
    let litmus = LITMUS_CRATES.iter().any(|prefix| source.path.starts_with(prefix));
    if litmus && is_test_path(source.path) {
        return;
    }
    for (open, orderings) in accesses(source) {
        let reasons = reasons(source, open);
        let argued = orderings.iter().any(|ordering| argues_for(&reasons, ordering));
        let missing = orderings.iter().find(|ordering| !argued || !has_word(&reasons, ordering));
        if let Some(missing) = missing {
            let what = format!(
                "say in a comment at most {LINES_ABOVE_MAX} lines above: `// {missing}: why, and \
                 the access it pairs with`"
            );
            findings.push(source.finding(source.code[open].line, "ordering-comment", what));
        }
    }
}

/// Each opening parenthesis of a call with orderings among its arguments, and these.
fn accesses<'a>(source: &Source<'a>) -> BTreeMap<usize, Vec<&'a str>> {
    let imported = imported_orderings(source);
    let mut calls = BTreeMap::<usize, Vec<&str>>::new();
    for (at, token) in source.code.iter().enumerate() {
        if !ORDERINGS.contains(&token.text) {
            continue;
        }
        let named = at >= 2 && source.reads(at - 2, &["Ordering", "::"]);
        let bare = source.text_before(at) != "::" && imported.contains(&token.text);
        let call = source.parent(at).filter(|&open| is_access(source, open));
        if let Some(open) = call.filter(|_| named || bare) {
            let orderings = calls.entry(open).or_default();
            if !orderings.contains(&token.text) {
                orderings.push(token.text);
            }
        }
    }
    calls
}

/// Whether the parenthesis at `open` opens the arguments of an atomic access or a fence. Others that are handed an
/// ordering, the checker's models of them above all, only carry it.
fn is_access(source: &Source<'_>, open: usize) -> bool {
    let name = source.text_before(open);
    let access = matches!(name, "load" | "store" | "swap" | "update" | "try_update")
        || matches!(name, "fence" | "compiler_fence")
        || name.starts_with("fetch_")
        || name.starts_with("compare_exchange");
    source.text(open) == "(" && access
}

/// The orderings that a `use` of this file makes known by their bare names.
fn imported_orderings<'a>(source: &Source<'a>) -> Vec<&'a str> {
    let uses = (0..source.code.len()).filter(|&at| source.text(at) == "use");
    let paths = uses.flat_map(|at| source.paths_from(at + 1));
    let mut names = Vec::new();
    for path in paths {
        match path.as_slice() {
            [.., "Ordering", "*"] => names.extend(ORDERINGS),
            [.., "Ordering", name] => names.push(*name),
            _ => {}
        }
    }
    names
}

/// The comments near the call that opens at `open`: in its statement, or in a block that ends just above it.
fn reasons(source: &Source<'_>, open: usize) -> String {
    let statement = source.boundary(open).map_or(0, |boundary| boundary + 1);
    let first_line = source.code[statement].line;
    let last_line = source.code[source.mate(open)].end_line;
    let end = source.comments.partition_point(|comment| comment.line <= last_line);
    let mut start = source.comments[..end]
        .partition_point(|comment| comment.end_line + LINES_ABOVE_MAX < first_line);
    while start > 0 && start < end && continues(source, start) {
        start -= 1;
    }
    let texts: Vec<_> = source.comments[start..end].iter().map(|comment| comment.text).collect();
    texts.join("\n")
}

/// Whether the comment at `index` is the next line of the one before.
fn continues(source: &Source<'_>, index: usize) -> bool {
    source.comments[index - 1].end_line + 1 == source.comments[index].line
}

/// Whether `text` holds `ordering: ` and something after it.
fn argues_for(text: &str, ordering: &str) -> bool {
    words(text, ordering)
        .any(|after| after.strip_prefix(':').is_some_and(|reason| reason.trim_start().len() > 2))
}

fn has_word(text: &str, ordering: &str) -> bool {
    words(text, ordering).next().is_some()
}

/// What follows each place where `word` stands by itself.
fn words<'t>(text: &'t str, word: &str) -> impl Iterator<Item = &'t str> {
    text.match_indices(word).filter_map(move |(at, found)| {
        let after = &text[at + found.len()..];
        let inside = |c: char| c == '_' || c.is_alphanumeric();
        (!text[..at].ends_with(inside) && !after.starts_with(inside)).then_some(after)
    })
}
