//! Writing and reading the primitive fields.

use std::fmt;

use crate::model::{Metadata, Reason};

/// Appends little-endian fields to a buffer.
#[derive(Debug)]
pub(crate) struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    pub(crate) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn optional_u64(&mut self, value: Option<u64>) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            self.u64(value);
        }
    }

    /// A text of at most 255 bytes.
    pub(crate) fn short_text(&mut self, text: &str) {
        self.u8(u8::try_from(text.len()).expect("ids and keys have at most 255 bytes"));
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A text of at most 65,535 bytes.
    fn text(&mut self, text: &str) {
        self.u16(u16::try_from(text.len()).expect("reasons and metadata have at most 4 KiB"));
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A reason is never empty, so the empty text stands for none.
    pub(crate) fn optional_reason(&mut self, reason: Option<&Reason>) {
        self.text(reason.map_or("", Reason::as_str));
    }

    pub(crate) fn metadata(&mut self, metadata: &Metadata) {
        let entries = metadata.iter();
        self.u16(u16::try_from(entries.len()).expect("metadata has at most 4097 entries"));
        for (key, value) in entries {
            self.text(key);
            self.text(value);
        }
    }
}

/// Takes little-endian fields off a byte string.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::BadField(field)),
        }
    }

    pub(crate) fn optional_u64(&mut self, field: &'static str) -> Result<Option<u64>, DecodeError> {
        self.flag(field)?.then(|| self.u64()).transpose()
    }

    pub(crate) fn short_text(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let bytes = usize::from(self.u8()?);
        std::str::from_utf8(self.take(bytes)?).map_err(|_| DecodeError::BadField(field))
    }

    fn text(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let bytes = usize::from(self.u16()?);
        std::str::from_utf8(self.take(bytes)?).map_err(|_| DecodeError::BadField(field))
    }

    pub(crate) fn optional_reason(&mut self) -> Result<Option<Reason>, DecodeError> {
        match self.text("reason")? {
            "" => Ok(None),
            text => Reason::new(text).map(Some).map_err(|_| DecodeError::BadField("reason")),
        }
    }

    pub(crate) fn metadata(&mut self) -> Result<Metadata, DecodeError> {
        let count = self.u16()?;
        if count == 0 {
            return Ok(Metadata::default());
        }
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push((self.text("metadata")?, self.text("metadata")?));
        }
        if entries.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(DecodeError::BadField("metadata"));
        }
        Metadata::new(entries).map_err(|_| DecodeError::BadField("metadata"))
    }
}

/// Bytes that are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// They end too early.
    Truncated,
    /// The record goes on where its fields end, or the frame where its records end.
    TrailingBytes,
    /// Other rules wrote them, of this version.
    OtherVersion(u8),
    /// The kind of call is unknown.
    UnknownKind(u8),
    /// A field holds what it can't.
    BadField(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the record ends too early"),
            Self::TrailingBytes => f.write_str("there are bytes after the last field"),
            Self::OtherVersion(version) => write!(f, "other rules wrote it, version {version}"),
            Self::UnknownKind(kind) => write!(f, "record kind {kind} is unknown"),
            Self::BadField(field) => write!(f, "the field {field} holds what it can't"),
        }
    }
}

impl std::error::Error for DecodeError {}
