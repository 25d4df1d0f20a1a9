//! The `norace` command: the demo, the service, the load generator and the audit.
//!
//! `main` parses, runs one command and turns its end into an exit code; `args` is the table of options, `output` the
//! only place that prints results, `exit_code` the only place that numbers ends. Each command has a module of its own.

mod args;
mod config;
mod demo;
mod dump;
mod exit_code;
mod failure;
mod load;
mod output;
mod purchases;
mod serve;
mod service;
mod signals;
mod verify;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;

use clap::{ColorChoice, CommandFactory, FromArgMatches};

use crate::args::{Cli, Command, JournalCommand};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;

fn main() -> process::ExitCode {
    let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_payload| {
        // The panic hook has said what and where.
        output::note("internal error; please report the message above with the command line");
        ExitCode::Internal
    });
    code.into()
}

fn run() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let mut output = Output::new(cli.global.format);
    match command(cli.command, &mut output) {
        Ok(code) => code,
        Err(failure) => {
            output::failure(&failure);
            failure.code()
        }
    }
}

fn command(command: Command, output: &mut Output) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(args) => demo::run_command(&args, output),
        Command::Serve(args) => serve::run_command(&args, output),
        Command::Load(args) => load::run_command(args, output),
        Command::Verify(args) => verify::run_command(&args, output),
        Command::Journal(JournalCommand::Dump(args)) => dump::run_command(&args, output),
    }
}

/// Parses the command line; help and usage errors are printed here.
fn parse() -> Result<Cli, ExitCode> {
    let color = color_wanted(std::env::args_os());
    color.write_global();
    let parsed = Cli::command()
        .color(color_of_help(color))
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        // A closed pipe is no error: `norace --help | head -1`.
        let _ = error.print();
        if error.use_stderr() { ExitCode::Usage } else { ExitCode::Ok }
    })
}

/// Reads `--color` before anything else, because errors of parsing are coloured too. A wrong value counts as absent
/// here and is reported by the parser.
fn color_wanted(args: impl Iterator<Item = std::ffi::OsString>) -> anstream::ColorChoice {
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

    fn wanted(line: &str) -> anstream::ColorChoice {
        color_wanted(line.split(' ').map(Into::into))
    }

    #[test]
    fn the_color_is_known_before_the_rest_is_parsed() {
        assert_eq!(wanted("norace load --color always"), anstream::ColorChoice::Always);
        assert_eq!(wanted("norace --color=never load"), anstream::ColorChoice::Never);
        assert_eq!(wanted("norace load"), anstream::ColorChoice::Auto);
        assert_eq!(wanted("norace --color=red load"), anstream::ColorChoice::Auto);
        assert_eq!(wanted("norace load -- --color=never"), anstream::ColorChoice::Auto);
    }
}
