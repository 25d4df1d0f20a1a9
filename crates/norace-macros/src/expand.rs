//! What the attributes turn a function into.
//!
//! The function itself stays as it is, without its attributes and visibility, inside one of the same name that
//! calls the hook:
//!
//! ```text
//! #[::core::prelude::v1::test]              (tests only)
//! <attributes> <visibility> fn name() -> T {             (tests: without `-> T`)
//!     async fn name() -> T { <body> }
//!     ::norace::__rt::test(::norace::__rt::Options::new().workers(2), name)
//! }
//! ```
//!
//! A test's value is looked at by the hook, which may run the body many times.
//!
//! Its tokens keep their places, so the compiler's errors point into it.

use crate::Wrong;
use crate::args::{self, Arg};
use crate::function::{self, Function};
use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Main,
    Test,
}

/// The expansion; where something is wrong, an error that says so beside the function as it was.
pub(crate) fn expand(entry: Entry, args: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(entry, args, item.clone()) {
        Ok(expansion) => expansion,
        Err(wrong) => {
            let mut tokens = compile_error(&wrong);
            tokens.extend(stand_in(entry, item));
            tokens
        }
    }
}

/// What stays of an item with an error, so that nothing else that names it fails as well: itself, but for an
/// `async fn main`, which is an error of its own.
fn stand_in(entry: Entry, item: TokenStream) -> TokenStream {
    let word =
        |token: &TokenTree, word| matches!(token, TokenTree::Ident(i) if i.to_string() == word);
    let is_async = item.clone().into_iter().any(|token| word(&token, "async"));
    let name = item.clone().into_iter().skip_while(|token| !word(token, "fn")).nth(1);
    match name {
        Some(name) if entry == Entry::Main && is_async => {
            let mut tokens = source("fn");
            tokens.extend([name]);
            tokens.extend(source("() {}"));
            tokens
        }
        _ => item,
    }
}

fn try_expand(entry: Entry, args: TokenStream, item: TokenStream) -> Result<TokenStream, Wrong> {
    let args = args::parse(entry, args)?;
    let function = function::parse(item)?;
    let hook = match (entry, function.is_async) {
        (Entry::Main, Some(_)) => "main",
        (Entry::Main, None) => {
            let what = "write `async fn`: a function that awaits nothing needs no runtime";
            return Err(Wrong::new(function.name.span(), what));
        }
        (Entry::Test, Some(_)) => "test",
        (Entry::Test, None) => "test_blocking",
    };
    let mut tokens = TokenStream::new();
    if entry == Entry::Test {
        tokens.extend(source("#[::core::prelude::v1::test]"));
    }
    tokens.extend(function.outer.iter().cloned());
    tokens.extend(head(None, &function));
    if entry == Entry::Main {
        tokens.extend(function.output.iter().cloned());
    }
    tokens.extend([braces(body(hook, args, &function))]);
    Ok(tokens)
}

/// `async fn name()`.
fn head(is_async: Option<Span>, function: &Function) -> TokenStream {
    let mut tokens = TokenStream::new();
    tokens.extend(is_async.map(|span| TokenTree::from(Ident::new("async", span))));
    tokens.extend([
        TokenTree::from(Ident::new("fn", function.name.span())),
        TokenTree::from(function.name.clone()),
        TokenTree::from(Group::new(Delimiter::Parenthesis, TokenStream::new())),
    ]);
    tokens
}

/// The function itself, then the call of the hook.
fn body(hook: &str, args: Vec<Arg>, function: &Function) -> TokenStream {
    let mut tokens = head(function.is_async, function);
    tokens.extend(function.output.iter().cloned());
    tokens.extend([TokenTree::from(function.body.clone())]);
    tokens.extend(source(&format!("::norace::__rt::{hook}")));
    let mut arguments = source("::norace::__rt::Options::new()");
    if hook != "main" && function.should_panic() {
        arguments.extend(source(".should_panic()"));
    }
    for Arg { call, number } in args {
        arguments.extend(source(&format!(".{call}")));
        let number = number.map_or_else(TokenStream::new, |number| TokenTree::from(number).into());
        arguments.extend([parentheses(number)]);
    }
    arguments.extend([
        TokenTree::from(Punct::new(',', Spacing::Alone)),
        TokenTree::from(function.name.clone()),
    ]);
    tokens.extend([parentheses(arguments)]);
    tokens
}

fn parentheses(tokens: TokenStream) -> TokenTree {
    Group::new(Delimiter::Parenthesis, tokens).into()
}

fn braces(tokens: TokenStream) -> TokenTree {
    Group::new(Delimiter::Brace, tokens).into()
}

/// Tokens of the macro's own; where they do not fit, the error points at the attribute.
fn source(text: &str) -> TokenStream {
    text.parse().expect("the macro's own source is well-formed")
}

/// `::core::compile_error! { "what" }`, pointing at the place.
fn compile_error(wrong: &Wrong) -> TokenStream {
    let mut message = Literal::string(&wrong.what);
    message.set_span(wrong.span);
    let mut tokens = source("::core::compile_error!");
    tokens.extend([braces(TokenTree::from(message).into())]);
    let at = |mut token: TokenTree| {
        token.set_span(wrong.span);
        token
    };
    tokens.into_iter().map(at).collect()
}
