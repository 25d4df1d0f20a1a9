//! What can be asked of the engine, and how it can refuse.

use std::fmt;

use super::{
    Account, Action, Amount, CallKind, Id, IdempotencyKey, Metadata, NewId, Order, OrderState,
    Reason, Settlement, Transfer, TransferMode, TransferState,
};

/// A change asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Opens an account.
    CreateAccount {
        /// Its name.
        id: NewId,
        /// Its currency or book.
        ledger: Id,
        /// Whether its available balance may go below 0.
        allow_overdraft: bool,
    },
    /// Moves money at once, or holds it to be moved later.
    CreateTransfer {
        /// Its name.
        id: NewId,
        /// The account to debit.
        from: Id,
        /// The account to credit.
        to: Id,
        /// How much.
        amount: Amount,
        /// At once, or held.
        mode: TransferMode,
    },
    /// Ends a pending transfer.
    SettleTransfer {
        /// Which one.
        transfer: Id,
        /// How.
        settlement: Settlement,
    },
    /// Creates an order in `pending`.
    CreateOrder {
        /// Its name.
        id: NewId,
        /// The account that pays.
        payer: Id,
        /// The account that is paid.
        payee: Id,
        /// How much.
        amount: Amount,
        /// What the client attaches.
        metadata: Metadata,
    },
    /// Moves an order along the transition table.
    MoveOrder {
        /// Which one.
        order: Id,
        /// The move.
        action: Action,
        /// Why.
        reason: Option<Reason>,
        /// The version the caller has seen; another current version refuses the move.
        expected_version: Option<u64>,
    },
}

impl Command {
    /// The name space of this command's idempotency key.
    pub fn kind(&self) -> CallKind {
        match self {
            Self::CreateAccount { .. } => CallKind::CreateAccount,
            Self::CreateTransfer { .. } => CallKind::CreateTransfer,
            Self::SettleTransfer { .. } => CallKind::SettleTransfer,
            Self::CreateOrder { .. } => CallKind::CreateOrder,
            Self::MoveOrder { action: Action::Process, .. } => CallKind::Process,
            Self::MoveOrder { action: Action::Confirm, .. } => CallKind::Confirm,
            Self::MoveOrder { action: Action::Fail, .. } => CallKind::Fail,
            Self::MoveOrder { action: Action::Cancel, .. } => CallKind::Cancel,
        }
    }
}

/// A command and the key under which retries of it are recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The change asked for.
    pub command: Command,
    /// The client's name for this request, if it gave one.
    pub key: Option<IdempotencyKey>,
}

impl Request {
    /// A request without a key.
    pub fn new(command: Command) -> Self {
        Self { command, key: None }
    }
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self::new(command)
    }
}

/// What a successful command answers: the object as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// An account.
    Account {
        /// The account.
        account: Account,
        /// False when this was a repeat.
        created: bool,
    },
    /// A transfer.
    Transfer {
        /// The transfer.
        transfer: Transfer,
        /// False when this was a repeat.
        created: bool,
    },
    /// An order, created or moved.
    Order {
        /// The order.
        order: Order,
        /// False when this was a repeat: nothing happened this time.
        created: bool,
    },
}

/// Why a command or a query was refused. A refused command leaves no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The object named does not exist.
    NotFound,
    /// The id or key was used before, with other content.
    IdempotencyConflict,
    /// The account exists with another ledger or overdraft setting.
    AccountExistsDifferently,
    /// The order has another version than the caller expected.
    StaleVersion {
        /// The version it has.
        current_version: u64,
    },
    /// No such move leads out of the order's state.
    IllegalTransition {
        /// The state it is in.
        state: OrderState,
    },
    /// The transfer is no longer pending.
    TransferSettled {
        /// The state it is in.
        state: TransferState,
    },
    /// The transfer's time has not run out yet.
    TransferNotDue,
    /// An account named in the content does not exist.
    UnknownAccount,
    /// Both sides are one account.
    SameAccount,
    /// The two accounts are in different ledgers.
    LedgerMismatch,
    /// The available balance is too small.
    InsufficientFunds,
    /// A total would pass the largest amount.
    Overflow,
}

impl Rejection {
    /// The stable code at the surface.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::IdempotencyConflict => "idempotency-conflict",
            Self::AccountExistsDifferently => "account-exists-differently",
            Self::StaleVersion { .. } => "stale-version",
            Self::IllegalTransition { .. }
            | Self::TransferSettled { .. }
            | Self::TransferNotDue => "illegal-transition",
            Self::UnknownAccount => "unknown-account",
            Self::SameAccount => "same-account",
            Self::LedgerMismatch => "ledger-mismatch",
            Self::InsufficientFunds => "insufficient-funds",
            Self::Overflow => "overflow",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such object"),
            Self::IdempotencyConflict => {
                f.write_str("this id or idempotency key was used before with other content")
            }
            Self::AccountExistsDifferently => {
                f.write_str("an account of this id exists with another ledger or overdraft setting")
            }
            Self::StaleVersion { current_version } => {
                write!(f, "the order has version {current_version} by now")
            }
            Self::IllegalTransition { state } => {
                write!(f, "no such move leads out of state {}", state.as_str())
            }
            Self::TransferSettled { state } => {
                write!(f, "the transfer is already {}", state.as_str())
            }
            Self::TransferNotDue => f.write_str("the transfer's time has not run out yet"),
            Self::UnknownAccount => f.write_str("an account named here does not exist"),
            Self::SameAccount => f.write_str("payer and payee are the same account"),
            Self::LedgerMismatch => f.write_str("the two accounts are in different ledgers"),
            Self::InsufficientFunds => f.write_str("the available balance is too small"),
            Self::Overflow => f.write_str("a total would pass 2^53 - 1 minor units"),
        }
    }
}

impl std::error::Error for Rejection {}
