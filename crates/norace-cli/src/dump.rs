//! `norace journal dump`: every record as one line of JSON.

use norace_engine::{DumpError, RecordView, dump_dir};
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::args::DumpArgs;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;
use crate::verify::{BadFrame, unreadable};

/// A record as printed; what a record does not have is left out.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    sequence: u64,
    /// Microseconds since the epoch.
    at_us: u64,
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    money: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_before: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_after: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

/// Pairs as a JSON object, in their order.
struct Metadata<'a>(&'a [(String, String)]);

impl Metadata<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Metadata<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Why printing stopped.
enum Stop {
    /// The reader has gone away.
    Closed,
    Failed(Failure),
}

/// Runs the command.
pub(crate) fn run_command(args: &DumpArgs, output: &mut Output) -> Result<ExitCode, Failure> {
    let dumped = dump_dir(&args.data, |record| {
        output.json(&line(&record)).map_err(Stop::Failed)?;
        if output.is_closed() { Err(Stop::Closed) } else { Ok(()) }
    });
    match dumped {
        Ok(summary) => match summary.bad_frame.map(BadFrame::from) {
            None => Ok(ExitCode::Ok),
            Some(frame) => {
                let what = format!("cannot read on in {}", args.data.display());
                let failure = Failure::new(ExitCode::Journal, what).because(frame.to_string());
                Err(failure.hint("what is printed stands before the damage"))
            }
        },
        Err(DumpError::Unreadable(error)) => Err(unreadable(&args.data, &error)),
        Err(DumpError::Stopped(Stop::Closed)) => Ok(ExitCode::Ok),
        Err(DumpError::Stopped(Stop::Failed(failure))) => Err(failure),
    }
}

fn line(record: &RecordView) -> Line<'_> {
    Line {
        schema: "norace.journal-dump/1",
        sequence: record.sequence,
        at_us: record.at,
        kind: record.kind,
        id: &record.id,
        ledger: record.ledger.as_deref(),
        from: record.from.as_deref(),
        to: record.to.as_deref(),
        amount: record.amount,
        money: record.money,
        state_before: record.state_before.map(|state| state.as_str()),
        state_after: record.state_after.map(|state| state.as_str()),
        version: record.version,
        reason: record.reason.as_ref().map(|reason| reason.as_str()),
        metadata: Metadata(&record.metadata),
        key: record.key.as_deref(),
    }
}
