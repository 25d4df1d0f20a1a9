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

/// Makes a function a test that runs on a runtime, and a model of the checker.
///
/// An `async fn` is awaited on the test's thread; a plain `fn` runs there and may spawn tasks and block. Built as usual
/// the test runs once. Under `cargo norace check` every schedule of it is explored, and what is wrong with any of them
/// fails it. When the test returns, tasks that still run are cancelled; in a model, tasks that wait for ever then are a
/// finding.
///
/// | argument | meaning |
/// | --- | --- |
/// | `workers = N` | worker threads; one per cpu otherwise, in a model two |
/// | `level = "app"` | in a model each task has a thread of its own, which the checker schedules; the usual case |
/// | `level = "rt"` | in a model the real scheduler runs, with all its steps: for tests of the runtime itself |
/// | `mode = "rc11"`, `mode = "sc"` | the model's memory: that of C++20, the usual case, or interleavings alone |
/// | `budget_ms = N` | how long the model is explored; 10 s otherwise, or 120 s with `complete` |
/// | `complete` | the test fails when that was not long enough for all schedules |
/// | `model_only` | built as usual, the test is skipped, and says so |
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
