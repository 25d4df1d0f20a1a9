//! `cargo norace check`: every model of the tests, and what they come to.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anstream::ColorChoice;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::args::CheckArgs;
use crate::cargo::Arguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::models::{self, Models, Status};
use crate::output::{self, BAD, GOOD, Output};
use crate::session::{Ended, Session};

/// The result.
#[derive(Debug, Serialize)]
struct CheckResult<'m> {
    schema: &'static str,
    ok: bool,
    models: usize,
    complete: usize,
    within_bound: usize,
    incomplete: usize,
    diverged: usize,
    kept_silent: u64,
    kept_unread: u64,
    failed_tests: u64,
    findings: Vec<&'m RawValue>,
    seconds: f64,
}

/// Runs the command.
pub(crate) fn run_command(
    args: CheckArgs,
    color: ColorChoice,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let variables = variables(&args);
    let report = args.report.as_ref().map(report_folder).transpose()?;
    let arguments = Arguments::new(args.cargo)?;
    let session = Session::begin(&arguments, color)?;
    let begun = Instant::now();
    let ended = if args.jobs == 1 || arguments.are_for_docs() {
        session.run(&arguments, &variables, output)?
    } else {
        session.share(args.jobs, &arguments, &variables, output)?
    };
    let seconds = begun.elapsed().as_secs_f64();
    let mut models = Models::read(session.folder())?;
    if let Some(folder) = &report {
        models.copy_pages(folder)?;
    }
    let code = models.exit_code(&ended);
    tell(&models, &ended, code, seconds, output)?;
    Ok(code)
}

/// What the options mean to the models.
fn variables(args: &CheckArgs) -> Vec<(&'static str, String)> {
    let require_complete = args.require_complete.then(|| "1".to_owned());
    let all = [
        ("NORACE_BUDGET", args.budget.map(|seconds| seconds.to_string())),
        ("NORACE_SEED", args.seed.map(|seed| seed.to_string())),
        ("NORACE_REQUIRE_COMPLETE", require_complete),
        ("NORACE_SHARD", args.shard.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Makes the folder before the long work, not after it.
fn report_folder(path: &PathBuf) -> Result<PathBuf, Failure> {
    fs::create_dir_all(path).map_err(|error| {
        Failure::usage(format!("cannot make the folder {}", path.display())).because(error)
    })?;
    Ok(path.clone())
}

fn tell(
    models: &Models,
    ended: &Ended,
    code: ExitCode,
    seconds: f64,
    output: &mut Output,
) -> Result<(), Failure> {
    let result = CheckResult {
        schema: "norace.check/1",
        ok: code == ExitCode::Ok,
        models: models.0.len(),
        complete: models.count(Status::Complete),
        within_bound: models.count(Status::WithinBound),
        incomplete: models.count(Status::Incomplete),
        diverged: models.count(Status::Diverged),
        kept_silent: models.0.iter().map(|model| model.kept_silent).sum(),
        kept_unread: models.0.iter().map(|model| model.kept_unread).sum(),
        failed_tests: ended.tally.failed,
        findings: models.findings().collect(),
        seconds,
    };
    if models.0.is_empty() {
        output::note(
            "no model was checked: no test that ran came to `norace_check::check`, or all are in other parts",
        );
    } else {
        output.lines(models.0.iter().map(|model| model.line.as_str()), || models.table())?;
    }
    output.result(&result, || result.human())
}

impl CheckResult<'_> {
    fn human(&self) -> String {
        let (style, verdict) = if self.ok { (GOOD, "ok") } else { (BAD, "not ok") };
        let mut counts = vec![format!("{} complete", self.complete)];
        let mut count = |number: usize, what: &str| {
            if number > 0 {
                counts.push(format!("{number} {what}"));
            }
        };
        count(self.within_bound, "complete within a bound");
        count(self.incomplete, "incomplete");
        count(self.diverged, "diverged or uncontrolled");
        count(self.findings.len(), if self.findings.len() == 1 { "finding" } else { "findings" });
        counts.extend(models::silent(self.kept_silent));
        counts.extend(models::unread(self.kept_unread));
        let models = if self.models == 1 { "model" } else { "models" };
        format!(
            "norace check: {style}{verdict}{style:#}: {} {models} in {:.1} s: {}",
            self.models,
            self.seconds,
            counts.join(", ")
        )
    }
}
