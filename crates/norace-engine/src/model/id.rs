//! Ids of accounts, ledgers, transfers and orders.

use std::borrow::Borrow;
use std::fmt;

use norace_prim::sync::Arc;

/// The longest id, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// A name of 1 to 64 characters from `A-Za-z0-9._:-`. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

impl Id {
    /// Checks `text` and keeps a copy.
    ///
    /// # Errors
    ///
    /// When the text is empty, too long, or holds another character.
    pub fn new(text: &str) -> Result<Self, IdError> {
        check(text.as_bytes())?;
        Ok(Self(Arc::from(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ledger of accounts that name none: `main`.
    pub fn main_ledger() -> Self {
        Self(Arc::from("main"))
    }
}

fn check(bytes: &[u8]) -> Result<(), IdError> {
    if bytes.is_empty() {
        return Err(IdError::Empty);
    }
    if bytes.len() > ID_BYTES_MAX {
        return Err(IdError::TooLong { bytes: bytes.len() });
    }
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
    match bytes.iter().position(|b| !allowed(b)) {
        Some(at) => Err(IdError::BadCharacter { at }),
        None => Ok(()),
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl std::str::FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

/// Why a text is no [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// It is empty.
    Empty,
    /// It is longer than [`ID_BYTES_MAX`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It holds a character outside `A-Za-z0-9._:-`.
    BadCharacter {
        /// The byte position of the first such character.
        at: usize,
    },
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an id has at least one character"),
            Self::TooLong { bytes } => {
                write!(f, "an id has at most {ID_BYTES_MAX} characters, this has {bytes} bytes")
            }
            Self::BadCharacter { at } => {
                write!(f, "an id holds only A-Za-z0-9._:- and this holds another at byte {at}")
            }
        }
    }
}

impl std::error::Error for IdError {}

/// The id of an object to be created, and who chose it.
///
/// The difference matters to retries: a client that gives no id but an idempotency key gets a fresh id made for each
/// attempt, and these attempts are still the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewId {
    /// The client named it; it is part of the request's content.
    Given(Id),
    /// It was made on the way in; it is not part of the request's content.
    Made(Id),
}

impl NewId {
    /// The id, whoever chose it.
    pub fn id(&self) -> &Id {
        match self {
            Self::Given(id) | Self::Made(id) => id,
        }
    }

    /// True when the client named it.
    pub fn is_given(&self) -> bool {
        matches!(self, Self::Given(_))
    }
}
