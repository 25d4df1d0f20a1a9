//! Whole records: encoding, decoding, replaying.

use std::fmt;

use super::bytes::{DecodeError, Reader, Writer};
use crate::model::{
    Action, Amount, CallKind, Command, Handling, Id, IdempotencyKey, KEY_BYTES_MAX, NewId,
    OrderState, Rejection, Settlement, TransferMode,
};
use crate::state::{Applied, Change, Input, Leg, LegKind, OrderStep, State, Subject};

/// The version of what a record says: of its bytes, and of the rules that make its outcome of its input. To be bumped
/// with every change of meaning in either. Only the rules that wrote a journal open it again, and this byte is what
/// tells other rules from damage.
pub(crate) const RULES_VERSION: u8 = 1;
const FLAG_KEY: u8 = 1;
const FLAG_GIVEN: u8 = 2;
const NO_STATE: u8 = 0xff;

/// One decision, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What was asked.
    pub command: Command,
    /// Under which key.
    pub key: Option<IdempotencyKey>,
    /// Who moves an order created by it.
    pub handling: Handling,
    /// What it did.
    pub change: Change,
}

/// An upper bound on the bytes of the record of `command`, close enough to reserve room by.
pub(crate) fn record_bytes_max(command: &Command, key: Option<&IdempotencyKey>) -> usize {
    // Length, format, kind, flags, handling, sequence, time; ordinal, version, move, movement of money.
    const FIXED: usize = 4 + 4 + 16 + 4 + 8 + 2 + 17;
    const ID: usize = 1 + crate::model::ID_BYTES_MAX;
    let fields = match command {
        Command::CreateAccount { .. } => 2 * ID + 1,
        Command::CreateTransfer { .. } => 3 * ID + 8 + 10,
        Command::SettleTransfer { .. } => ID + 1,
        Command::CreateOrder { metadata, .. } => {
            let entries: usize = metadata.iter().map(|(k, v)| 4 + k.len() + v.len()).sum();
            3 * ID + 8 + 2 + entries
        }
        Command::MoveOrder { reason, .. } => {
            ID + 2 + reason.as_ref().map_or(0, |r| r.as_str().len()) + 9
        }
    };
    FIXED + fields + if key.is_some() { 2 + 2 * KEY_BYTES_MAX } else { 0 }
}

/// Appends the record of a decision.
pub(crate) fn encode_record(bytes: &mut Vec<u8>, input: &Input<'_>, change: &Change) {
    let start = bytes.len();
    let mut out = Writer::new(bytes);
    out.u32(0);
    out.u8(RULES_VERSION);
    out.u8(input.command.kind() as u8);
    out.u8(flags(input));
    out.u8(input.handling as u8);
    out.u64(change.sequence);
    out.u64(change.now);
    if let Some(key) = input.key {
        out.short_text(key.credential());
        out.short_text(key.key());
    }
    encode_command(&mut out, input.command);
    encode_outcome(&mut out, change);
    let body = bytes.len() - start - 4;
    let body = u32::try_from(body).expect("a record is at most some KiB");
    bytes[start..start + 4].copy_from_slice(&body.to_le_bytes());
}

fn flags(input: &Input<'_>) -> u8 {
    let given = match input.command {
        Command::CreateAccount { id, .. }
        | Command::CreateTransfer { id, .. }
        | Command::CreateOrder { id, .. } => id.is_given(),
        Command::SettleTransfer { .. } | Command::MoveOrder { .. } => false,
    };
    (if input.key.is_some() { FLAG_KEY } else { 0 }) | if given { FLAG_GIVEN } else { 0 }
}

fn encode_command(out: &mut Writer<'_>, command: &Command) {
    match command {
        Command::CreateAccount { id, ledger, allow_overdraft } => {
            out.short_text(id.id().as_str());
            out.short_text(ledger.as_str());
            out.u8(u8::from(*allow_overdraft));
        }
        Command::CreateTransfer { id, from, to, amount, mode } => {
            out.short_text(id.id().as_str());
            out.short_text(from.as_str());
            out.short_text(to.as_str());
            out.u64(amount.get());
            match mode {
                TransferMode::Single => out.u8(0),
                TransferMode::Pending { timeout_us } => {
                    out.u8(1);
                    out.optional_u64(*timeout_us);
                }
            }
        }
        Command::SettleTransfer { transfer, settlement } => {
            out.short_text(transfer.as_str());
            out.u8(*settlement as u8);
        }
        Command::CreateOrder { id, payer, payee, amount, metadata } => {
            out.short_text(id.id().as_str());
            out.short_text(payer.as_str());
            out.short_text(payee.as_str());
            out.u64(amount.get());
            out.metadata(metadata);
        }
        Command::MoveOrder { order, reason, expected_version, .. } => {
            out.short_text(order.as_str());
            out.optional_reason(reason.as_ref());
            out.optional_u64(*expected_version);
        }
    }
}

fn encode_outcome(out: &mut Writer<'_>, change: &Change) {
    out.u32(change.subject.ordinal());
    out.u64(change.version);
    let (from, to) = match change.order {
        Some(step) => (step.from.map_or(NO_STATE, |from| from as u8), step.to as u8),
        None => (NO_STATE, NO_STATE),
    };
    out.u8(from);
    out.u8(to);
    match change.leg {
        None => out.u8(0),
        Some(leg) => {
            out.u8(leg.kind as u8);
            out.u32(leg.debit);
            out.u32(leg.credit);
            out.u64(leg.amount);
        }
    }
}

/// Takes a frame's payload apart and hands each record to `each`.
///
/// # Errors
///
/// When the payload is not `count` records, or `each` fails.
pub(crate) fn decode_frame<E: From<DecodeError>>(
    payload: &[u8],
    count: u32,
    each: impl FnMut(&Record) -> Result<(), E>,
) -> Result<(), E> {
    decode_frame_from(payload, count, 0, each)
}

/// As [`decode_frame`], passing over the first `skip` records.
pub(crate) fn decode_frame_from<E: From<DecodeError>>(
    payload: &[u8],
    count: u32,
    skip: u64,
    mut each: impl FnMut(&Record) -> Result<(), E>,
) -> Result<(), E> {
    let mut frame = Reader::new(payload);
    for at in 0..count {
        let body_bytes = frame.u32()? as usize;
        let body = frame.take(body_bytes)?;
        if u64::from(at) >= skip {
            each(&decode_record(body)?)?;
        }
    }
    if !frame.is_empty() {
        return Err(DecodeError::TrailingBytes.into());
    }
    Ok(())
}

fn decode_record(body: &[u8]) -> Result<Record, DecodeError> {
    let mut fields = Reader::new(body);
    match fields.u8()? {
        RULES_VERSION => {}
        other => return Err(DecodeError::OtherVersion(other)),
    }
    let kind = fields.u8()?;
    let flags = fields.u8()?;
    if flags & !(FLAG_KEY | FLAG_GIVEN) != 0 {
        return Err(DecodeError::BadField("flags"));
    }
    let handling = match fields.u8()? {
        0 => Handling::Ledger,
        1 => Handling::Manual,
        2 => Handling::Async,
        _ => return Err(DecodeError::BadField("handling")),
    };
    let (sequence, now) = (fields.u64()?, fields.u64()?);
    let key = (flags & FLAG_KEY != 0).then(|| decode_key(&mut fields)).transpose()?;
    let command = decode_command(&mut fields, kind, flags & FLAG_GIVEN != 0)?;
    let change = decode_outcome(&mut fields, &command, sequence, now)?;
    if !fields.is_empty() {
        return Err(DecodeError::TrailingBytes);
    }
    Ok(Record { command, key, handling, change })
}

fn decode_key(fields: &mut Reader<'_>) -> Result<IdempotencyKey, DecodeError> {
    let credential = fields.short_text("credential")?;
    let key = fields.short_text("key")?;
    IdempotencyKey::new(credential, key).map_err(|_| DecodeError::BadField("key"))
}

fn decode_command(fields: &mut Reader<'_>, kind: u8, given: bool) -> Result<Command, DecodeError> {
    const CREATE_ACCOUNT: u8 = CallKind::CreateAccount as u8;
    const CREATE_TRANSFER: u8 = CallKind::CreateTransfer as u8;
    const CREATE_ORDER: u8 = CallKind::CreateOrder as u8;
    const SETTLE_TRANSFER: u8 = CallKind::SettleTransfer as u8;
    let action = match kind {
        CREATE_ACCOUNT => {
            let (id, ledger) = (new_id(fields, given)?, id(fields, "ledger")?);
            let allow_overdraft = fields.flag("allow_overdraft")?;
            return Ok(Command::CreateAccount { id, ledger, allow_overdraft });
        }
        CREATE_TRANSFER => {
            let id_ = new_id(fields, given)?;
            let (from, to) = (id(fields, "from")?, id(fields, "to")?);
            let (amount, mode) = (amount(fields)?, transfer_mode(fields)?);
            return Ok(Command::CreateTransfer { id: id_, from, to, amount, mode });
        }
        SETTLE_TRANSFER => {
            let transfer = id(fields, "transfer")?;
            return Ok(Command::SettleTransfer { transfer, settlement: settlement(fields)? });
        }
        CREATE_ORDER => {
            let id_ = new_id(fields, given)?;
            let (payer, payee) = (id(fields, "payer")?, id(fields, "payee")?);
            let (amount, metadata) = (amount(fields)?, fields.metadata()?);
            return Ok(Command::CreateOrder { id: id_, payer, payee, amount, metadata });
        }
        kind if kind == CallKind::Process as u8 => Action::Process,
        kind if kind == CallKind::Confirm as u8 => Action::Confirm,
        kind if kind == CallKind::Fail as u8 => Action::Fail,
        kind if kind == CallKind::Cancel as u8 => Action::Cancel,
        other => return Err(DecodeError::UnknownKind(other)),
    };
    let (order, reason) = (id(fields, "order")?, fields.optional_reason()?);
    let expected_version = fields.optional_u64("expected_version")?;
    Ok(Command::MoveOrder { order, action, reason, expected_version })
}

fn id(fields: &mut Reader<'_>, field: &'static str) -> Result<Id, DecodeError> {
    Id::new(fields.short_text(field)?).map_err(|_| DecodeError::BadField(field))
}

fn new_id(fields: &mut Reader<'_>, given: bool) -> Result<NewId, DecodeError> {
    let id = id(fields, "id")?;
    Ok(if given { NewId::Given(id) } else { NewId::Made(id) })
}

fn amount(fields: &mut Reader<'_>) -> Result<Amount, DecodeError> {
    Amount::new(fields.u64()?).map_err(|_| DecodeError::BadField("amount"))
}

fn transfer_mode(fields: &mut Reader<'_>) -> Result<TransferMode, DecodeError> {
    if !fields.flag("mode")? {
        return Ok(TransferMode::Single);
    }
    Ok(TransferMode::Pending { timeout_us: fields.optional_u64("timeout")? })
}

fn settlement(fields: &mut Reader<'_>) -> Result<Settlement, DecodeError> {
    match fields.u8()? {
        0 => Ok(Settlement::Post),
        1 => Ok(Settlement::Void),
        2 => Ok(Settlement::Expire),
        _ => Err(DecodeError::BadField("settlement")),
    }
}

fn decode_outcome(
    fields: &mut Reader<'_>,
    command: &Command,
    sequence: u64,
    now: u64,
) -> Result<Change, DecodeError> {
    let ordinal = fields.u32()?;
    let subject = match command {
        Command::CreateAccount { .. } => Subject::Account(ordinal),
        Command::CreateTransfer { .. } | Command::SettleTransfer { .. } => {
            Subject::Transfer(ordinal)
        }
        Command::CreateOrder { .. } | Command::MoveOrder { .. } => Subject::Order(ordinal),
    };
    let version = fields.u64()?;
    let (from, to) = (state(fields)?, state(fields)?);
    if from.is_some() && to.is_none() {
        return Err(DecodeError::BadField("state"));
    }
    let order = to.map(|to| OrderStep { from, to });
    let leg = match fields.u8()? {
        0 => None,
        kind => Some(Leg {
            kind: leg_kind(kind)?,
            debit: fields.u32()?,
            credit: fields.u32()?,
            amount: fields.u64()?,
        }),
    };
    Ok(Change { sequence, now, subject, version, order, leg })
}

fn state(fields: &mut Reader<'_>) -> Result<Option<OrderState>, DecodeError> {
    match fields.u8()? {
        NO_STATE => Ok(None),
        at => match OrderState::ALL.get(usize::from(at)) {
            Some(state) => Ok(Some(*state)),
            None => Err(DecodeError::BadField("state")),
        },
    }
}

fn leg_kind(kind: u8) -> Result<LegKind, DecodeError> {
    [LegKind::Post, LegKind::Reserve, LegKind::PostReserved, LegKind::Release]
        .into_iter()
        .find(|known| *known as u8 == kind)
        .ok_or(DecodeError::BadField("movement"))
}

impl Record {
    /// The input that led to it.
    pub fn input(&self) -> Input<'_> {
        Input {
            now: self.change.now,
            command: &self.command,
            key: self.key.as_ref(),
            handling: self.handling,
        }
    }

    /// Decides the input again and compares with what was recorded.
    ///
    /// # Errors
    ///
    /// When the rules make something else of it; the state is then of no use any more.
    pub fn replay(&self, state: &mut State) -> Result<(), ReplayError> {
        match state.apply(&self.input()) {
            Ok(Applied::Changed(change)) if change == self.change => Ok(()),
            Ok(Applied::Changed(change)) => {
                Err(ReplayError::Differs { replayed: Box::new(change) })
            }
            Ok(Applied::Repeat(_)) => Err(ReplayError::Repeat),
            Err(rejection) => Err(ReplayError::Refused(rejection)),
        }
    }
}

/// A journal holds a record that other rules wrote. It is not damaged; the version that wrote it can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherVersion {
    /// The record's position.
    pub sequence: u64,
    /// The version of the rules that wrote it.
    pub version: u8,
}

impl fmt::Display for OtherVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, version } = self;
        write!(
            f,
            "record {sequence} was written by another version of the rules: {version}, \
             where these are version {RULES_VERSION}"
        )
    }
}

impl std::error::Error for OtherVersion {}

/// A record that the rules contradict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// It does not decode.
    Decode(DecodeError),
    /// The rules refuse its input.
    Refused(Rejection),
    /// Its input had been done before.
    Repeat,
    /// The rules make another change of its input.
    Differs {
        /// That change.
        replayed: Box<Change>,
    },
    /// It is not the next one.
    OutOfOrder {
        /// The position that comes next.
        expected: u64,
    },
}

impl From<DecodeError> for ReplayError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => write!(f, "it does not decode: {error}"),
            Self::Refused(rejection) => write!(f, "the rules refuse it: {rejection}"),
            Self::Repeat => f.write_str("it repeats an earlier decision"),
            Self::Differs { replayed } => {
                write!(f, "the rules make another change of its input: {replayed:?}")
            }
            Self::OutOfOrder { expected } => write!(f, "position {expected} comes next"),
        }
    }
}

impl std::error::Error for ReplayError {}
