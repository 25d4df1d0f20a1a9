//! Replay tokens: an execution in one word.
//!
//! `nr1:<model>:<hex>`: the hexadecimal digits hold the memory model, the level, the kind of finding and the plan, each
//! number in groups of seven bits, and a checksum of everything before it. What the plan says is relative to each
//! thread's own steps, so a token holds while the code that the model runs does what it did; moving it to other lines
//! changes nothing.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use norace_explore::{Level, Mode, Plan, Run};

const PREFIX: &str = "nr1";

/// Kinds of findings by number; new ones are added at the end.
const KINDS: [&str; 14] = [
    "data-race",
    "deadlock",
    "lost-wakeup",
    "leak",
    "livelock",
    "panic",
    "leaked-value",
    "second-close",
    "send-after-close",
    "lock-order",
    "aba",
    "too-long",
    "diverged",
    "too-many-threads",
];

/// One execution of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub(crate) model: String,
    pub(crate) mode: Mode,
    pub(crate) level: Level,
    pub(crate) kind: &'static str,
    pub(crate) plan: Plan,
}

impl Token {
    /// The name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The test that holds the model, as the test harness names it.
    pub fn test(&self) -> &str {
        crate::identity::test_of(&self.model)
    }

    /// The kind of what the execution shows.
    pub fn kind(&self) -> &str {
        self.kind
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![
            u8::from(self.mode == Mode::Sc) | u8::from(self.level == Level::Rt) << 1,
            number_of(self.kind),
        ];
        put(&mut bytes, self.plan.runs.len() as u64);
        for run in &self.plan.runs {
            put(&mut bytes, run.thread.into());
            put(&mut bytes, run.steps.into());
        }
        for &(thread, step, label) in &self.plan.labels {
            put(&mut bytes, thread.into());
            put(&mut bytes, step.into());
            put(&mut bytes, label.into());
        }
        let sum = checksum(self.model.as_bytes(), &bytes);
        bytes.extend(sum.to_le_bytes());
        write!(f, "{PREFIX}:{}:", self.model)?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn number_of(kind: &str) -> u8 {
    let at = KINDS.iter().position(|known| *known == kind).expect("all kinds are in the table");
    u8::try_from(at).expect("kinds are few")
}

/// Groups of seven bits, the lowest first; the top bit says that another follows.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Fowler, Noll and Vo's hash 1a, folded to 16 bits.
fn checksum(model: &[u8], bytes: &[u8]) -> u16 {
    let hash = model
        .iter()
        .chain(bytes)
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (hash >> 16) as u16 ^ hash as u16
}

/// A text that is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadToken(&'static str);

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no replay token: {}", self.0)
    }
}

impl Error for BadToken {}

impl FromStr for Token {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let rest = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(':'));
        let rest = rest.ok_or(BadToken("it does not begin with `nr1:`"))?;
        let (model, digits) =
            rest.rsplit_once(':').ok_or(BadToken("it has no name between two colons"))?;
        let all = bytes_of(digits).ok_or(BadToken("it does not end in hexadecimal digits"))?;
        let (bytes, sum) = all.split_last_chunk().ok_or(BadToken("it is cut short"))?;
        if u16::from_le_bytes(*sum) != checksum(model.as_bytes(), bytes) {
            return Err(BadToken("its checksum is wrong: part of it is missing or changed"));
        }
        decode(model, bytes).ok_or(BadToken("it was made by another version"))
    }
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

fn decode(model: &str, mut bytes: &[u8]) -> Option<Token> {
    let bytes = &mut bytes;
    let flags = take(bytes)?;
    let kind = KINDS.get(usize::try_from(take(bytes)?).ok()?)?;
    let mut plan = Plan::default();
    for _ in 0..take(bytes)? {
        let (thread, steps) = (take(bytes)?, take(bytes)?);
        plan.runs.push(Run { thread: thread.try_into().ok()?, steps: steps.try_into().ok()? });
    }
    while !bytes.is_empty() {
        let (thread, step, label) = (take(bytes)?, take(bytes)?, take(bytes)?);
        let thread = thread.try_into().ok()?;
        plan.labels.push((thread, step.try_into().ok()?, label.try_into().ok()?));
    }
    Some(Token {
        model: model.to_owned(),
        mode: if flags & 1 == 1 { Mode::Sc } else { Mode::Rc11 },
        level: if flags >> 1 & 1 == 1 { Level::Rt } else { Level::App },
        kind,
        plan,
    })
}

#[cfg(test)]
mod tests;
