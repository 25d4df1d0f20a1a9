//! The command line: one table that drives parsing, help, suggestions and the snapshots in `docs/reference/help`.
//!
//! Every `--help` opens with what the command does and examples, and ends with the exit codes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum, value_parser};
use norace_prim::time::Duration;

use crate::exit_code;
use crate::load::{BATCH_MAX, CONNECTIONS_MAX, ORDERS_MAX, RUN_CHARS_MAX};
use crate::output::Format;
use crate::purchases::is_id_text;

/// Orders and payments whose every step is durable, on a concurrency kit that can be checked.
#[derive(Debug, Parser)]
#[command(
    name = "norace",
    version,
    max_term_width = 98,
    long_about = "Orders and payments whose every step is durable, on a concurrency kit that can be checked.\n\n\
        Examples:\n\
        \x20 norace demo                         replay 69,659 real purchases and audit the books\n\
        \x20 norace serve --data ./books         the service on 127.0.0.1:8080\n\
        \x20 norace load --connections 8         send purchases to it, and check the totals\n\
        \x20 norace verify --data ./books        audit its journal",
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
    Demo(DemoArgs),
    Serve(ServeArgs),
    Load(LoadArgs),
    Verify(VerifyArgs),
    /// Look into a journal
    #[command(subcommand, after_long_help = exit_code::help(), long_about = "Look into a journal.\n\n\
        Examples:\n\
        \x20 norace journal dump --data ./books | head")]
    Journal(JournalCommand),
}

/// Replay a real purchase log through the whole system and audit the books
#[derive(Args, Debug)]
#[command(
    long_about = "Replay a real purchase log through the whole system and audit the books.\n\n\
        In one process: the engine on a fresh journal, the HTTP server on a free port of the loopback\n\
        interface, the purchase log that is part of the binary sent as orders, and the audit of the\n\
        journal. The server stays, with its page, until Ctrl-C (which ends the demo with 0).\n\n\
        Examples:\n\
        \x20 norace demo\n\
        \x20 norace demo --exit --format json\n\
        \x20 norace demo --orders 200000 --connections 8 --data ./demo-books",
    after_long_help = exit_code::help()
)]
pub(crate) struct DemoArgs {
    /// End after the audit instead of staying until Ctrl-C
    #[arg(long)]
    pub(crate) exit: bool,
    /// How many purchases to send; more than the log has repeat it with new customers [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=ORDERS_MAX))]
    pub(crate) orders: Option<u64>,
    /// Connections to send them over
    #[arg(long, value_name = "C", default_value = "64", value_parser = connections)]
    pub(crate) connections: usize,
    /// Keep the journal in this folder, which must be absent or empty [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// Run the service
#[derive(Args, Debug)]
#[command(
    long_about = "Run the service.\n\n\
        The first line on stdout says where it listens once it is ready. SIGTERM and Ctrl-C drain it:\n\
        newcomers are refused, what was admitted is answered, the journal is sealed; SIGTERM then\n\
        ends with 0, within 10 seconds.\n\n\
        Examples:\n\
        \x20 norace serve\n\
        \x20 norace serve --data ./books --listen 127.0.0.1:0 --format json\n\
        \x20 norace serve --config norace.toml --processor manual",
    after_long_help = exit_code::help()
)]
pub(crate) struct ServeArgs {
    /// The folder of the journal; made when absent
    #[arg(long, value_name = "DIR", default_value = "norace-data")]
    pub(crate) data: PathBuf,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Bounds and time limits, in TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Who moves orders on
    #[arg(long, value_enum, default_value = "ledger")]
    pub(crate) processor: ProcessorName,
    /// How long the simulated provider takes for each order, in milliseconds
    #[arg(long, value_name = "MS", default_value = "20", help_heading = "Simulated provider")]
    pub(crate) simulated_delay_ms: u64,
    /// The share of orders the simulated provider refuses, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share, help_heading = "Simulated provider")]
    pub(crate) simulated_refuse: f64,
    /// The share of calls in which the simulated provider gives no result, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share, help_heading = "Simulated provider")]
    pub(crate) simulated_fail: f64,
}

/// The value of `--processor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProcessorName {
    /// Confirm each order when the payer has the funds, else fail it
    Ledger,
    /// Clients drive every move
    Manual,
    /// A stand-in for a payment provider, for trials
    Simulated,
}

/// Send purchases to a server and check its totals
#[derive(Args, Debug)]
#[command(
    long_about = "Send purchases to a server and check its totals.\n\n\
        Each customer gets an account with a deposit; each purchase is an order to the merchant\n\
        `cdnow`. A customer's orders go in the order of the file, each after the one before it is\n\
        final. Ends with 1 when an order has no valid outcome or the accounts disagree with it.\n\n\
        A key that the server asks for is taken from the environment, NORACE_KEY.\n\n\
        Examples:\n\
        \x20 norace load\n\
        \x20 norace load --orders 200000 --connections 8 --batch 1000\n\
        \x20 norace load --rate 5000 --seconds 30 --format json",
    after_long_help = exit_code::help()
)]
pub(crate) struct LoadArgs {
    /// The server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// Purchases as CSV: customer,date,cds,cents [default: the log in the binary]
    #[arg(long, value_name = "FILE.csv", conflicts_with = "orders")]
    pub(crate) input: Option<PathBuf>,
    /// How many purchases to send; more than the log has repeat it with new customers [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=ORDERS_MAX))]
    pub(crate) orders: Option<u64>,
    /// Prefix of all customer and order ids; the same again repeats the run, which pays nothing twice
    /// [default: a fresh one]
    #[arg(long, value_name = "NAME", value_parser = run_name)]
    pub(crate) run: Option<String>,
    /// What each customer's account is funded with, in cents
    #[arg(long, value_name = "CENTS", default_value = "10000",
          value_parser = value_parser!(u64).range(0..=(1 << 53) - 1))]
    pub(crate) deposit: u64,
    /// Connections
    #[arg(long, value_name = "C", default_value = "64", value_parser = connections)]
    pub(crate) connections: usize,
    /// Send arrays of up to this many orders, at most one of each customer
    #[arg(long, value_name = "B", value_parser = batch)]
    pub(crate) batch: Option<usize>,
    /// Orders a second that are due whatever the answers do; latency counts from then
    /// [default: as fast as the answers come]
    #[arg(long, value_name = "R", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Stop sending after this time; without --input or --orders the log repeats until then
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub(crate) seconds: Option<Duration>,
}

/// Audit a journal offline
#[derive(Args, Debug)]
#[command(
    long_about = "Audit a journal offline.\n\n\
        Reads every record from the first and re-runs the rules: moves, versions, balances, debits =\n\
        credits. Takes no lock and writes nothing. Ends with 1 when a rule is broken and with 74 when\n\
        the journal cannot be read or is damaged.\n\n\
        Examples:\n\
        \x20 norace verify --data ./books\n\
        \x20 norace verify --data ./books --format json",
    after_long_help = exit_code::help()
)]
pub(crate) struct VerifyArgs {
    /// The folder of the journal
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    Dump(DumpArgs),
}

/// Print every record as one line of JSON
#[derive(Args, Debug)]
#[command(
    long_about = "Print every record as one line of JSON, in either format. Takes no lock and writes nothing.\n\n\
        Examples:\n\
        \x20 norace journal dump --data ./books\n\
        \x20 norace journal dump --data ./books | head -n 20",
    after_long_help = exit_code::help()
)]
pub(crate) struct DumpArgs {
    /// The folder of the journal
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}

fn connections(text: &str) -> Result<usize, String> {
    within(text, CONNECTIONS_MAX)
}

fn batch(text: &str) -> Result<usize, String> {
    within(text, BATCH_MAX)
}

fn within(text: &str, max: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| format!("not a whole number from 1 to {max}"))
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "not a number from 0 to 1".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=1e9).contains(rate));
    rate.ok_or_else(|| "not a number from 0.001 to 1000000000".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=1e6).contains(seconds));
    let seconds = seconds.ok_or_else(|| "not a number from 0.001 to 1000000".to_owned())?;
    Ok(Duration::from_secs_f64(seconds))
}

fn run_name(text: &str) -> Result<String, String> {
    if text.len() <= RUN_CHARS_MAX && is_id_text(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("not 1 to {RUN_CHARS_MAX} characters from A-Za-z0-9._:-"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_table_of_options_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values_outside_their_range_are_refused() {
        for option in [
            "--orders=0",
            "--connections=0",
            "--connections=4097",
            "--batch=0",
            "--batch=8191",
            "--rate=0",
            "--rate=nan",
            "--rate=inf",
            "--seconds=-1",
            "--seconds=1e9",
            "--deposit=-1",
            "--deposit=9007199254740992",
            "--run=",
            "--run=a/b",
            "--run=123456789012345678901",
        ] {
            assert!(Cli::try_parse_from(["norace", "load", option]).is_err(), "{option}");
        }
        for option in
            ["--simulated-refuse=1.1", "--simulated-fail=nan", "--listen=here", "--processor=x"]
        {
            assert!(Cli::try_parse_from(["norace", "serve", option]).is_err(), "{option}");
        }
    }
}
