//! The head of a function, as far as the attributes have to know it.

use crate::Wrong;
use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use std::iter::Peekable;

/// A function without arguments and generics, taken apart.
pub(crate) struct Function {
    /// Attributes and visibility.
    pub(crate) outer: Vec<TokenTree>,
    /// Where `async` stands, if it does.
    pub(crate) is_async: Option<Span>,
    pub(crate) name: Ident,
    /// `-> T`, or nothing.
    pub(crate) output: Vec<TokenTree>,
    pub(crate) body: Group,
}

type Tokens = Peekable<proc_macro::token_stream::IntoIter>;

impl Function {
    /// Whether a panic is what the test wants.
    pub(crate) fn should_panic(&self) -> bool {
        let names = |token: &TokenTree| match group(token, Delimiter::Bracket) {
            Some(attribute) => {
                attribute.stream().into_iter().next().is_some_and(|t| is_word(&t, "should_panic"))
            }
            None => false,
        };
        self.outer.iter().any(names)
    }
}

pub(crate) fn parse(item: TokenStream) -> Result<Function, Wrong> {
    let mut tokens = item.into_iter().peekable();
    let mut outer = Vec::new();
    while let Some(attribute_mark) = tokens.next_if(|token| is_punct(token, '#')) {
        outer.push(attribute_mark);
        outer.extend(tokens.next());
    }
    if let Some(visibility) = tokens.next_if(|token| is_word(token, "pub")) {
        outer.push(visibility);
        let scope = |token: &TokenTree| group(token, Delimiter::Parenthesis).is_some();
        outer.extend(tokens.next_if(scope));
    }
    let is_async = tokens.next_if(|token| is_word(token, "async")).map(|token| token.span());
    match tokens.next() {
        Some(token) if is_word(&token, "fn") => {}
        Some(token) if ["const", "unsafe", "extern"].iter().any(|word| is_word(&token, word)) => {
            return Err(Wrong::new(
                token.span(),
                format!("a function that is `{token}` cannot be run here"),
            ));
        }
        Some(token) => return Err(Wrong::new(token.span(), "expected a function")),
        None => return Err(Wrong::new(Span::call_site(), "expected a function")),
    }
    let Some(TokenTree::Ident(name)) = tokens.next() else {
        return Err(Wrong::new(Span::call_site(), "expected the name of a function"));
    };
    no_arguments(&mut tokens, &name)?;
    let (output, body) = output_and_body(tokens, &name)?;
    Ok(Function { outer, is_async, name, output, body })
}

fn no_arguments(tokens: &mut Tokens, name: &Ident) -> Result<(), Wrong> {
    match tokens.next() {
        Some(token) if is_punct(&token, '<') => Err(Wrong::new(
            token.span(),
            "the function cannot be generic: nobody chooses its types",
        )),
        Some(token) => match group(&token, Delimiter::Parenthesis) {
            Some(arguments) if arguments.stream().is_empty() => Ok(()),
            _ => {
                Err(Wrong::new(token.span(), "the function takes no arguments: nobody passes them"))
            }
        },
        None => Err(Wrong::new(name.span(), "expected `()` after the name")),
    }
}

fn output_and_body(tokens: Tokens, name: &Ident) -> Result<(Vec<TokenTree>, Group), Wrong> {
    let mut output: Vec<_> = tokens.collect();
    let body = output.pop();
    match body.as_ref().and_then(|token| group(token, Delimiter::Brace)) {
        Some(body) => Ok((output, body.clone())),
        None => Err(Wrong::new(name.span(), "the function needs a body")),
    }
}

fn is_punct(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == punct)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(found) if found.to_string() == word)
}

fn group(token: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}
