//! The arguments of an attribute: `workers = N`, and for tests `level = "rt"`, `mode = "sc"`, `budget_ms = N`,
//! `model_only`, `complete`.

use crate::Wrong;
use crate::expand::Entry;
use proc_macro::{Literal, Span, TokenStream, TokenTree};

/// An argument that was given, as the call on the options that it becomes.
pub(crate) struct Arg {
    pub(crate) call: &'static str,
    /// Kept as the literal it was, so that the compiler checks its type and points at it.
    pub(crate) number: Option<Literal>,
}

/// What an argument may be.
struct Known {
    name: &'static str,
    value: Value,
    tests_only: bool,
}

enum Value {
    /// A number, for the call of the argument's name.
    Number,
    /// One of these texts, each with the call it becomes, if any.
    OneOf(&'static [(&'static str, Option<&'static str>)]),
    /// None: the name is the call.
    None,
}

static KNOWN: [Known; 6] = [
    Known { name: "workers", value: Value::Number, tests_only: false },
    Known {
        name: "level",
        value: Value::OneOf(&[("app", None), ("rt", Some("rt"))]),
        tests_only: true,
    },
    Known {
        name: "mode",
        value: Value::OneOf(&[("rc11", None), ("sc", Some("sc"))]),
        tests_only: true,
    },
    Known { name: "budget_ms", value: Value::Number, tests_only: true },
    Known { name: "model_only", value: Value::None, tests_only: true },
    Known { name: "complete", value: Value::None, tests_only: true },
];

pub(crate) fn parse(entry: Entry, args: TokenStream) -> Result<Vec<Arg>, Wrong> {
    let mut parsed = Vec::new();
    let mut seen = Vec::new();
    let mut tokens = args.into_iter().peekable();
    while let Some(name) = tokens.next() {
        let span = name.span();
        let text = name.to_string();
        let Some(known) = known(entry).find(|known| known.name == text) else {
            return Err(Wrong::new(
                span,
                format!("unknown argument `{text}`: {}", expected(entry)),
            ));
        };
        if seen.contains(&known.name) {
            return Err(Wrong::new(span, format!("`{text}` is given twice")));
        }
        seen.push(known.name);
        let mut value = || {
            expect_punct(tokens.next(), '=', span, entry)?;
            Ok(tokens.next())
        };
        match known.value {
            Value::Number => {
                let number = Some(count(value()?, span, known.name)?);
                parsed.push(Arg { call: known.name, number });
            }
            Value::OneOf(texts) => {
                let call = one_of(value()?, span, texts)?;
                parsed.extend(call.map(|call| Arg { call, number: None }));
            }
            Value::None => parsed.push(Arg { call: known.name, number: None }),
        }
        if tokens.peek().is_some() {
            expect_punct(tokens.next(), ',', span, entry)?;
        }
    }
    Ok(parsed)
}

fn known(entry: Entry) -> impl Iterator<Item = &'static Known> {
    KNOWN.iter().filter(move |known| entry == Entry::Test || !known.tests_only)
}

/// What could have been given.
fn expected(entry: Entry) -> String {
    let one = |known: &Known| match known.value {
        Value::Number => format!("`{} = N`", known.name),
        Value::OneOf(texts) => {
            let texts: Vec<_> = texts.iter().map(|(text, _)| format!("\"{text}\"")).collect();
            format!("`{} = {}`", known.name, texts.join(" or "))
        }
        Value::None => format!("`{}`", known.name),
    };
    format!("expected {}", known(entry).map(one).collect::<Vec<_>>().join(", "))
}

fn expect_punct(
    token: Option<TokenTree>,
    punct: char,
    before: Span,
    entry: Entry,
) -> Result<(), Wrong> {
    match token {
        Some(TokenTree::Punct(found)) if found.as_char() == punct => Ok(()),
        Some(other) => Err(Wrong::new(other.span(), expected(entry))),
        None => Err(Wrong::new(before, expected(entry))),
    }
}

fn count(token: Option<TokenTree>, before: Span, name: &str) -> Result<Literal, Wrong> {
    match token {
        Some(TokenTree::Literal(literal)) if literal.to_string() == "0" => {
            let what = match name {
                "workers" => "a runtime needs at least one worker",
                _ => "a search needs time",
            };
            Err(Wrong::new(literal.span(), what))
        }
        Some(TokenTree::Literal(literal)) => Ok(literal),
        // A literal that comes through a `macro_rules!` fragment is wrapped in a group without delimiters.
        Some(TokenTree::Group(group)) if group.delimiter() == proc_macro::Delimiter::None => {
            count(group.stream().into_iter().next(), before, name)
        }
        Some(other) => {
            Err(Wrong::new(other.span(), format!("the value of `{name}` is a literal number")))
        }
        None => Err(Wrong::new(before, format!("expected `{name} = N`"))),
    }
}

/// The call for the text that was given.
fn one_of(
    token: Option<TokenTree>,
    before: Span,
    texts: &[(&'static str, Option<&'static str>)],
) -> Result<Option<&'static str>, Wrong> {
    let given = token.as_ref().map(ToString::to_string);
    let found = texts.iter().find(|(text, _)| given.as_deref() == Some(&format!("\"{text}\"")));
    match found {
        Some((_, call)) => Ok(*call),
        None => {
            let texts: Vec<_> = texts.iter().map(|(text, _)| format!("\"{text}\"")).collect();
            let span = token.map_or(before, |token| token.span());
            Err(Wrong::new(span, format!("expected {}", texts.join(" or "))))
        }
    }
}
