//! Rules about every text file, whatever its language.

use super::Finding;

#[cfg(test)]
mod tests;

/// Wide enough for a comment at some depth, narrow enough for two files side by side.
const COLUMNS_MAX: usize = 120;

/// Prose and code line by line; pages and generated files have the width they have.
const NARROW: [&str; 8] = [".rs", ".toml", ".md", ".sh", ".sql", ".py", ".go", ".lua"];

/// Languages whose own formatter indents with tabs.
const TABBED: [&str; 2] = [".go", "Makefile"];

/// Folders that exist on one machine only.
const PRIVATE_ROOTS: [&str; 4] = ["work", "root", "home", "Users"];

/// Recorded data and files of others are kept as they came.
pub(crate) fn is_foreign(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "data" | "vendor"))
}

/// No blanks at the end of a line, no tabs, no carriage returns, a line feed at the end.
pub(crate) fn blanks(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let tabs = TABBED.iter().any(|suffix| path.ends_with(suffix));
    for (line, content) in numbered(text) {
        let what = if content.ends_with('\r') {
            "end the line with a line feed alone"
        } else if content.ends_with([' ', '\t']) {
            "remove the blanks at the end of the line"
        } else if content.contains('\t') && !tabs {
            "indent with spaces"
        } else {
            continue;
        };
        findings.push(Finding::new(path, line, "blanks", what));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        let last = text.lines().count();
        findings.push(Finding::new(path, last, "blanks", "end the last line with a line feed"));
    }
}

/// At most [`COLUMNS_MAX`] characters, but for addresses and tables, which cannot be broken.
pub(crate) fn width(path: &str, text: &str, findings: &mut Vec<Finding>) {
    if !NARROW.iter().any(|suffix| path.ends_with(suffix)) {
        return;
    }
    let table = |line: &str| path.ends_with(".md") && line.starts_with('|');
    for (line, content) in numbered(text) {
        let columns = content.chars().count();
        if columns > COLUMNS_MAX && !content.contains("://") && !table(content) {
            let what = format!("break the line: it has {columns} columns of {COLUMNS_MAX}");
            findings.push(Finding::new(path, line, "width", what));
        }
    }
}

/// Nothing names a folder of the machine on which it was written.
pub(crate) fn private_path(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (line, content) in numbered(text) {
        let found = PRIVATE_ROOTS.iter().find(|root| names_root(content, root));
        if let Some(root) = found {
            let what = format!("write a path that exists elsewhere, too, not one below `/{root}`");
            findings.push(Finding::new(path, line, "private-path", what));
        }
    }
}

/// Whether an absolute path below `/root` stands in `line`, as against `some/root/`.
fn names_root(line: &str, root: &str) -> bool {
    line.match_indices(&format!("/{root}/")).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}'))
    })
}

/// Lines from 1 on, without their line feeds but with all other white space.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split_terminator('\n');
    lines.enumerate().map(|(index, line)| (index + 1, line))
}
