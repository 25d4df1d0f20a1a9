//! What a client attaches to an order.

use std::fmt;

use norace_prim::sync::Arc;

/// The bound on the sum of all key and value lengths, in bytes.
pub const METADATA_BYTES_MAX: usize = 4096;

/// An object of strings, at most 4 KiB of keys and values together; cloning shares it.
///
/// Entries are kept sorted by key, so that equal objects are equal however the client ordered them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Option<Arc<[Entry]>>);

/// A key and its value.
type Entry = (Box<str>, Box<str>);

impl Metadata {
    /// Sorts and checks the entries.
    ///
    /// # Errors
    ///
    /// When a key appears twice or the whole is too large.
    pub fn new(
        entries: impl IntoIterator<Item = (impl Into<Box<str>>, impl Into<Box<str>>)>,
    ) -> Result<Self, MetadataError> {
        let mut bytes = 0;
        let mut sorted: Vec<Entry> = Vec::new();
        for (key, value) in entries {
            let (key, value) = (key.into(), value.into());
            bytes += key.len() + value.len();
            if bytes > METADATA_BYTES_MAX {
                return Err(MetadataError::TooLarge);
            }
            sorted.push((key, value));
            // Only the one empty pair is free of charge, so a longer list must hold a key twice.
            if sorted.len() > METADATA_BYTES_MAX + 1 {
                return Err(MetadataError::DuplicateKey);
            }
        }
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        if sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(MetadataError::DuplicateKey);
        }
        Ok(Self((!sorted.is_empty()).then(|| Arc::from(sorted))))
    }

    /// The entries, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let entries = self.0.as_deref().unwrap_or_default();
        entries.iter().map(|(key, value)| (&**key, &**value))
    }

    /// True when there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let entries = self.0.as_deref()?;
        let at = entries.binary_search_by(|entry| (*entry.0).cmp(key)).ok()?;
        Some(&entries[at].1)
    }
}

/// Why entries are no [`Metadata`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// Keys and values together pass [`METADATA_BYTES_MAX`].
    TooLarge,
    /// A key appears twice.
    DuplicateKey,
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "metadata holds at most {METADATA_BYTES_MAX} bytes"),
            Self::DuplicateKey => f.write_str("metadata holds a key twice"),
        }
    }
}

impl std::error::Error for MetadataError {}
