//! `norace load`.

use std::fs;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use norace::context::Context;

use super::client::Target;
use super::{Finished, Merchant, ORDERS_MAX, Settings};
use crate::args::LoadArgs;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;
use crate::purchases::{self, FILE_BYTES_MAX, Log};
use crate::signals::Ended;

/// The environment variable with the server's key: an argument could be read by everybody on the machine.
const KEY: &str = "NORACE_KEY";

/// Runs the command.
pub(crate) fn run_command(args: LoadArgs, output: &mut Output) -> Result<ExitCode, Failure> {
    let target = Target::from_url(&args.url)?;
    let target = match std::env::var_os(KEY).filter(|key| !key.is_empty()) {
        // What is no Unicode is no visible ASCII either, and refused.
        Some(key) => target.with_key(&key.to_string_lossy())?,
        None => target,
    };
    let log = match &args.input {
        Some(path) => read_log(path)?,
        None => purchases::embedded(),
    };
    let orders = orders_planned(&args, &log);
    let merchant = if args.run.is_some() { Merchant::Repeated } else { Merchant::Shared };
    let settings = Settings {
        run: Some(args.run.unwrap_or_else(fresh_run)),
        orders,
        deposit: args.deposit,
        connections: args.connections,
        batch: args.batch,
        rate: args.rate,
        length: args.seconds,
        merchant,
    };
    let runtime = crate::service::runtime()?;
    let bar = progress_bar(output, settings.orders);
    let stop = Context::new();
    let (ended, finished) = runtime.block_on(async {
        let ended = Ended::watch(&stop)?;
        let finished = super::run(target, log, settings, stop.child(), bar.clone()).await;
        Ok::<_, Failure>((ended, finished))
    })?;
    bar.finish_and_clear();
    match (ended.get(), finished) {
        (Some(code), Err(_)) => Ok(code),
        (_, Err(failure)) => Err(failure),
        (signal, Ok(finished)) => report(finished, signal, output),
    }
}

/// Prints what was counted, then why the answer is "no", if it is.
fn report(
    finished: Finished,
    signal: Option<ExitCode>,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    output.result(&finished.report, || finished.report.human())?;
    for finding in &finished.findings {
        output.note(finding);
    }
    match (signal, finished.failure) {
        (Some(code), _) => Ok(code),
        (None, Some(failure)) => Err(failure),
        (None, None) if finished.findings.is_empty() => Ok(ExitCode::Ok),
        (None, None) => Ok(ExitCode::Finding),
    }
}

/// How many orders there will be; `None` when only time ends the run, with new customers whenever the log ends.
fn orders_planned(args: &LoadArgs, log: &Log) -> Option<u64> {
    match (args.orders, &args.input, args.seconds, args.rate) {
        (Some(orders), ..) => Some(orders),
        (None, None, Some(time), Some(rate)) => {
            // All that falls due; known, so that every account is open before the first order leaves.
            Some(((time.as_secs_f64() * rate).ceil() as u64).clamp(1, ORDERS_MAX))
        }
        (None, None, Some(_), None) => None,
        (None, Some(_), ..) | (None, None, None, _) => Some(log.rows.len() as u64),
    }
}

fn read_log(path: &Path) -> Result<Log, Failure> {
    let refused = || Failure::usage(format!("cannot read the purchases in {}", path.display()));
    let length = fs::metadata(path).map_err(|error| refused().because(error))?.len();
    if length > FILE_BYTES_MAX {
        return Err(refused().because(format!("the file is over {FILE_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| refused().because(error))?;
    Log::parse(&text).map_err(|error| {
        refused()
            .because(error)
            .hint("the file is CSV: customer,date,cds,cents; cents is what was paid")
    })
}

/// A run name that no other run has: 50 random bits.
fn fresh_run() -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bits = norace_prim::rand::next_u64();
    let mut name = String::from("run-");
    for _ in 0..10 {
        name.push(char::from(DIGITS[(bits % 32) as usize]));
        bits /= 32;
    }
    name
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress_bar(output: &Output, orders: Option<u64>) -> ProgressBar {
    if !output.draws_progress() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match orders {
        Some(orders) => (
            ProgressBar::new(orders),
            "{msg:>20} [{bar:40}] {human_pos}/{human_len} {per_sec:>12} eta {eta}",
        ),
        None => (ProgressBar::new_spinner(), "{msg:>20} {spinner} {human_pos} {per_sec:>12}"),
    };
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    bar.with_style(style.progress_chars("=> "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_run_name_is_short_distinct_and_an_id() {
        let (a, b) = (fresh_run(), fresh_run());
        assert_ne!(a, b);
        assert!(a.len() <= super::super::RUN_CHARS_MAX && purchases::is_id_text(&a), "{a}");
    }
}
