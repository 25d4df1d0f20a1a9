//! The `cargo norace` command: builds the tests of a package with the checker behind the facade, runs every model, sums
//! up, and replays what was found.
//!
//! `main` parses, runs one command and turns its end into an exit code. The same binary stands in for rustc and rustdoc
//! while cargo builds: `wrap` says why. `args` is the table of options, `output` the only place that prints results,
//! `exit_code` the only place that numbers ends; `session` is what both commands do alike.

mod args;
mod cargo;
mod check;
mod exit_code;
mod failure;
mod folder;
mod harness;
mod models;
mod output;
mod processes;
mod replay;
mod session;
mod wrap;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{env, process};

use clap::{ColorChoice, CommandFactory, FromArgMatches};

use crate::args::{Cli, Command};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;
use crate::wrap::Tool;

fn main() -> process::ExitCode {
    let mut args: Vec<OsString> = env::args_os().collect();
    if let Some(tool) = args.first().and_then(|name| Tool::called(name)) {
        return tool.run(args.split_off(1));
    }
    // Cargo runs `cargo-norace norace …` for `cargo norace …`.
    if args.get(1).is_some_and(|arg| arg == "norace") {
        args.remove(1);
    }
    let code = catch_unwind(AssertUnwindSafe(|| run(args))).unwrap_or_else(|_payload| {
        // The panic hook has said what and where.
        output::note("internal error; please report the message above with the command line");
        ExitCode::Internal
    });
    code.into()
}

fn run(args: Vec<OsString>) -> ExitCode {
    let color = color_wanted(args.iter().cloned());
    let cli = match parse(args, color) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let mut output = Output::new(cli.global.format);
    let ended = match cli.command {
        Command::Check(args) => check::run_command(args, color, &mut output),
        Command::Replay(args) => replay::run_command(args, color, &mut output),
    };
    ended.unwrap_or_else(|failure: Failure| {
        output::failure(&failure);
        failure.code()
    })
}

/// Parses the command line; help and usage errors are printed here.
fn parse(args: Vec<OsString>, color: anstream::ColorChoice) -> Result<Cli, ExitCode> {
    color.write_global();
    let parsed = Cli::command()
        .color(color_of_help(color))
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        // A closed pipe is no error: `cargo norace --help | head -1`.
        let _ = error.print();
        if error.use_stderr() { ExitCode::Usage } else { ExitCode::Ok }
    })
}

/// Reads `--color` before anything else, because errors of parsing are coloured too. A wrong value counts as absent
/// here and is reported by the parser.
fn color_wanted(args: impl Iterator<Item = OsString>) -> anstream::ColorChoice {
    let mut args = args.skip(1).map_while(|arg| arg.into_string().ok()).peekable();
    let mut color = anstream::ColorChoice::Auto;
    while let Some(arg) = args.next() {
        let value = match arg.strip_prefix("--color") {
            Some("") => args.peek().map_or("", String::as_str),
            Some(value) => value.trim_start_matches('='),
            None if arg == "--" => break,
            None => continue,
        };
        color = match value {
            "always" => anstream::ColorChoice::Always,
            "never" => anstream::ColorChoice::Never,
            _ => anstream::ColorChoice::Auto,
        };
    }
    color
}

fn color_of_help(color: anstream::ColorChoice) -> ColorChoice {
    match color {
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => ColorChoice::Always,
        anstream::ColorChoice::Never => ColorChoice::Never,
        anstream::ColorChoice::Auto => ColorChoice::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_color_is_known_before_the_rest_is_parsed() {
        let wanted = |line: &str| color_wanted(line.split(' ').map(Into::into));
        assert_eq!(wanted("norace check --color always"), anstream::ColorChoice::Always);
        assert_eq!(wanted("norace --color=never check"), anstream::ColorChoice::Never);
        assert_eq!(wanted("norace check --color=red"), anstream::ColorChoice::Auto);
        assert_eq!(wanted("norace check -- --color=never"), anstream::ColorChoice::Auto);
    }
}
