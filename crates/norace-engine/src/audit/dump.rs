//! Every record in words.

use std::fmt;
use std::path::Path;

use norace_journal::ReadError;
use norace_journal::storage::Storage;

use super::{BadFrame, VerifyError, existing};
use crate::codec::{DecodeError, OtherVersion, Record, decode_frame};
use crate::model::{Command, Id, OrderState, Reason, Settlement};

/// One record in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordView {
    /// The position.
    pub sequence: u64,
    /// Microseconds since the epoch.
    pub at: u64,
    /// What was done: `create-account`, `create-transfer`, `post-transfer`, `void-transfer`, `expire-transfer`,
    /// `create-order`, `process`, `confirm`, `fail` or `cancel`.
    pub kind: &'static str,
    /// The account, transfer or order.
    pub id: String,
    /// The ledger of an account opened.
    pub ledger: Option<String>,
    /// The debited account.
    pub from: Option<String>,
    /// The credited account.
    pub to: Option<String>,
    /// How much.
    pub amount: Option<u64>,
    /// What happened to the money: `post`, `reserve`, `post-reserved` or `release`.
    pub money: Option<&'static str>,
    /// The order's state before.
    pub state_before: Option<OrderState>,
    /// The order's state after.
    pub state_after: Option<OrderState>,
    /// The order's version after.
    pub version: Option<u64>,
    /// The reason given.
    pub reason: Option<Reason>,
    /// The order's metadata.
    pub metadata: Vec<(String, String)>,
    /// The idempotency key, without its credential.
    pub key: Option<String>,
}

/// Why a dump ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DumpError<E> {
    /// The journal could not be read.
    Unreadable(VerifyError),
    /// The receiver of the records gave up.
    Stopped(E),
}

impl<E: fmt::Display> fmt::Display for DumpError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Stopped(error) => write!(f, "handing out a record: {error}"),
        }
    }
}

impl<E: std::error::Error> std::error::Error for DumpError<E> {}

/// What a dump came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpSummary {
    /// Records handed out.
    pub records: u64,
    /// Bytes after the last whole frame that belong to no frame.
    pub torn_tail_bytes: u64,
    /// The first damaged frame that something vouches for; the dump ends before it.
    pub bad_frame: Option<BadFrame>,
}

/// Hands every record of the journal in the folder `data` to `each`, in order.
///
/// # Errors
///
/// When the journal can't be read, or `each` fails.
pub fn dump_dir<E>(
    data: &Path,
    each: impl FnMut(RecordView) -> Result<(), E>,
) -> Result<DumpSummary, DumpError<E>> {
    dump(&existing(data).map_err(DumpError::Unreadable)?, each)
}

/// Hands every record of the journal in `storage` to `each`, in order. The rules are not applied: a dump also shows
/// what they would contradict.
///
/// # Errors
///
/// When the journal can't be read, or `each` fails.
pub fn dump<E>(
    storage: &impl Storage,
    mut each: impl FnMut(RecordView) -> Result<(), E>,
) -> Result<DumpSummary, DumpError<E>> {
    let mut summary = DumpSummary::default();
    let mut accounts = Vec::new();
    let read = norace_journal::read_only(storage, |frame| {
        decode_frame(frame.payload, frame.count, |record| {
            if let Command::CreateAccount { id, .. } = &record.command {
                accounts.push(id.id().clone());
            }
            summary.records += 1;
            each(view(record, &accounts)).map_err(Stop::Stopped)
        })
    });
    match read {
        Ok(read) => {
            summary.torn_tail_bytes = read.torn_tail_bytes;
            summary.bad_frame = read.bad_frame.map(BadFrame::from);
            Ok(summary)
        }
        Err(ReadError::Caller(Stop::Stopped(error))) => Err(DumpError::Stopped(error)),
        Err(ReadError::Caller(Stop::Undecodable(error))) => {
            Err(DumpError::Unreadable(undecodable(summary.records, error)))
        }
        Err(ReadError::NoJournal) => {
            Err(DumpError::Unreadable(VerifyError::Unreadable("no journal is here".to_owned())))
        }
        Err(ReadError::Io(error)) => {
            Err(DumpError::Unreadable(VerifyError::Unreadable(error.to_string())))
        }
        Err(_) => Err(DumpError::Unreadable(VerifyError::Unreadable(
            "the journal can't be read".to_owned(),
        ))),
    }
}

enum Stop<E> {
    Undecodable(DecodeError),
    Stopped(E),
}

impl<E> From<DecodeError> for Stop<E> {
    fn from(error: DecodeError) -> Self {
        Self::Undecodable(error)
    }
}

/// What `error` means for the record after the first `before`.
fn undecodable(before: u64, error: DecodeError) -> VerifyError {
    match error {
        DecodeError::OtherVersion(version) => {
            VerifyError::OtherVersion(OtherVersion { sequence: before + 1, version })
        }
        error => VerifyError::Unreadable(format!(
            "the record after {before}: it does not decode: {error}"
        )),
    }
}

fn view(record: &Record, accounts: &[Id]) -> RecordView {
    let change = &record.change;
    let name = |at: u32| accounts.get(at as usize).map(|id| id.as_str().to_owned());
    let text = |id: &Id| id.as_str().to_owned();
    let mut view = RecordView {
        sequence: change.sequence,
        at: change.now,
        key: record.key.as_ref().map(|key| key.key().to_owned()),
        from: change.leg.and_then(|leg| name(leg.debit)),
        to: change.leg.and_then(|leg| name(leg.credit)),
        amount: change.leg.map(|leg| leg.amount),
        money: change.leg.map(|leg| leg.kind.as_str()),
        state_before: change.order.and_then(|step| step.from),
        state_after: change.order.map(|step| step.to),
        version: change.order.map(|_| change.version),
        ..RecordView::default()
    };
    match &record.command {
        Command::CreateAccount { id, ledger, .. } => {
            (view.kind, view.id) = ("create-account", text(id.id()));
            view.ledger = Some(text(ledger));
        }
        Command::CreateTransfer { id, .. } => {
            (view.kind, view.id) = ("create-transfer", text(id.id()));
        }
        Command::SettleTransfer { transfer, settlement } => {
            view.kind = match settlement {
                Settlement::Post => "post-transfer",
                Settlement::Void => "void-transfer",
                Settlement::Expire => "expire-transfer",
            };
            view.id = text(transfer);
        }
        Command::CreateOrder { id, payer, payee, amount, metadata } => {
            (view.kind, view.id) = ("create-order", text(id.id()));
            (view.from, view.to) = (Some(text(payer)), Some(text(payee)));
            view.amount = Some(amount.get());
            view.metadata =
                metadata.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        }
        Command::MoveOrder { order, action, reason, .. } => {
            (view.kind, view.id) = (action.as_str(), text(order));
            view.reason = reason.clone();
        }
    }
    view
}
