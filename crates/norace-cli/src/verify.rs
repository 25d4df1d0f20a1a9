//! `norace verify`: the audit of a journal, from the outside.

use std::fmt;
use std::path::Path;

use norace_engine::{VerifyError, VerifyReport, verify_dir};
use serde::{Serialize, Serializer};

use crate::args::VerifyArgs;
use crate::exit_code::ExitCode;
use crate::failure::{Failure, sanitise};
use crate::output::{BAD, GOOD, Output, STRONG, money, thousands};

/// The result of `norace verify`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct VerifyResult {
    schema: &'static str,
    ok: bool,
    records: u64,
    orders: u64,
    transfers: u64,
    accounts: u64,
    #[serde(serialize_with = "total")]
    debits: u128,
    #[serde(serialize_with = "total")]
    credits: u128,
    open_orders: u64,
    last_sequence: u64,
    torn_tail_bytes: u64,
    bad_frame: Option<BadFrame>,
    violations: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BadFrame {
    segment: u64,
    offset: u64,
    what: String,
}

impl From<norace_engine::BadFrame> for BadFrame {
    fn from(frame: norace_engine::BadFrame) -> Self {
        Self { segment: frame.segment, offset: frame.offset, what: frame.what }
    }
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = sanitise(&self.what);
        write!(f, "segment {} at byte {}: {what}", self.segment, self.offset)
    }
}

/// Totals over all ledgers may pass 64 bits in theory only; JSON readers get a number either way.
fn total<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    match u64::try_from(*value) {
        Ok(value) => serializer.serialize_u64(value),
        Err(_) => serializer.serialize_u128(*value),
    }
}

/// Runs the command.
pub(crate) fn run_command(args: &VerifyArgs, output: &mut Output) -> Result<ExitCode, Failure> {
    let result = audit(&args.data)?;
    output.result(&result, || result.human(&args.data))?;
    Ok(result.exit_code())
}

/// Audits the journal in `data`.
///
/// # Errors
///
/// When there is none, or it cannot be read.
pub(crate) fn audit(data: &Path) -> Result<VerifyResult, Failure> {
    let report = verify_dir(data).map_err(|error| unreadable(data, &error))?;
    Ok(VerifyResult::from(report))
}

/// The failure that stands for a journal that cannot be read.
pub(crate) fn unreadable(data: &Path, error: &VerifyError) -> Failure {
    let data = data.display().to_string();
    let failure = Failure::new(ExitCode::Journal, format!("cannot read the journal in {data}"));
    match error {
        VerifyError::Unreadable(cause) => {
            // The engine names the folder where it cannot be opened, and not where something in it is wrong.
            let cause = cause.strip_prefix(&format!("{data}: ")).unwrap_or(cause);
            failure.because(cause).hint("--data names the folder that `norace serve` was given")
        }
        VerifyError::OtherVersion(other) => failure.because(*other).hint(OTHER_VERSION_HINT),
        other => failure.because(other.to_string()),
    }
}

/// What to do with a journal that other rules wrote.
pub(crate) const OTHER_VERSION_HINT: &str =
    "the journal is not damaged; use the version of norace that wrote it";

impl VerifyResult {
    /// Damage is the journal's fault; a broken rule is a finding about what is in it.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match (self.ok, &self.bad_frame) {
            (true, _) => ExitCode::Ok,
            (false, Some(_)) => ExitCode::Journal,
            (false, None) => ExitCode::Finding,
        }
    }

    /// The result for people.
    pub(crate) fn human(&self, data: &Path) -> String {
        let data = sanitise(&data.display().to_string());
        let verdict = match self.exit_code() {
            ExitCode::Ok => format!("{GOOD}ok{GOOD:#}"),
            ExitCode::Journal => format!("{BAD}damaged{BAD:#}"),
            _ => format!("{BAD}rules broken{BAD:#}"),
        };
        let mut text = format!(
            "{STRONG}journal {data}:{STRONG:#} {verdict}\n\
             \x20 {} records, the last at {}\n\
             \x20 {} orders, {} of them open\n\
             \x20 {} accounts, {} movements of money\n\
             \x20 debits {} = credits {}",
            thousands(self.records),
            thousands(self.last_sequence),
            thousands(self.orders),
            thousands(self.open_orders),
            thousands(self.accounts),
            thousands(self.transfers),
            total_text(self.debits),
            total_text(self.credits),
        );
        if self.debits != self.credits {
            text = text.replace(" = credits", " but credits");
        }
        if self.torn_tail_bytes > 0 {
            let bytes = thousands(self.torn_tail_bytes);
            text.push_str(&format!(
                "\n  {bytes} bytes of a torn last frame, which nobody was told of"
            ));
        }
        if let Some(frame) = &self.bad_frame {
            text.push_str(&format!("\n  {BAD}damaged:{BAD:#} {frame}"));
        }
        for violation in &self.violations {
            text.push_str(&format!("\n  {BAD}broken:{BAD:#} {}", sanitise(violation)));
        }
        text
    }
}

fn total_text(value: u128) -> String {
    u64::try_from(value).map_or_else(|_| value.to_string(), money)
}

impl From<VerifyReport> for VerifyResult {
    fn from(report: VerifyReport) -> Self {
        Self {
            schema: "norace.verify/1",
            ok: report.ok,
            records: report.records,
            orders: report.orders,
            transfers: report.transfers,
            accounts: report.accounts,
            debits: report.debits,
            credits: report.credits,
            open_orders: report.open_orders,
            last_sequence: report.last_sequence,
            torn_tail_bytes: report.torn_tail_bytes,
            bad_frame: report.bad_frame.map(BadFrame::from),
            violations: report.violations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> VerifyReport {
        VerifyReport { ok: true, debits: 250, credits: 250, ..VerifyReport::default() }
    }

    #[test]
    fn the_verdict_decides_the_exit_code() {
        let damaged = norace_engine::BadFrame { segment: 1, offset: 4_096, what: "x".into() };
        let cases = [
            (report(), ExitCode::Ok),
            (
                VerifyReport { ok: false, violations: vec!["x".into()], ..report() },
                ExitCode::Finding,
            ),
            (VerifyReport { ok: false, bad_frame: Some(damaged), ..report() }, ExitCode::Journal),
        ];
        for (report, code) in cases {
            assert_eq!(VerifyResult::from(report).exit_code(), code);
        }
    }

    #[test]
    fn the_json_has_the_documented_fields_and_plain_numbers() {
        let json = serde_json::to_value(VerifyResult::from(report())).unwrap();
        let mut fields: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        let documented = [
            "accounts",
            "bad_frame",
            "credits",
            "debits",
            "last_sequence",
            "ok",
            "open_orders",
            "orders",
            "records",
            "schema",
            "torn_tail_bytes",
            "transfers",
            "violations",
        ];
        assert_eq!(fields, documented);
        assert_eq!(json["debits"], 250);
        assert!(json["bad_frame"].is_null());
    }

    #[test]
    fn a_journal_of_another_version_is_not_called_damaged() {
        let other = norace_engine::OtherVersion { sequence: 7, version: 9 };
        let failure = unreadable(Path::new("d"), &VerifyError::OtherVersion(other));
        assert_eq!(failure.code(), ExitCode::Journal);
        let text = failure.to_string();
        let told = "cannot read the journal in d: record 7 was written by another version";
        assert!(text.starts_with(told), "{text}");
        assert_eq!(failure.hint_text(), Some(OTHER_VERSION_HINT));
    }

    #[test]
    fn books_that_do_not_balance_are_not_printed_as_equal() {
        let broken = VerifyReport { ok: false, credits: 249, ..report() };
        let text = VerifyResult::from(broken).human(Path::new("d"));
        assert!(text.contains("debits 2.50 but credits 2.49"), "{text}");
    }
}
