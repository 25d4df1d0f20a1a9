//! A lexer for Rust that tells code from text: comments, strings of every kind, characters and lifetimes.
//!
//! It exists so that rules about code never fire on a string or a comment, and the other way round. It does not judge
//! whether the program is valid: the compiler has done that before. What is not closed runs to the end of the file.

#[cfg(test)]
mod tests;

/// What a [`Token`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword; `r#name` is one, too.
    Ident,
    /// `'name` without a closing quote.
    Lifetime,
    /// A number, with its suffix.
    Number,
    /// Any string, byte string, C string or raw string, quotes included.
    Str,
    /// A character or a byte, quotes included.
    Char,
    /// `//` or `/* */`.
    Comment,
    /// `///`, `//!`, `/** */` or `/*! */`.
    Doc,
    /// Any other character by itself, but `::`, `=>` and `->` are one token each.
    Punct,
}

/// A piece of the source that is not white space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Offset of the first byte.
    pub(crate) start: usize,
    /// Line of the first byte, counted from 1.
    pub(crate) line: usize,
    /// Line of the last byte.
    pub(crate) end_line: usize,
}

impl Token<'_> {
    pub(crate) fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::Comment | Kind::Doc)
    }
}

/// Cuts `text` into tokens, comments among them.
pub(crate) fn lex(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, line: 1 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Option<Token<'a>> {
        let blank = self.rest().find(|c: char| !c.is_whitespace())?;
        self.advance(blank);
        let (start, line) = (self.at, self.line);
        let (kind, len) = classify(self.rest());
        self.advance(len);
        Some(Token { kind, text: &self.text[start..self.at], start, line, end_line: self.line })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn advance(&mut self, len: usize) {
        self.line += self.text[self.at..self.at + len].matches('\n').count();
        self.at += len;
    }
}

/// The kind and the length in bytes of the token with which `rest` begins.
fn classify(rest: &str) -> (Kind, usize) {
    if rest.starts_with("//") {
        return line_comment(rest);
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if let Some(len) = string_len(rest) {
        return (Kind::Str, len);
    }
    let first = rest.chars().next().expect("a token has a first character");
    if first == '\'' || rest.starts_with("b'") {
        return quote(rest);
    }
    if first.is_ascii_digit() {
        return (Kind::Number, number_len(rest));
    }
    if is_name(first) {
        let raw = if rest.starts_with("r#") { 2 } else { 0 };
        return (Kind::Ident, raw + name_len(&rest[raw..]));
    }
    let pair = ["::", "=>", "->"].iter().any(|pair| rest.starts_with(pair));
    (Kind::Punct, if pair { 2 } else { first.len_utf8() })
}

fn line_comment(rest: &str) -> (Kind, usize) {
    let text = rest.split('\n').next().unwrap_or(rest);
    let doc = text.starts_with("//!") || (text.starts_with("///") && !text.starts_with("////"));
    (if doc { Kind::Doc } else { Kind::Comment }, text.trim_end_matches('\r').len())
}

/// Block comments nest.
fn block_comment(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match &bytes[at..bytes.len().min(at + 2)] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    let starts = |mark: &str| rest[..at].starts_with(mark);
    let doc = starts("/*!") || (starts("/**") && !starts("/***") && !starts("/**/"));
    (if doc { Kind::Doc } else { Kind::Comment }, at)
}

/// The length of the string literal at the start of `rest`, prefix and quotes included.
fn string_len(rest: &str) -> Option<usize> {
    let prefix = rest.bytes().take(3).position(|byte| matches!(byte, b'"' | b'#'))?;
    let (letters, body) = rest.split_at(prefix);
    match letters {
        "" | "b" | "c" => body.starts_with('"').then(|| prefix + quoted_len(body, '"')),
        "r" | "br" | "cr" => {
            let hashes = body.bytes().take_while(|&byte| byte == b'#').count();
            if body.as_bytes().get(hashes) != Some(&b'"') {
                return None;
            }
            let close = format!("\"{}", "#".repeat(hashes));
            let inner = &body[hashes + 1..];
            let end = inner.find(&close).map_or(inner.len(), |at| at + close.len());
            Some(prefix + hashes + 1 + end)
        }
        _ => None,
    }
}

/// The length of a literal that begins with `quote`, up to the next one that is not escaped.
fn quoted_len(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    body.len()
}

/// A quote opens a character when one character, or an escape, is followed by the closing quote; else a lifetime.
fn quote(rest: &str) -> (Kind, usize) {
    let prefix = usize::from(rest.starts_with('b'));
    let body = &rest[prefix..];
    let mut after = body.chars().skip(1);
    let (first, second) = (after.next(), after.next());
    if prefix == 1 || first == Some('\\') || second == Some('\'') {
        return (Kind::Char, prefix + quoted_len(body, '\''));
    }
    (Kind::Lifetime, 1 + name_len(&body[1..]))
}

/// A dot belongs to the number when a digit follows: `1.5`, but neither `1..5` nor `1.max(5)`.
fn number_len(rest: &str) -> usize {
    let whole = name_len(rest);
    let fraction = rest[whole..].strip_prefix('.').filter(|rest| starts_with_digit(rest));
    whole + fraction.map_or(0, |rest| 1 + name_len(rest))
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn name_len(rest: &str) -> usize {
    rest.find(|c| !is_name(c)).unwrap_or(rest.len())
}

fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
