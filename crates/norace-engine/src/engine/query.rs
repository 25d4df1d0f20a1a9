//! What can be read from the engine.

use crate::model::{Account, Cursor, Id, Order, OrderPage, OrderState, Transfer};

/// The most objects one page of a list holds.
pub const PAGE_LIMIT_MAX: usize = 1000;

/// A read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// One account.
    Account(Id),
    /// One transfer.
    Transfer(Id),
    /// One order.
    Order(Id),
    /// Orders in creation order.
    Orders {
        /// Only those in this state.
        state: Option<OrderState>,
        /// At most this many; cut to 1..=[`PAGE_LIMIT_MAX`].
        limit: usize,
        /// Where the page before ended.
        cursor: Option<Cursor>,
    },
    /// The engine's own figures.
    Stats,
}

/// What a query answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An account.
    Account(Account),
    /// A transfer.
    Transfer(Transfer),
    /// An order.
    Order(Order),
    /// A page of orders.
    Orders(OrderPage),
    /// Figures.
    Stats(Box<Stats>),
}

/// The engine's own figures at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The last journal position decided.
    pub sequence: u64,
    /// The last journal position known to be durable when the figures were taken.
    pub durable_sequence: u64,
    /// Accounts.
    pub accounts: u64,
    /// Transfers asked for by name; the legs of orders are not among them.
    pub transfers: u64,
    /// Orders by state, in the order of [`OrderState::ALL`].
    pub orders: [u64; 5],
    /// Idempotency keys remembered.
    pub keys: u64,
    /// Settled debits over all ledgers; equal to settled credits.
    pub debits_posted: u128,
    /// Reserved debits over all ledgers; equal to announced credits.
    pub debits_pending: u128,
    /// Messages waiting for the core.
    pub queue_depth: u64,
    /// The bound on them.
    pub queue_depth_max: u64,
    /// Callers waiting for an order to become final.
    pub waiters: u64,
    /// Orders with an asynchronous processor now.
    pub processing_now: u64,
    /// Orders whose processing gave no definite result within all its attempts: they need a person.
    pub flagged: u64,
    /// The first of them.
    pub flagged_orders: Vec<Id>,
    /// Frames appended since the start.
    pub frames: u64,
    /// Records appended since the start.
    pub records: u64,
    /// Append-and-sync times since the start.
    pub append_latency: LatencySummary,
}

/// A distribution in powers of two: each figure is the upper edge of the bucket it falls into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencySummary {
    /// Samples.
    pub count: u64,
    /// Their sum, in microseconds.
    pub sum_us: u64,
    /// The median.
    pub p50_us: u64,
    /// The 99th percentile.
    pub p99_us: u64,
    /// The largest.
    pub max_us: u64,
}
