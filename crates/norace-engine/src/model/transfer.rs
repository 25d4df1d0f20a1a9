//! Transfers as callers see them.

use super::{Amount, Id};

/// Money moved, or held to be moved, between two accounts of one ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its name.
    pub id: Id,
    /// The debited account.
    pub from: Id,
    /// The credited account.
    pub to: Id,
    /// How much.
    pub amount: Amount,
    /// How it was asked for.
    pub mode: TransferMode,
    /// Where it stands.
    pub state: TransferState,
    /// Creation, in microseconds since the epoch.
    pub created_at: u64,
    /// When it last changed, in microseconds since the epoch.
    pub updated_at: u64,
}

/// The two ways to ask for a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferMode {
    /// Posted at once.
    Single,
    /// Held first; posted, voided or expired later.
    Pending {
        /// How long it is held, in microseconds; without end when absent.
        timeout_us: Option<u64>,
    },
}

/// Where a transfer stands. Only [`Pending`](Self::Pending) can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// Held.
    Pending,
    /// Moved.
    Posted,
    /// Given back on request.
    Voided,
    /// Given back because its time ran out.
    Expired,
}

impl TransferState {
    /// The name at the surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Posted => "posted",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }
}

/// How a pending transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The money moves.
    Post,
    /// The money is given back.
    Void,
    /// The money is given back because the time-out passed; only the engine's own clock asks for it.
    Expire,
}

impl Settlement {
    /// The state it leads to.
    pub const fn state(self) -> TransferState {
        match self {
            Self::Post => TransferState::Posted,
            Self::Void => TransferState::Voided,
            Self::Expire => TransferState::Expired,
        }
    }
}
