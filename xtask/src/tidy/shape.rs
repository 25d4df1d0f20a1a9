//! How a Rust file is laid out: its head and the length of its functions.

use super::{Finding, source::Source};

#[cfg(test)]
mod tests;

/// A function has to fit on a screen, tests too.
const FUNCTION_LINES_MAX: usize = 70;

/// A file begins by saying what it is for.
pub(crate) fn head(source: &Source<'_>, findings: &mut Vec<Finding>) {
    let first = source.comments.first();
    if !first.is_some_and(|comment| comment.start == 0 && comment.text.starts_with("//! ")) {
        findings.push(source.finding(1, "head", "begin the file with `//!` and what it is for"));
    }
}

/// From `fn` to the closing brace, signature and comments included.
pub(crate) fn function_length(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for (at, token) in source.code.iter().enumerate() {
        if token.text != "fn" || matches!(source.text(at + 1), "(" | "") {
            continue;
        }
        let Some(open) = body(source, at) else { continue };
        let lines = source.code[source.mate(open)].end_line + 1 - token.line;
        if lines > FUNCTION_LINES_MAX {
            let name = source.text(at + 1);
            let what = format!(
                "`{name}` has {lines} lines; split it, a function has {FUNCTION_LINES_MAX} at most"
            );
            findings.push(source.finding(token.line, "function-length", what));
        }
    }
}

/// The brace that opens the body of the function whose `fn` is at `at`, when it has one.
fn body(source: &Source<'_>, mut at: usize) -> Option<usize> {
    loop {
        match source.text(at) {
            "{" => return Some(at),
            ";" | "}" | "" => return None,
            "(" | "[" => at = source.mate(at) + 1,
            _ => at += 1,
        }
    }
}
