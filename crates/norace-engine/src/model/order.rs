//! Orders, their states and the legal moves between them.

use norace::sync::States;

use super::{Amount, Id, Metadata, Reason};

/// A payment from payer to payee on its way through its life cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub id: Id,
    /// The account that pays.
    pub payer: Id,
    /// The account that is paid.
    pub payee: Id,
    /// How much.
    pub amount: Amount,
    /// What the client attached.
    pub metadata: Metadata,
    /// Where it stands.
    pub state: OrderState,
    /// 1 at creation, one more with each move.
    pub version: u64,
    /// The reason given with the last move.
    pub reason: Option<Reason>,
    /// Creation, in microseconds since the epoch.
    pub created_at: u64,
    /// The last move, in microseconds since the epoch.
    pub updated_at: u64,
}

norace::states! {
    /// The states of an order. `confirmed`, `failed` and `cancelled` are final.
    ///
    /// This is the whole transition table: as [`States`] it says which state may follow which.
    #[derive(PartialOrd, Ord)]
    #[repr(u8)]
    pub enum OrderState {
        /// Created; no money is touched.
        Pending => [Processing, Failed, Cancelled],
        /// The payer's funds are reserved.
        Processing => [Confirmed, Failed, Cancelled],
        /// The money moved.
        Confirmed => [],
        /// It ended without money moved.
        Failed => [],
        /// It was called off without money moved.
        Cancelled => [],
    }
}

impl OrderState {
    /// All states, in the order of their life.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Processing, Self::Confirmed, Self::Failed, Self::Cancelled];

    /// The name at the surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// True when no move leads out of it.
    pub const fn is_final(self) -> bool {
        Self::TRANSITIONS.is_final(self as usize)
    }

    /// Where `action` leads from here; `None` when the move is illegal.
    pub const fn after(self, action: Action) -> Option<Self> {
        let to = action.leads_to();
        if Self::TRANSITIONS.allows(self as usize, to as usize) { Some(to) } else { None }
    }
}

/// What can be asked of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// Reserve the funds and start.
    Process,
    /// Move the reserved funds and end well.
    Confirm,
    /// Give reserved funds back and end badly.
    Fail,
    /// Give reserved funds back and call it off.
    Cancel,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 4] = [Self::Process, Self::Confirm, Self::Fail, Self::Cancel];

    /// The name at the surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Confirm => "confirm",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
        }
    }

    /// The state it leads to, from wherever it may.
    pub const fn leads_to(self) -> OrderState {
        match self {
            Self::Process => OrderState::Processing,
            Self::Confirm => OrderState::Confirmed,
            Self::Fail => OrderState::Failed,
            Self::Cancel => OrderState::Cancelled,
        }
    }

    /// The action of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

/// Who moves an order on, fixed when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Handling {
    /// The engine itself, in the step that creates the order.
    Ledger,
    /// Clients; never picked up by the engine, not even after a restart under another processor.
    Manual,
    /// A [`Processor`](crate::Processor); picked up again after a restart.
    Async,
}

/// One durable move of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The journal position of the record that holds the move.
    pub sequence: u64,
    /// The order.
    pub order: Id,
    /// The state before; absent at creation.
    pub from: Option<OrderState>,
    /// The state after.
    pub to: OrderState,
    /// The order's version after the move.
    pub version: u64,
    /// When, in microseconds since the epoch.
    pub at: u64,
    /// The reason given with the move.
    pub reason: Option<Reason>,
}
