//! Accounts as callers see them.

use super::Id;

/// A party's balance in one ledger, as four totals that only ever describe transfers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub id: Id,
    /// The currency or book it belongs to; both sides of a transfer share it.
    pub ledger: Id,
    /// True when [`available`](Self::available) may go below 0.
    pub allow_overdraft: bool,
    /// Reserved outgoing amounts.
    pub debits_pending: u64,
    /// Settled outgoing amounts.
    pub debits_posted: u64,
    /// Announced incoming amounts.
    pub credits_pending: u64,
    /// Settled incoming amounts.
    pub credits_posted: u64,
}

impl Account {
    /// What may still be spent: settled income less settled and reserved spending.
    pub fn available(&self) -> i64 {
        // Each total is at most 2^53 - 1, so neither the casts nor the sums can wrap.
        self.credits_posted as i64 - self.debits_posted as i64 - self.debits_pending as i64
    }
}
