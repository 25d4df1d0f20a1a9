//! The attribute macros of the kit: `#[norace::main]` and `#[norace::test]`.
//!
//! Written on the compiler's token streams alone: the grammar they need is the head of a function, and a parser for
//! the whole language would be most of the kit's build time. Expansions name no `cfg`; they call a hook in the kit,
//! which decides what running the body means.

mod args;
mod expand;
mod function;

use proc_macro::TokenStream;

/// Runs an `async fn main` on a runtime.
///
/// `workers = N` sets the number of worker threads, one per cpu otherwise. When the function returns, tasks that still
/// run are cancelled, get a second to end, and end with the process.
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(expand::Entry::Main, args, item)
}

/// Makes a function a test that runs on a runtime.
///
/// An `async fn` is awaited on the test's thread; a plain `fn` runs there and may spawn tasks and block. `workers = N`
/// sets the number of worker threads, one per cpu otherwise. When the test returns, tasks that still run are
/// cancelled.
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(expand::Entry::Test, args, item)
}

/// What is wrong, and where.
struct Wrong {
    span: proc_macro::Span,
    what: String,
}

impl Wrong {
    fn new(span: proc_macro::Span, what: impl Into<String>) -> Self {
        Self { span, what: what.into() }
    }
}
