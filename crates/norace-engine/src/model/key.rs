//! Idempotency keys.

use std::fmt;

use norace_prim::sync::Arc;

/// The longest key, and the longest credential name, in bytes.
pub const KEY_BYTES_MAX: usize = 255;

/// A client's name for one attempt-independent request: 1 to 255 visible ASCII characters, in the name space of the
/// credential that sent it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey {
    credential: Arc<str>,
    key: Arc<str>,
}

impl IdempotencyKey {
    /// Checks and copies both parts. The credential may be empty: the name of whoever calls without one.
    ///
    /// # Errors
    ///
    /// When a part is too long or holds something else than visible ASCII, or the key is empty.
    pub fn new(credential: &str, key: &str) -> Result<Self, KeyError> {
        if key.is_empty() {
            return Err(KeyError::Empty);
        }
        for part in [credential, key] {
            if part.len() > KEY_BYTES_MAX {
                return Err(KeyError::TooLong { bytes: part.len() });
            }
            if let Some(at) = part.bytes().position(|b| !b.is_ascii_graphic()) {
                return Err(KeyError::BadCharacter { at });
            }
        }
        Ok(Self { credential: Arc::from(credential), key: Arc::from(key) })
    }

    /// Who sent it.
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// The key itself.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// It is empty.
    Empty,
    /// It is longer than [`KEY_BYTES_MAX`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It holds a character that is not visible ASCII.
    BadCharacter {
        /// The byte position of the first such character.
        at: usize,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an idempotency key has at least one character"),
            Self::TooLong { bytes } => {
                write!(f, "an idempotency key has at most {KEY_BYTES_MAX} bytes, this has {bytes}")
            }
            Self::BadCharacter { at } => {
                write!(f, "an idempotency key is visible ASCII and this is not at byte {at}")
            }
        }
    }
}

impl std::error::Error for KeyError {}

/// The kinds of call. A key that was used for one kind is a conflict for every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CallKind {
    /// Opening an account.
    CreateAccount,
    /// A transfer, single or pending.
    CreateTransfer,
    /// An order.
    CreateOrder,
    /// Taking an order into processing.
    Process,
    /// Confirming an order.
    Confirm,
    /// Failing an order.
    Fail,
    /// Cancelling an order.
    Cancel,
    /// Posting, voiding or expiring a pending transfer.
    SettleTransfer,
}
