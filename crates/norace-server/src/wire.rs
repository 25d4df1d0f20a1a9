//! What goes over the wire, without any socket: JSON in, JSON out, query strings, header values, times.
//!
//! Everything here takes bytes and gives values or a [`Refusal`]; nothing knows of a connection, a clock or the
//! engine's threads. Reading is strict on purpose: an amount that a lenient reader rounds, a duplicate key of which
//! one copy wins, or a misspelt field that is dropped would each move money nobody asked to move.

pub(crate) mod fields;
pub(crate) mod header;
pub(crate) mod json;
pub(crate) mod query;
pub(crate) mod time;
pub(crate) mod value;

use std::borrow::Cow;

/// Why input was refused before the engine saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The bytes are no JSON text, or an object names a key twice: 400 `malformed`.
    Malformed(Cow<'static, str>),
    /// The JSON, header or parameter is well formed and not what the call takes: 422 `invalid`.
    Invalid {
        /// The field, parameter or header that is at fault, as the caller wrote it.
        field: Cow<'static, str>,
        /// What is wrong with it.
        detail: Cow<'static, str>,
    },
}

impl Refusal {
    pub(crate) fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(detail.into())
    }

    pub(crate) fn invalid(
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid { field: field.into(), detail: detail.into() }
    }
}

/// Cuts `text` to at most `max` characters, so that an answer that quotes its caller stays small.
pub(crate) fn excerpt(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
