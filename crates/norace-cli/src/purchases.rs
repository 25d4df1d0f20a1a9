//! The purchase log: the one embedded in the binary, and files of the same shape.
//!
//! The shape is CSV without quoting, headed `customer,date,cds,cents`. Every field is checked, and a wrong one is
//! reported with its line; only `cents` may hold any whole number, because a row that is no valid order belongs to real
//! input: it is sent, and the server has to refuse it.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;

/// Bytes an input file may have; the log is held in memory.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 30;

/// Purchases of one log; far more than a file of [`FILE_BYTES_MAX`] holds, and an index of 32 bits reaches each.
const ROWS_MAX: usize = 1 << 27;

/// Characters of a customer's name. Run, name and round together stay within the 64 of an id.
pub(crate) const CUSTOMER_CHARS_MAX: usize = 32;

const HEADER: &str = "customer,date,cds,cents";
const EMBEDDED: &[u8] = include_bytes!("../../../data/cdnow.csv.zlib");
const EMBEDDED_BYTES_MAX: usize = 4 << 20;

/// One purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purchase {
    /// Index of the customer, in order of first appearance.
    pub(crate) customer: u32,
    /// What was paid; real logs hold zeros.
    pub(crate) cents: i64,
}

/// A purchase log in file order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) rows: Vec<Purchase>,
    pub(crate) customers: Vec<Box<str>>,
}

/// Why a text is no purchase log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LogError {
    Header,
    Empty,
    TooLong,
    Line { line: usize, fault: Fault },
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Fields(usize),
    Customer(String),
    Date(String),
    Cds(String),
    Cents(String),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => write!(f, "line 1: the header is not `{HEADER}`"),
            Self::Empty => write!(f, "no purchase follows the header"),
            Self::TooLong => write!(f, "more than {ROWS_MAX} purchases"),
            Self::Line { line, fault } => write!(f, "line {line}: {fault}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(found) => write!(f, "{found} fields where 4 belong"),
            Self::Customer(text) => write!(
                f,
                "customer `{text}` is not 1 to {CUSTOMER_CHARS_MAX} characters from A-Za-z0-9._:-"
            ),
            Self::Date(text) => write!(f, "date `{text}` is not YYYY-MM-DD"),
            Self::Cds(text) => write!(f, "cds `{text}` is not a whole number from 0"),
            Self::Cents(text) => write!(f, "cents `{text}` is not a whole number"),
        }
    }
}

impl Error for LogError {}

/// The log embedded in the binary.
pub(crate) fn embedded() -> Log {
    Log::parse(&embedded_csv()).expect("the embedded log is well-formed, as a test checks")
}

fn embedded_csv() -> String {
    let csv = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(EMBEDDED, EMBEDDED_BYTES_MAX)
        .expect("the embedded log inflates, as a test checks");
    String::from_utf8(csv).expect("the embedded log is ASCII")
}

/// True for what the server takes as an id, apart from its length.
pub(crate) fn is_id_text(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
}

impl Log {
    /// Reads a whole log.
    ///
    /// # Errors
    ///
    /// The first line that is not a purchase.
    pub(crate) fn parse(text: &str) -> Result<Self, LogError> {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(LogError::Header);
        }
        let mut rows = Vec::new();
        let mut customers: Vec<Box<str>> = Vec::new();
        let mut index: HashMap<&str, u32> = HashMap::new();
        for (at, line) in lines.enumerate() {
            let (name, cents) =
                fields(line).map_err(|fault| LogError::Line { line: at + 2, fault })?;
            if rows.len() == ROWS_MAX {
                return Err(LogError::TooLong);
            }
            let customer = *index.entry(name).or_insert_with(|| {
                let fresh = u32::try_from(customers.len()).expect("no more customers than rows");
                customers.push(name.into());
                fresh
            });
            rows.push(Purchase { customer, cents });
        }
        if rows.is_empty() { Err(LogError::Empty) } else { Ok(Self { rows, customers }) }
    }
}

fn fields(line: &str) -> Result<(&str, i64), Fault> {
    let mut parts = line.split(',');
    let (Some(customer), Some(date), Some(cds), Some(cents), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Fault::Fields(line.split(',').count()));
    };
    if customer.len() > CUSTOMER_CHARS_MAX || !is_id_text(customer) {
        return Err(Fault::Customer(customer.to_owned()));
    }
    if !is_date(date) {
        return Err(Fault::Date(date.to_owned()));
    }
    if cds.parse::<u32>().is_err() {
        return Err(Fault::Cds(cds.to_owned()));
    }
    let cents = cents.parse().map_err(|_| Fault::Cents(cents.to_owned()))?;
    Ok((customer, cents))
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    bytes.len() == 10
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && matches!(text[5..7].parse(), Ok(1..=12))
        && matches!(text[8..10].parse(), Ok(1..=31))
}

#[cfg(test)]
mod tests;
