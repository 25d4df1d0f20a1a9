//! What the attribute macros call. Not part of the public interface: only expansions name it.

use super::{Builder, Runtime};
use norace_prim::time::Duration;
use std::future::Future;

/// How long tasks get to end after `main` has returned.
const MAIN_PATIENCE: Duration = Duration::from_secs(1);

/// The arguments of an attribute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    workers: Option<usize>,
}

impl Options {
    /// None given.
    pub const fn new() -> Self {
        Self { workers: None }
    }

    /// `workers = N`.
    #[must_use]
    pub const fn workers(mut self, n: usize) -> Self {
        self.workers = Some(n);
        self
    }

    fn start(self) -> Runtime {
        let mut builder = Builder::new();
        if let Some(workers) = self.workers {
            builder.workers(workers);
        }
        match builder.build() {
            Ok(runtime) => runtime,
            Err(error) => panic!("start the runtime: {error}"),
        }
    }
}

/// The body of `#[norace::main]`.
pub fn main<F: Future>(options: Options, body: impl FnOnce() -> F) -> F::Output {
    let runtime = options.start();
    let output = runtime.block_on(body());
    // What does not end in time ends with the process, as in Go.
    let _ = runtime.shutdown(MAIN_PATIENCE);
    output
}

/// The body of `#[norace::test]` on an `async fn`: runs it once, on the real runtime.
pub fn test<F: Future>(options: Options, body: impl FnOnce() -> F) -> F::Output {
    options.start().block_on(body())
}

/// The body of `#[norace::test]` on a plain `fn`: runs it once, on a thread that belongs to the real runtime.
pub fn test_blocking<T>(options: Options, body: impl FnOnce() -> T) -> T {
    options.start().handle().enter(body)
}
