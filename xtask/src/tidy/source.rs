//! A Rust file as the rules see it: code and comments apart, brackets matched, test code marked, paths spelled out.

use std::ops::RangeInclusive;

use super::lexer::{Kind, Token, lex};

#[cfg(test)]
mod tests;

/// One `.rs` file.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// Relative to the workspace root, with forward slashes.
    pub(crate) path: &'a str,
    /// Every token but comments.
    pub(crate) code: Vec<Token<'a>>,
    /// Comments and documentation, in order.
    pub(crate) comments: Vec<Token<'a>>,
    /// For each token of `code`: its partner, when it is a bracket.
    mates: Vec<Option<usize>>,
    /// For each token of `code`: the bracket that encloses it.
    parents: Vec<Option<usize>>,
    /// Lines of items marked `#[test]` or `#[cfg(test)]`.
    tests: Vec<RangeInclusive<usize>>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(path: &'a str, text: &'a str) -> Self {
        let (comments, code): (Vec<_>, Vec<_>) = lex(text).into_iter().partition(Token::is_comment);
        let (mates, parents) = match_brackets(&code);
        let mut source = Self { path, code, comments, mates, parents, tests: Vec::new() };
        source.tests = source.find_tests();
        source
    }

    /// The text of the token at `at`, or nothing past the end.
    pub(crate) fn text(&self, at: usize) -> &'a str {
        self.code.get(at).map_or("", |token| token.text)
    }

    /// The text of the token before the one at `at`.
    pub(crate) fn text_before(&self, at: usize) -> &'a str {
        at.checked_sub(1).map_or("", |before| self.text(before))
    }

    /// Whether the tokens from `at` on read `texts`.
    pub(crate) fn reads(&self, at: usize, texts: &[&str]) -> bool {
        texts.iter().enumerate().all(|(offset, text)| self.text(at + offset) == *text)
    }

    /// The partner of the bracket at `at`; the last token when it has none.
    pub(crate) fn mate(&self, at: usize) -> usize {
        self.mates.get(at).copied().flatten().unwrap_or_else(|| self.code.len().saturating_sub(1))
    }

    /// The opening bracket around the token at `at`.
    pub(crate) fn parent(&self, at: usize) -> Option<usize> {
        self.parents.get(at).copied().flatten()
    }

    /// Whether the file, or the item around `line`, is built for tests only.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        is_test_path(self.path) || self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// The index of the last token before the statement, match arm, field or item that holds the token at `at`.
    pub(crate) fn boundary(&self, at: usize) -> Option<usize> {
        let mut here = at;
        loop {
            here = here.checked_sub(1)?;
            match self.text(here) {
                "}" if self.text(here + 1) == "=>" => here = self.mate(here),
                ";" | "{" | "}" => return Some(here),
                "," if self.parent(here).is_none_or(|opener| self.text(opener) == "{") => {
                    return Some(here);
                }
                ")" | "]" => here = self.mate(here),
                _ => {}
            }
        }
    }

    /// The comments between the statement's [`boundary`](Self::boundary) and the token at `at`, as indices.
    pub(crate) fn comments_above(&self, at: usize) -> impl Iterator<Item = usize> {
        let from = self.boundary(at).map_or(0, |boundary| self.code[boundary].start);
        let to = self.code[at].start;
        let comments = self.comments.iter().enumerate();
        comments.filter(move |(_, c)| c.start >= from && c.start < to).map(|(index, _)| index)
    }

    /// Every path with the token at `at` as its first name; one for each leaf of a `use` with braces.
    pub(crate) fn paths_from(&self, at: usize) -> Vec<Vec<&'a str>> {
        let mut paths = Vec::new();
        self.walk_path(at, Vec::new(), &mut paths);
        paths
    }

    fn walk_path(&self, mut at: usize, mut names: Vec<&'a str>, paths: &mut Vec<Vec<&'a str>>) {
        loop {
            if self.text(at) == "{" {
                return self.walk_group(at, &names, paths);
            }
            names.push(self.text(at));
            if self.text(at + 1) != "::" {
                return paths.push(names);
            }
            at += 2;
        }
    }

    fn walk_group(&self, open: usize, names: &[&'a str], paths: &mut Vec<Vec<&'a str>>) {
        let close = self.mate(open);
        let starts = (open + 1..close).filter(|&at| {
            self.parent(at) == Some(open) && matches!(self.text_before(at), "{" | ",")
        });
        for start in starts {
            self.walk_path(start, names.to_vec(), paths);
        }
    }

    /// Attributes that mean "only in tests", with the item that follows each.
    fn find_tests(&self) -> Vec<RangeInclusive<usize>> {
        let attributes = (0..self.code.len()).filter(|&at| self.reads(at, &["#", "["]));
        let tests = attributes.filter(|&at| self.is_test_attribute(at + 1));
        tests.map(|at| self.code[at].line..=self.code[self.item_end(at)].end_line).collect()
    }

    fn is_test_attribute(&self, open: usize) -> bool {
        let inside = || (open + 1..self.mate(open)).map(|at| self.text(at));
        let name = inside().take_while(|text| !matches!(*text, "(" | "=")).last();
        let negated = inside().any(|text| matches!(text, "not" | "any"));
        name == Some("test") || (name == Some("cfg") && !negated && inside().any(|t| t == "test"))
    }

    /// The last token of the item whose first attribute begins at `at`.
    fn item_end(&self, mut at: usize) -> usize {
        while at < self.code.len() {
            match self.text(at) {
                ";" => return at,
                "{" => return self.mate(at),
                "(" | "[" => at = self.mate(at) + 1,
                _ => at += 1,
            }
        }
        self.code.len() - 1
    }
}

/// Whether a file is test code by where it stands.
pub(crate) fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| {
        matches!(part, "tests" | "tests.rs" | "models" | "models.rs" | "benches" | "examples")
    })
}

fn match_brackets(code: &[Token<'_>]) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let mut mates = vec![None; code.len()];
    let mut parents = vec![None; code.len()];
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in code.iter().enumerate() {
        let bracket = if token.kind == Kind::Punct { token.text } else { "" };
        if matches!(bracket, ")" | "]" | "}")
            && let Some(opener) = open.pop()
        {
            mates[opener] = Some(at);
            mates[at] = Some(opener);
        }
        parents[at] = open.last().copied();
        if matches!(bracket, "(" | "[" | "{") {
            open.push(at);
        }
    }
    (mates, parents)
}
