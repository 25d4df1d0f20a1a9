//! The command line: one table that drives parsing, help, suggestions and the snapshots in `docs/reference/help`.
//!
//! Every `--help` opens with what the command does and examples, and ends with the exit codes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand, value_parser};
use norace_check::Token;

use crate::exit_code;
use crate::output::Format;

/// More processes than this share nothing any more.
const JOBS_MAX: u16 = 256;

/// Runs concurrent tests under every schedule, and says what goes wrong.
#[derive(Debug, Parser)]
#[command(
    name = "cargo-norace",
    bin_name = "cargo norace",
    version,
    max_term_width = 98,
    long_about = "Runs concurrent tests under every schedule, and says what goes wrong.\n\n\
        Examples:\n\
        \x20 cargo norace check                       every model of the package\n\
        \x20 cargo norace check -- -p shop checkout   those of one package whose name has `checkout`\n\
        \x20 cargo norace replay nr1:…                what a report showed, once more",
    after_long_help = exit_code::help()
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options every command takes.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value = "human", help_heading = "Output")]
    pub(crate) format: Format,
    /// Whether text is coloured; auto also honours NO_COLOR, CLICOLOR_FORCE and TERM
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(CheckArgs),
    Replay(ReplayArgs),
}

/// Build the tests with the checker, run them, and sum up
#[derive(Args, Debug)]
#[command(
    long_about = "Build the tests with the checker, run them, and sum up.\n\n\
        Runs `cargo test` with `--cfg norace` beside all flags that are set anyhow, in a target folder of\n\
        its own. Each `norace_check::check(|| …)` in a test is a model; a finding fails its test and is\n\
        told there, with a token that replays it.\n\n\
        Examples:\n\
        \x20 cargo norace check\n\
        \x20 cargo norace check --budget 60 --require-complete --jobs 4\n\
        \x20 cargo norace check --format json --report norace-reports -- --workspace",
    after_long_help = exit_code::help()
)]
pub(crate) struct CheckArgs {
    /// Seconds that the search of each model may take [default: what the model says, or 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) budget: Option<f64>,
    /// Seed of what is random in the search [default: what the model says, or 0]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Fail when the search of a model ends before all executions were run
    #[arg(long)]
    pub(crate) require_complete: bool,
    /// Processes that share the models; tests that are no models run in each of them
    #[arg(long, value_name = "N", default_value = "1",
          value_parser = value_parser!(u16).range(1..=i64::from(JOBS_MAX)))]
    pub(crate) jobs: u16,
    /// Check one of N parts of the models, by their names
    #[arg(long, value_name = "K/N", value_parser = shard)]
    pub(crate) shard: Option<String>,
    /// Copy the pages about findings to this folder; made when absent
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// What `cargo test` is told: packages, features, names, and after another `--` what the tests are told
    #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
    pub(crate) cargo: Vec<OsString>,
}

/// Show a finding again, by the token of its report
#[derive(Args, Debug)]
#[command(
    long_about = "Show a finding again, by the token of its report.\n\n\
        Runs the one execution of the one model that the token tells, in the test that holds it. Ends\n\
        with 1 when the finding shows again and with 4 when it does not. A token holds as long as the\n\
        code that the model runs does what it did, wherever it stands.\n\n\
        Examples:\n\
        \x20 cargo norace replay nr1:tests::two_buyers:00070203016a2f\n\
        \x20 cargo norace replay nr1:tests::two_buyers:00070203016a2f -- -p shop",
    after_long_help = exit_code::help()
)]
pub(crate) struct ReplayArgs {
    /// The token: `nr1:…`
    #[arg(value_parser = token)]
    pub(crate) token: Token,
    /// What `cargo test` is told; name the test after another `--` when its model has a name of its own
    #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
    pub(crate) cargo: Vec<OsString>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=1e6).contains(seconds));
    seconds.ok_or_else(|| "not a number from 0.001 to 1000000".to_owned())
}

fn shard(text: &str) -> Result<String, String> {
    let number = |text: &str| text.parse::<u64>().ok();
    let parts = text.split_once('/').and_then(|(k, n)| Some((number(k)?, number(n)?)));
    match parts {
        Some((k, n)) if (1..=n).contains(&k) => Ok(format!("{k}/{n}")),
        _ => Err("not K/N with 1 <= K <= N".to_owned()),
    }
}

fn token(text: &str) -> Result<Token, String> {
    text.parse().map_err(|error: norace_check::BadToken| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(line: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["cargo-norace"], line].concat())
    }

    #[test]
    fn the_table_of_options_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values_outside_their_range_are_refused() {
        for option in [
            "--budget=0",
            "--budget=nan",
            "--seed=-1",
            "--jobs=0",
            "--jobs=257",
            "--shard=0/2",
            "--shard=3/2",
            "--shard=2",
            "--format=xml",
        ] {
            assert!(parsed(&["check", option]).is_err(), "{option}");
        }
        assert!(parsed(&["replay", "nr1:a:0000"]).is_err());
    }

    #[test]
    fn cargo_gets_everything_after_the_first_dashes() {
        let Command::Check(args) =
            parsed(&["check", "--jobs", "2", "--", "--lib", "name", "--", "--nocapture"])
                .expect("the line is right")
                .command
        else {
            panic!("the command is `check`")
        };
        assert_eq!(args.cargo, ["--lib", "name", "--", "--nocapture"]);
        assert!(parsed(&["check", "name"]).is_err());
    }
}
