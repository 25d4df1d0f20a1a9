//! Values of fields: strings, amounts, flags, metadata.
//!
//! Each function takes a field's raw JSON and gives the value or a refusal that names the field. Amounts are read from
//! their digits, never through a float: `1.0`, `1e2`, `-0` and `"5"` are no integers of minor units.

use std::borrow::Cow;

use norace_engine::{Amount, Id, Metadata, MetadataError, Reason};

use super::Refusal;
use super::fields::{Raw, pairs};

/// A string of any length; the JSON text bounds it.
pub(crate) fn text<'a>(raw: Raw<'a>) -> Result<Cow<'a, str>, Refusal> {
    string(raw.text)
        .ok_or_else(|| raw.invalid("a string is wanted"))?
        .map_err(|detail| raw.invalid(detail))
}

/// None when `text` is no JSON string; an error when it is one that is no Unicode text.
fn string(text: &str) -> Option<Result<Cow<'_, str>, &'static str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Ok(Cow::Borrowed(inner)));
    }
    // The text is a well-formed string, so only a lone surrogate can be wrong with it.
    Some(
        serde_json::from_str(text).map(Cow::Owned).map_err(|_| "an escape is no Unicode character"),
    )
}

/// An id or ledger.
pub(crate) fn id(raw: Raw<'_>) -> Result<Id, Refusal> {
    Id::new(&text(raw)?).map_err(|error| raw.invalid(error.to_string()))
}

/// An amount of minor units: a JSON integer from 1 to 2^53 - 1, so that every reader of JSON keeps it exact.
pub(crate) fn amount(raw: Raw<'_>) -> Result<Amount, Refusal> {
    let digits = raw.text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| raw.text.parse().ok()).flatten();
    number.and_then(|minor_units| Amount::new(minor_units).ok()).ok_or_else(|| {
        raw.invalid("an amount is an integer of minor units from 1 to 9007199254740991")
    })
}

pub(crate) fn boolean(raw: Raw<'_>) -> Result<bool, Refusal> {
    match raw.text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(raw.invalid("true or false is wanted")),
    }
}

/// An object of strings.
pub(crate) fn metadata(raw: Raw<'_>) -> Result<Metadata, Refusal> {
    if !raw.text.starts_with('{') {
        return Err(raw.invalid("an object of strings is wanted"));
    }
    let mut entries = Vec::new();
    for (key, value) in pairs(raw.text)? {
        let value = string(value)
            .ok_or_else(|| raw.invalid("every value of the metadata has to be a string"))?
            .map_err(|detail| raw.invalid(detail))?;
        entries.push((key, value));
    }
    Metadata::new(entries).map_err(|error| match error {
        MetadataError::DuplicateKey => Refusal::malformed("a key of the metadata is given twice"),
        MetadataError::TooLarge => raw.invalid(error.to_string()),
    })
}

/// Why an order is moved.
pub(crate) fn reason(raw: Raw<'_>) -> Result<Reason, Refusal> {
    Reason::new(&text(raw)?).map_err(|error| raw.invalid(error.to_string()))
}

#[cfg(test)]
mod tests;
