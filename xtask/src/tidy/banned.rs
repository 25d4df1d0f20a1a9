//! What is left over from writing, and lints silenced for good.

use super::{Finding, source::Source};

#[cfg(test)]
mod tests;

/// `#[allow(…)]` outlives its reason unseen; `#[expect(…)]` says so when it is over.
pub(crate) fn allow(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for (at, token) in source.code.iter().enumerate() {
        let attribute = source.reads(at, &["allow", "("]) && in_attribute(source, at);
        if attribute {
            let what = "write `#[expect(lint, reason = \"…\")]` instead of `allow`";
            findings.push(source.finding(token.line, "allow", what));
        }
    }
}

/// Whether the token at `at` stands in `#[…]` or `#![…]`, however deep.
fn in_attribute(source: &Source<'_>, at: usize) -> bool {
    std::iter::successors(source.parent(at), |&open| source.parent(open)).any(|open| {
        let before = if source.text_before(open) == "!" { open - 1 } else { open };
        source.text(open) == "[" && source.text_before(before) == "#"
    })
}

/// Macros and marks that say "not finished".
pub(crate) fn leftover(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for (at, token) in source.code.iter().enumerate() {
        let unfinished = matches!(token.text, "todo" | "unimplemented" | "dbg");
        if unfinished
            && source.text(at + 1) == "!"
            && matches!(source.text(at + 2), "(" | "[" | "{")
        {
            let what = format!("finish it: `{}!` does not land", token.text);
            findings.push(source.finding(token.line, "leftover", what));
        }
    }
    for comment in &source.comments {
        let mark = ["FIXME", "XXX"].into_iter().find(|mark| comment.text.contains(mark));
        if let Some(mark) = mark {
            let what = format!("do what the `{mark}` says, or say why things are as they are");
            findings.push(source.finding(comment.line, "leftover", what));
        }
    }
}
