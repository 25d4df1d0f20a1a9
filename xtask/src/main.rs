//! The project's own build steps: `cargo xtask ci`, `tidy`, `bench`, `corpus` and `suites`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

mod bench;
mod ci;
mod process;
mod service;
mod suites;
mod tidy;

const USAGE: &str = "\
usage: cargo xtask <command>

  bench [--quick] [NAME]…
               measure Norace beside its peers, or the named comparisons, and write docs/bench; quick: only see that
               all of it works
  ci [STEP]…   everything that has to hold before a change lands, or the named steps of it
  corpus [ARGUMENT]…
               search the known bugs; the arguments are those of norace-corpus
  suites [NAME]…
               run other people's test suites over the kit, or the named ones
  tidy         check the rules about the source that no compiler knows";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["bench", "--quick", names @ ..] => bench::bench(&root(), names, true),
        ["bench", names @ ..] => bench::bench(&root(), names, false),
        ["corpus", arguments @ ..] => bench::corpus(&root(), arguments),
        ["ci", steps @ ..] => ci::ci(&root(), steps),
        ["suites", names @ ..] => suites::run(&root(), names),
        ["tidy"] => tidy::run(&root()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace's manifest, where cargo says that it runs this package.
fn root() -> PathBuf {
    let own =
        env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&own).parent().expect("xtask is a folder of the workspace").to_owned()
}
