//! What the attribute macros call. Not part of the public interface: only expansions name it.
//!
//! A test runs its body once, on a real runtime; built with `--cfg norace` it is a model, whose every schedule is
//! explored.

use super::{Builder, Runtime};
use norace_prim::time::Duration;
use std::any::type_name;
use std::future::Future;
use std::process::{ExitCode, Termination};

/// How long tasks get to end after `main` has returned.
const MAIN_PATIENCE: Duration = Duration::from_secs(1);

/// The arguments of an attribute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    workers: Option<usize>,
    /// The real scheduler is explored.
    rt: bool,
    /// Interleavings alone, no weak memory.
    sc: bool,
    model_only: bool,
    complete: bool,
    should_panic: bool,
    budget_ms: Option<u64>,
}

impl Options {
    /// None given.
    pub const fn new() -> Self {
        Self {
            workers: None,
            rt: false,
            sc: false,
            model_only: false,
            complete: false,
            should_panic: false,
            budget_ms: None,
        }
    }

    /// `workers = N`.
    #[must_use]
    pub const fn workers(mut self, n: usize) -> Self {
        self.workers = Some(n);
        self
    }

    /// `level = "rt"`.
    #[must_use]
    pub const fn rt(mut self) -> Self {
        self.rt = true;
        self
    }

    /// `mode = "sc"`.
    #[must_use]
    pub const fn sc(mut self) -> Self {
        self.sc = true;
        self
    }

    /// `model_only`.
    #[must_use]
    pub const fn model_only(mut self) -> Self {
        self.model_only = true;
        self
    }

    /// `complete`.
    #[must_use]
    pub const fn complete(mut self) -> Self {
        self.complete = true;
        self
    }

    /// The test has that attribute.
    #[must_use]
    pub const fn should_panic(mut self) -> Self {
        self.should_panic = true;
        self
    }

    /// `budget_ms = N`.
    #[must_use]
    pub const fn budget_ms(mut self, ms: u64) -> Self {
        self.budget_ms = Some(ms);
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

/// The body of `#[norace::test]` on an `async fn`.
pub fn test<F: Future<Output: Termination>, B: Fn() -> F>(options: Options, body: B) {
    run(options, type_name::<B>, &|| succeeded(options.start().block_on(body())));
}

/// The body of `#[norace::test]` on a plain `fn`: its thread belongs to the runtime.
pub fn test_blocking<T: Termination, B: Fn() -> T>(options: Options, body: B) {
    run(options, type_name::<B>, &|| succeeded(options.start().handle().enter(&body)));
}

/// Fails a test whose body gave an error, which is printed by then.
fn succeeded(output: impl Termination) {
    assert!(output.report() == ExitCode::SUCCESS, "the test returned an error");
}

/// Runs a test.
#[cfg(not(norace))]
fn run(options: Options, _name: fn() -> &'static str, body: &dyn Fn()) {
    if options.model_only {
        skipped();
    } else {
        body();
    }
}

/// Not by a macro: the harness would keep what those print, for the test passes.
#[cfg(not(norace))]
fn skipped() {
    use std::io::Write as _;
    let thread = norace_prim::thread::current();
    let name = thread.name().unwrap_or("a test");
    // A closed stderr is nobody's failure.
    let _ = writeln!(std::io::stderr(), "skipped: {name} is a model; run `cargo norace check`");
}

/// Explores a test, called after the function that is its body.
#[cfg(norace)]
fn run(options: Options, name: fn() -> &'static str, body: &dyn Fn()) {
    use norace_check::{Builder, Level, Mode};
    let mut builder = Builder::new().called_after(name());
    if options.rt {
        builder = builder.level(Level::Rt);
    }
    if options.sc {
        builder = builder.mode(Mode::Sc);
    }
    if options.complete {
        builder = builder.require_complete();
    }
    if let Some(ms) = options.budget_ms {
        builder = builder.budget(Duration::from_millis(ms));
    }
    if options.should_panic {
        // A finding is what is wanted: it is neither kept nor counted.
        if let Some(text) = builder.run(body).failure() {
            panic!("{text}");
        }
    } else {
        builder.check(body);
    }
}
