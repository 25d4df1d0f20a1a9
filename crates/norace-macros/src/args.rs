//! The arguments of an attribute: `workers = N`.

use crate::Wrong;
use proc_macro::{Literal, Span, TokenStream, TokenTree};

/// The arguments that were given.
#[derive(Default)]
pub(crate) struct Args {
    /// Kept as the literal it was, so that the compiler checks its type and points at it.
    pub(crate) workers: Option<Literal>,
}

const EXPECTED: &str = "expected `workers = N`";

pub(crate) fn parse(args: TokenStream) -> Result<Args, Wrong> {
    let mut parsed = Args::default();
    let mut tokens = args.into_iter().peekable();
    while let Some(name) = tokens.next() {
        let span = name.span();
        if name.to_string() != "workers" {
            return Err(Wrong::new(span, format!("unknown argument `{name}`: {EXPECTED}")));
        }
        if parsed.workers.is_some() {
            return Err(Wrong::new(span, "`workers` is given twice"));
        }
        expect_punct(tokens.next(), '=', span)?;
        parsed.workers = Some(count(tokens.next(), span)?);
        if tokens.peek().is_some() {
            expect_punct(tokens.next(), ',', span)?;
        }
    }
    Ok(parsed)
}

fn expect_punct(token: Option<TokenTree>, punct: char, before: Span) -> Result<(), Wrong> {
    match token {
        Some(TokenTree::Punct(found)) if found.as_char() == punct => Ok(()),
        Some(other) => Err(Wrong::new(other.span(), EXPECTED)),
        None => Err(Wrong::new(before, EXPECTED)),
    }
}

fn count(token: Option<TokenTree>, before: Span) -> Result<Literal, Wrong> {
    match token {
        Some(TokenTree::Literal(literal)) if literal.to_string() == "0" => {
            Err(Wrong::new(literal.span(), "a runtime needs at least one worker"))
        }
        Some(TokenTree::Literal(literal)) => Ok(literal),
        // A literal that comes through a `macro_rules!` fragment is wrapped in a group without delimiters.
        Some(TokenTree::Group(group)) if group.delimiter() == proc_macro::Delimiter::None => {
            count(group.stream().into_iter().next(), before)
        }
        Some(other) => Err(Wrong::new(other.span(), "the number of workers is a literal")),
        None => Err(Wrong::new(before, EXPECTED)),
    }
}
