//! Rules about the source that no compiler knows, checked in one pass over the files git knows.
//!
//! A rule is a function that looks at one thing (a Rust file, any text, a manifest, the documents together) and adds
//! [`Finding`]s; its tests stand beside it. There are no exceptions to a rule but those it names itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
    process::Command,
};

use markdown::Document;
use source::Source;

mod banned;
mod facade;
mod features;
mod lexer;
mod manifest;
mod markdown;
mod ordering;
mod shape;
mod source;
#[cfg(test)]
mod testing;
mod text;
mod unsafety;

const RUST_RULES: [fn(&Source<'_>, &mut Vec<Finding>); 8] = [
    shape::head,
    shape::function_length,
    unsafety::unsafe_place,
    unsafety::safety_comment,
    ordering::ordering_comment,
    banned::allow,
    banned::leftover,
    facade::facade,
];

const TEXT_RULES: [fn(&str, &str, &mut Vec<Finding>); 3] =
    [text::blanks, text::width, text::private_path];

const MANIFEST_RULES: [fn(&str, &manifest::Manifest, &mut Vec<Finding>); 3] =
    [manifest::arrows, manifest::reasons, manifest::lints];

/// A clone should stay small: what is larger is data or an asset, in a folder of that name.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// One place that breaks one rule.
#[derive(Debug)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what)
    }
}

impl Source<'_> {
    fn finding(&self, line: usize, rule: &'static str, what: impl Into<String>) -> Finding {
        Finding::new(self.path, line, rule, what)
    }
}

/// Checks the tree at `root` and prints what it finds; an error says how much that was.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let files = files(root)?;
    let mut findings = Vec::new();
    let mut documents = BTreeMap::new();
    for path in &files {
        check_file(root, path, &mut documents, &mut findings)?;
    }
    markdown::links(&files, &documents, &mut findings);
    features::default_build(&mut findings)?;
    findings.sort_by(|a, b| (&a.path, a.line, a.rule).cmp(&(&b.path, b.line, b.rule)));
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err("1 place breaks a rule".to_owned()),
        n => Err(format!("{n} places break a rule")),
    }
}

/// What git tracks, and what it would if it were added.
fn files(root: &Path) -> Result<BTreeSet<String>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = names.split_terminator('\0').filter(|name| root.join(name).is_file());
    Ok(names.map(str::to_owned).collect())
}

/// Workspaces of their own, which use the crates of others: to measure against, and for their tests.
const OUTSIDE: [&str; 2] = ["crates/norace-bench/", "crates/norace-suites/"];

fn check_file<'a>(
    root: &Path,
    path: &'a str,
    documents: &mut BTreeMap<&'a str, Document>,
    findings: &mut Vec<Finding>,
) -> Result<(), String> {
    let bytes =
        fs::read(root.join(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
    check_size(path, bytes.len() as u64, findings);
    if text::is_foreign(path) {
        return Ok(());
    }
    let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
    for rule in TEXT_RULES {
        rule(path, &text, findings);
    }
    if path.ends_with(".rs") {
        let source = Source::new(path, &text);
        RUST_RULES.iter().for_each(|rule| rule(&source, findings));
    } else if path.ends_with(".md") {
        let document = Document::parse(&text);
        markdown::title(path, &document, findings);
        documents.insert(path, document);
    } else if path.ends_with("/Cargo.toml") && !OUTSIDE.iter().any(|it| path.starts_with(it)) {
        let manifest = manifest::Manifest::parse(&text);
        MANIFEST_RULES.iter().for_each(|rule| rule(path, &manifest, findings));
    }
    Ok(())
}

fn check_size(path: &str, bytes: u64, findings: &mut Vec<Finding>) {
    let kept = path.split('/').any(|part| matches!(part, "data" | "assets"));
    if bytes > FILE_BYTES_MAX && !kept {
        let what = format!(
            "shrink it, or keep it in a folder `data` or `assets`: it has {bytes} bytes of \
             {FILE_BYTES_MAX}"
        );
        findings.push(Finding::new(path, 1, "size", what));
    }
}

#[cfg(test)]
mod tests;
