//! Why an order moved.

use std::fmt;

use norace_prim::sync::Arc;

/// The longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 256;

/// A short text of 1 to 256 bytes without control characters. Cloning shares or copies a pointer.
#[derive(Clone)]
pub struct Reason(Text);

#[derive(Clone)]
enum Text {
    Fixed(&'static str),
    Shared(Arc<str>),
}

impl Reason {
    /// The payer's available balance did not cover the order.
    pub const INSUFFICIENT_FUNDS: Self = Self(Text::Fixed("insufficient-funds"));
    /// A total would have passed the largest amount.
    pub const OVERFLOW: Self = Self(Text::Fixed("overflow"));

    /// Checks `text` and keeps a copy.
    ///
    /// # Errors
    ///
    /// When the text is empty, too long, or holds a control character.
    pub fn new(text: &str) -> Result<Self, ReasonError> {
        if text.is_empty() || text.len() > REASON_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(ReasonError);
        }
        Ok(Self(Text::Shared(Arc::from(text))))
    }

    /// Makes a reason of any text: control characters become spaces, the end is cut, nothing becomes `unknown`.
    pub fn from_lossy(text: &str) -> Self {
        let mut kept = String::with_capacity(text.len().min(REASON_BYTES_MAX));
        for c in text.chars() {
            let c = if c.is_control() { ' ' } else { c };
            if kept.len() + c.len_utf8() > REASON_BYTES_MAX {
                break;
            }
            kept.push(c);
        }
        if kept.is_empty() {
            return Self(Text::Fixed("unknown"));
        }
        Self(Text::Shared(Arc::from(kept)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Fixed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Reason {}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is no [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonError;

impl fmt::Display for ReasonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a reason has 1 to {REASON_BYTES_MAX} bytes and no control character")
    }
}

impl std::error::Error for ReasonError {}
