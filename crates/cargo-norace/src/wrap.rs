//! The same binary in the place of rustc and rustdoc: it adds the checker's flags and becomes the real one.
//!
//! Cargo takes flags from one source only: `CARGO_ENCODED_RUSTFLAGS` hides `RUSTFLAGS`, which hides the tables
//! `target.…`, which hide `build.rustflags`. Whatever is added to one of them from outside hides others. Behind cargo's
//! back nothing is hidden: cargo collects its flags as always, and here some are appended.
//!
//! **Invariant:** cargo sees what these flags do. It asks the wrapper for the cfgs, and so resolves
//! `[target.'cfg(norace)'.dependencies]`; it asks for the version, which names the flags, so that what was built with
//! others, or with none, is never taken for what is built with these.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, io};

/// Added to every call.
const CFG: [&str; 4] = ["--cfg", "norace", "--check-cfg", "cfg(norace)"];

/// Added for the crates of the checker, which would be many times slower as a profile for debugging has them.
const FAST: [&str; 4] = ["-C", "opt-level=3", "-C", "debug-assertions=off"];

/// Added where there is less but something: with lines alone, functions that were inlined have lost the names of their
/// crates, and stacks in reports could not be told from the checker's own.
const NAMES: [&str; 2] = ["-C", "debuginfo=1"];

/// The levels of debug information that have lines alone.
const LINES: [&str; 2] = ["debuginfo=line-tables-only", "debuginfo=line-directives-only"];

/// The crates that are made fast: the checker, and what it spends its time in.
const CHECKER: [&str; 5] =
    ["corosensei", "norace_check", "norace_explore", "norace_prim", "scopeguard"];

/// What cargo asks for the version by.
const VERSION: &str = "-vV";

/// A program that this one stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// As `RUSTC_WRAPPER`: the first argument is the compiler, or another wrapper.
    Rustc,
    /// As `RUSTDOC`.
    Rustdoc,
}

impl Tool {
    pub(crate) const ALL: [Self; 2] = [Self::Rustc, Self::Rustdoc];

    /// The file's name under which this binary is the tool.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::Rustc => "norace-rustc",
            Self::Rustdoc => "norace-rustdoc",
        }
    }

    /// The variable by which cargo is told of it.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Rustc => "RUSTC_WRAPPER",
            Self::Rustdoc => "RUSTDOC",
        }
    }

    /// The variable in which cargo's configuration says the same.
    pub(crate) fn config_variable(self) -> &'static str {
        match self {
            Self::Rustc => "CARGO_BUILD_RUSTC_WRAPPER",
            Self::Rustdoc => "CARGO_BUILD_RUSTDOC",
        }
    }

    /// The variable that keeps what the user has there, to be called in turn.
    pub(crate) fn kept_variable(self) -> &'static str {
        match self {
            Self::Rustc => "NORACE_RUSTC_WRAPPER",
            Self::Rustdoc => "NORACE_RUSTDOC",
        }
    }

    /// The tool as which a program of this name was called.
    pub(crate) fn called(name: &OsStr) -> Option<Self> {
        let file = Path::new(name).file_name()?;
        Self::ALL.into_iter().find(|tool| file == tool.file_name())
    }

    /// Becomes the real tool.
    pub(crate) fn run(self, args: Vec<OsString>) -> ExitCode {
        let kept = env::var_os(self.kept_variable()).filter(|kept| !kept.is_empty());
        let line = self.line(kept, args);
        let Some((program, args)) = line.split_first() else {
            return fail("cannot stand in for rustc: no compiler was named");
        };
        let mut command = Command::new(program);
        command.args(args);
        if self == Self::Rustc && args.contains(&VERSION.into()) {
            return version(command);
        }
        let error = command.exec();
        fail(&format!("cannot run {}: {error}", program.display()))
    }

    /// The real tool's command line.
    fn line(self, kept: Option<OsString>, args: Vec<OsString>) -> Vec<OsString> {
        let program = match self {
            Self::Rustc => kept,
            Self::Rustdoc => Some(kept.unwrap_or_else(|| "rustdoc".into())),
        };
        let compiles = self == Self::Rustc;
        let names = if compiles && has_lines_alone(&args) { &NAMES[..] } else { &[] };
        let fast = if compiles && is_of_checker(&args) { &FAST[..] } else { &[] };
        let flags = CFG.iter().chain(names).chain(fast).map(OsString::from);
        program.into_iter().chain(args).chain(flags).collect()
    }
}

/// Whether the call builds one of the checker's crates for those who use it. A crate that is tested itself is built as
/// its profile says.
fn is_of_checker(args: &[OsString]) -> bool {
    let mut pairs = args.windows(2);
    let named = pairs.any(|pair| {
        pair[0] == "--crate-name" && CHECKER.iter().any(|name| pair[1] == OsStr::new(name))
    });
    named && !args.iter().any(|arg| arg == "--test")
}

/// Whether the last word on debug information is that there are lines alone.
fn has_lines_alone(args: &[OsString]) -> bool {
    let mut levels = args.iter().filter_map(|arg| {
        let arg = arg.to_str()?;
        let level = arg.strip_prefix("-C").unwrap_or(arg);
        level.starts_with("debuginfo=").then_some(level)
    });
    levels.next_back().is_some_and(|level| LINES.contains(&level))
}

/// Runs the compiler that says its version, and says more.
fn version(mut command: Command) -> ExitCode {
    let said = command.status();
    let all = [&CFG[..], &NAMES, &FAST, &CHECKER].concat().join(" ");
    let line = format!("norace: {all}\n");
    match said {
        Ok(status) if status.success() => match io::stdout().write_all(line.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("cannot say the version: {error}")),
        },
        // It has said why.
        Ok(_) => ExitCode::FAILURE,
        Err(error) => fail(&format!("cannot run {}: {error}", command.get_program().display())),
    }
}

/// Says what went wrong to whom called the compiler.
fn fail(text: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "norace: {text}");
    crate::exit_code::ExitCode::Internal.into()
}

#[cfg(test)]
mod tests;
