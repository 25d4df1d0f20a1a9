//! Amounts of money in minor units.

use std::fmt;

/// The largest amount and the largest total: what a JSON number holds exactly.
pub const AMOUNT_MAX: u64 = (1 << 53) - 1;

/// A positive number of minor units (cents), at most [`AMOUNT_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// Checks the range.
    ///
    /// # Errors
    ///
    /// When the number is 0 or above [`AMOUNT_MAX`].
    pub const fn new(minor_units: u64) -> Result<Self, AmountError> {
        if minor_units == 0 || minor_units > AMOUNT_MAX {
            return Err(AmountError);
        }
        Ok(Self(minor_units))
    }

    /// The number of minor units.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A number is no [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountError;

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an amount is a number of minor units from 1 to {AMOUNT_MAX}")
    }
}

impl std::error::Error for AmountError {}
