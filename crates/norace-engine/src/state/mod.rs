//! The rules: a pure function from a state and an input to the next state.
//!
//! [`State::apply`] is total and deterministic: it reads no clock and no randomness, does no I/O, and answers every
//! input with a change, a repeat or a rejection. It panics only when an invariant of its own is broken. The order of
//! its checks is part of the contract: the object exists, the request is a repeat, the version, the transition, then
//! content and funds. All checks come before the first change, so a refused input leaves no trace.
//!
//! **Invariants:** the sequence rises by one with each change; an order's version rises by one with each of its moves
//! and its state follows [`OrderState::after`]; in every ledger debits equal credits, pending and posted.

mod accounts;
mod chunks;
mod encode;
mod index;
mod keys;
mod orders;
mod table;
mod transfers;

#[cfg(test)]
mod tests;

use crate::model::{
    Account, Action, Amount, Command, Cursor, Handling, Id, IdempotencyKey, Metadata, NewId, Order,
    OrderEvent, OrderPage, OrderState, Reason, Rejection, Settlement, Transfer, TransferMode,
    TransferState,
};
use accounts::Accounts;
pub use accounts::{LedgerTotals, Leg, LegKind, SideTotals};
use keys::{KeyContent, KeyUse, Keys, MoveContent};
use orders::{NewOrder, OrderSlot, Orders};
use transfers::{TransferSlot, Transfers};

/// A command with everything its outcome depends on besides the state.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The time of the decision; one before the last decision's counts as that.
    pub now: u64,
    /// The change asked for.
    pub command: &'a Command,
    /// The client's name for the request.
    pub key: Option<&'a IdempotencyKey>,
    /// Who moves an order created now.
    pub handling: Handling,
}

/// What an accepted input did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing: it had been done before, to this object.
    Repeat(Subject),
    /// One change.
    Changed(Change),
}

impl Applied {
    /// The object concerned.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Repeat(subject) => *subject,
            Self::Changed(change) => change.subject,
        }
    }
}

/// An object, by its place in creation order among its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An account.
    Account(u32),
    /// A transfer.
    Transfer(u32),
    /// An order.
    Order(u32),
}

/// The whole effect of one decision, as it is journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The decision's place in the journal.
    pub sequence: u64,
    /// When it was taken.
    pub now: u64,
    /// What it was about.
    pub subject: Subject,
    /// The object's version after it.
    pub version: u64,
    /// The move of an order.
    pub order: Option<OrderStep>,
    /// The movement of money.
    pub leg: Option<Leg>,
}

impl Change {
    /// The event of an order's move, when `command` led to this.
    pub(crate) fn event(&self, command: &Command) -> Option<OrderEvent> {
        let step = self.order?;
        let (order, reason) = match command {
            Command::CreateOrder { id, .. } => (id.id(), None),
            Command::MoveOrder { order, reason, .. } => (order, reason.clone()),
            _ => return None,
        };
        Some(OrderEvent {
            sequence: self.sequence,
            order: order.clone(),
            from: step.from,
            to: step.to,
            version: self.version,
            at: self.now,
            reason,
        })
    }
}

/// The move of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderStep {
    /// The state before; absent at creation.
    pub from: Option<OrderState>,
    /// The state after.
    pub to: OrderState,
}

/// All money and order state.
#[derive(Debug)]
pub struct State {
    sequence: u64,
    now: u64,
    accounts: Accounts,
    transfers: Transfers,
    orders: Orders,
    keys: Keys,
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// The state before the first decision.
    pub fn new() -> Self {
        Self {
            sequence: 0,
            now: 0,
            accounts: Accounts::new(),
            transfers: Transfers::new(),
            orders: Orders::new(),
            keys: Keys::new(),
        }
    }

    /// The number of decisions so far.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The time of the last decision.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Decides `input` and carries the decision out.
    ///
    /// # Errors
    ///
    /// When the rules refuse it; then the state is as it was.
    ///
    /// # Panics
    ///
    /// When the state breaks an invariant.
    pub fn apply(&mut self, input: &Input<'_>) -> Result<Applied, Rejection> {
        match input.command {
            Command::CreateAccount { id, ledger, allow_overdraft } => {
                self.create_account(input, id, ledger, *allow_overdraft)
            }
            Command::CreateTransfer { id, from, to, amount, mode } => {
                self.create_transfer(input, id, (from, to), *amount, *mode)
            }
            Command::SettleTransfer { transfer, settlement } => {
                self.settle_transfer(input, transfer, *settlement)
            }
            Command::CreateOrder { id, payer, payee, amount, metadata } => {
                self.create_order(input, id, (payer, payee), *amount, metadata)
            }
            Command::MoveOrder { order, action, reason, expected_version } => {
                self.move_order(input, order, *action, reason.as_ref(), *expected_version)
            }
        }
    }

    fn create_account(
        &mut self,
        input: &Input<'_>,
        id: &NewId,
        ledger: &Id,
        allow_overdraft: bool,
    ) -> Result<Applied, Rejection> {
        let same = |state: &Self, at| state.accounts.is_same(at, ledger, allow_overdraft);
        if let Some(used) = self.key_use(input)? {
            let slot = self.accounts.slot(used.subject);
            let is_repeat = is_same_id(id, &slot.id, slot.made) && same(self, used.subject);
            return repeat_or(is_repeat, Subject::Account(used.subject))
                .ok_or(Rejection::IdempotencyConflict);
        }
        if let Some(at) = self.accounts.find(id.id()) {
            return repeat_or(id.is_given() && same(self, at), Subject::Account(at))
                .ok_or(Rejection::AccountExistsDifferently);
        }
        has_room(self.accounts.len())?;
        let at = self.accounts.open(id, ledger, allow_overdraft);
        self.keys.remember(input.command.kind(), input.key, at, || KeyContent::Creation);
        Ok(self.changed(input, Subject::Account(at), 1, None, None))
    }

    fn create_transfer(
        &mut self,
        input: &Input<'_>,
        id: &NewId,
        (from, to): (&Id, &Id),
        amount: Amount,
        mode: TransferMode,
    ) -> Result<Applied, Rejection> {
        let same = |state: &Self, slot: &TransferSlot| {
            slot.amount == amount
                && slot.mode == mode
                && state.accounts.slot(slot.from).id == *from
                && state.accounts.slot(slot.to).id == *to
        };
        if let Some(used) = self.key_use(input)? {
            let slot = self.transfers.slot(used.subject);
            let is_repeat = is_same_id(id, &slot.id, slot.made) && same(self, slot);
            return repeat_or(is_repeat, Subject::Transfer(used.subject))
                .ok_or(Rejection::IdempotencyConflict);
        }
        if let Some(at) = self.transfers.find(id.id()) {
            let is_repeat = id.is_given() && same(self, self.transfers.slot(at));
            return repeat_or(is_repeat, Subject::Transfer(at))
                .ok_or(Rejection::IdempotencyConflict);
        }
        let (from, to) = self.accounts.pair(from, to)?;
        let kind = match mode {
            TransferMode::Single => LegKind::Post,
            TransferMode::Pending { .. } => LegKind::Reserve,
        };
        let leg = Leg { kind, debit: from, credit: to, amount: amount.get() };
        self.accounts.check(&leg)?;
        has_room(self.transfers.len())?;
        let now = self.decision_time(input);
        let at = self.transfers.add(id, (from, to), amount, mode, now);
        self.keys.remember(input.command.kind(), input.key, at, || KeyContent::Creation);
        Ok(self.changed(input, Subject::Transfer(at), 1, None, Some(leg)))
    }

    fn settle_transfer(
        &mut self,
        input: &Input<'_>,
        transfer: &Id,
        settlement: Settlement,
    ) -> Result<Applied, Rejection> {
        let at = self.transfers.find(transfer).ok_or(Rejection::NotFound)?;
        if let Some(used) = self.key_use(input)? {
            let is_repeat =
                used.subject == at && used.content == KeyContent::Settlement(settlement);
            return repeat_or(is_repeat, Subject::Transfer(at))
                .ok_or(Rejection::IdempotencyConflict);
        }
        let slot = self.transfers.slot(at);
        if slot.state != TransferState::Pending {
            return Err(Rejection::TransferSettled { state: slot.state });
        }
        let is_due = slot.deadline().is_some_and(|deadline| deadline <= self.decision_time(input));
        match settlement {
            Settlement::Expire if !is_due => return Err(Rejection::TransferNotDue),
            Settlement::Post | Settlement::Void if is_due => {
                return Err(Rejection::TransferSettled { state: TransferState::Expired });
            }
            _ => {}
        }
        let leg = slot.settling_leg(settlement);
        self.accounts.check(&leg)?;
        self.transfers.settle(at, settlement, self.now.max(input.now));
        self.keys
            .remember(input.command.kind(), input.key, at, || KeyContent::Settlement(settlement));
        Ok(self.changed(input, Subject::Transfer(at), 2, None, Some(leg)))
    }

    fn create_order(
        &mut self,
        input: &Input<'_>,
        id: &NewId,
        (payer, payee): (&Id, &Id),
        amount: Amount,
        metadata: &Metadata,
    ) -> Result<Applied, Rejection> {
        let same = |state: &Self, slot: &OrderSlot| {
            slot.amount == amount
                && slot.metadata == *metadata
                && state.accounts.slot(slot.payer).id == *payer
                && state.accounts.slot(slot.payee).id == *payee
        };
        if let Some(used) = self.key_use(input)? {
            let slot = self.orders.slot(used.subject);
            let is_repeat = is_same_id(id, &slot.id, slot.made) && same(self, slot);
            return repeat_or(is_repeat, Subject::Order(used.subject))
                .ok_or(Rejection::IdempotencyConflict);
        }
        if let Some(at) = self.orders.find(id.id()) {
            let is_repeat = id.is_given() && same(self, self.orders.slot(at));
            return repeat_or(is_repeat, Subject::Order(at)).ok_or(Rejection::IdempotencyConflict);
        }
        let (payer, payee) = self.accounts.pair(payer, payee)?;
        has_room(self.orders.len())?;
        let (now, handling) = (self.decision_time(input), input.handling);
        let at = self.orders.add(&NewOrder { id, payer, payee, amount, metadata, handling, now });
        self.keys.remember(input.command.kind(), input.key, at, || KeyContent::Creation);
        let step = OrderStep { from: None, to: OrderState::Pending };
        Ok(self.changed(input, Subject::Order(at), 1, Some(step), None))
    }

    fn move_order(
        &mut self,
        input: &Input<'_>,
        order: &Id,
        action: Action,
        reason: Option<&Reason>,
        expected_version: Option<u64>,
    ) -> Result<Applied, Rejection> {
        let at = self.orders.find(order).ok_or(Rejection::NotFound)?;
        if let Some(used) = self.key_use(input)? {
            let KeyContent::Move(content) = &used.content else {
                unreachable!("a key of a move remembers a move");
            };
            let is_repeat = used.subject == at
                && content.reason.as_ref() == reason
                && content.expected_version == expected_version;
            return repeat_or(is_repeat, Subject::Order(at)).ok_or(Rejection::IdempotencyConflict);
        }
        let slot = self.orders.slot(at);
        let current_version = u64::from(slot.version);
        if expected_version.is_some_and(|expected| expected != current_version) {
            return Err(Rejection::StaleVersion { current_version });
        }
        let from = slot.state;
        let to = from.after(action).ok_or(Rejection::IllegalTransition { state: from })?;
        let leg = slot.leg(action);
        if let Some(leg) = &leg {
            self.accounts.check(leg)?;
        }
        let version = self.orders.step(at, to, reason, self.now.max(input.now));
        self.keys.remember(input.command.kind(), input.key, at, || {
            KeyContent::Move(Box::new(MoveContent { reason: reason.cloned(), expected_version }))
        });
        let step = OrderStep { from: Some(from), to };
        Ok(self.changed(input, Subject::Order(at), u64::from(version), Some(step), leg))
    }

    /// What this input's key was used for before, which must have been a call of the same kind.
    fn key_use(&self, input: &Input<'_>) -> Result<Option<&KeyUse>, Rejection> {
        let Some(key) = input.key else { return Ok(None) };
        match self.keys.find(key) {
            Some(used) if used.kind != input.command.kind() => Err(Rejection::IdempotencyConflict),
            Some(used) => Ok(Some(used)),
            None => has_room(self.keys.len()).map(|()| None),
        }
    }

    fn decision_time(&self, input: &Input<'_>) -> u64 {
        self.now.max(input.now)
    }

    /// Books the money, takes the next sequence, and describes what happened.
    fn changed(
        &mut self,
        input: &Input<'_>,
        subject: Subject,
        version: u64,
        order: Option<OrderStep>,
        leg: Option<Leg>,
    ) -> Applied {
        if let Some(leg) = &leg {
            self.accounts.book(leg);
        }
        self.sequence += 1;
        self.now = self.decision_time(input);
        let (sequence, now) = (self.sequence, self.now);
        Applied::Changed(Change { sequence, now, subject, version, order, leg })
    }
}

/// Reading.
impl State {
    /// The ordinal of an account.
    pub fn find_account(&self, id: &Id) -> Option<u32> {
        self.accounts.find(id)
    }

    /// The ordinal of a transfer.
    pub fn find_transfer(&self, id: &Id) -> Option<u32> {
        self.transfers.find(id)
    }

    /// The ordinal of an order.
    pub fn find_order(&self, id: &Id) -> Option<u32> {
        self.orders.find(id)
    }

    /// An account as callers see it.
    pub fn account(&self, at: u32) -> Account {
        self.accounts.view(at)
    }

    /// An account's name.
    pub fn account_id(&self, at: u32) -> &Id {
        &self.accounts.slot(at).id
    }

    /// A transfer as callers see it.
    pub fn transfer(&self, at: u32) -> Transfer {
        let slot = self.transfers.slot(at);
        Transfer {
            id: slot.id.clone(),
            from: self.account_id(slot.from).clone(),
            to: self.account_id(slot.to).clone(),
            amount: slot.amount,
            mode: slot.mode,
            state: slot.state,
            created_at: slot.created_at,
            updated_at: slot.updated_at,
        }
    }

    /// An order as callers see it.
    pub fn order(&self, at: u32) -> Order {
        let slot = self.orders.slot(at);
        Order {
            id: slot.id.clone(),
            payer: self.account_id(slot.payer).clone(),
            payee: self.account_id(slot.payee).clone(),
            amount: slot.amount,
            metadata: slot.metadata.clone(),
            state: slot.state,
            version: u64::from(slot.version),
            reason: slot.reason.clone(),
            created_at: slot.created_at,
            updated_at: slot.updated_at,
        }
    }

    /// An order's name.
    pub fn order_id(&self, at: u32) -> &Id {
        &self.orders.slot(at).id
    }

    /// An order's state.
    pub fn order_state(&self, at: u32) -> OrderState {
        self.orders.slot(at).state
    }

    /// Who moves an order.
    pub fn order_handling(&self, at: u32) -> Handling {
        self.orders.slot(at).handling
    }

    /// The reason of an order's last move.
    pub fn order_reason(&self, at: u32) -> Option<&Reason> {
        self.orders.slot(at).reason.as_ref()
    }

    /// The first order at or after `from` in creation order, in `state` if one is given.
    pub fn next_order(&self, state: Option<OrderState>, from: u32) -> Option<u32> {
        self.orders.next(state, from)
    }

    /// A page of at most `limit` orders in creation order. The work is bounded by `limit`.
    pub fn orders_page(
        &self,
        state: Option<OrderState>,
        limit: usize,
        cursor: Option<Cursor>,
    ) -> OrderPage {
        let mut page = OrderPage::default();
        let mut next = self.orders.next(state, cursor.map_or(0, |Cursor(at)| at));
        while let Some(at) = next {
            if page.items.len() == limit {
                page.next_cursor = Some(Cursor(at));
                break;
            }
            page.items.push(self.order(at));
            next = at.checked_add(1).and_then(|from| self.orders.next(state, from));
        }
        page
    }

    /// How many orders are in `state`.
    pub fn count_orders(&self, state: OrderState) -> u64 {
        self.orders.count(state)
    }

    /// How many accounts, named transfers and idempotency keys there are.
    pub fn counts(&self) -> Counts {
        Counts {
            accounts: u64::from(self.accounts.len()),
            transfers: u64::from(self.transfers.len()),
            orders: u64::from(self.orders.len()),
            keys: u64::from(self.keys.len()),
        }
    }

    /// The ledgers and their running totals.
    pub fn ledgers(&self) -> impl Iterator<Item = (&Id, LedgerTotals)> {
        self.accounts.ledgers().iter().zip(self.accounts.books().iter().copied())
    }

    /// The pending transfer whose time runs out first, and when.
    pub fn first_deadline(&self) -> Option<(u64, &Id)> {
        self.transfers.first_deadline()
    }

    /// Panics unless in every ledger debits equal credits, pending and posted. The running sums are checked always, and
    /// against a recount as long as that is cheap.
    pub fn assert_conserved(&self) {
        const RECOUNT_ACCOUNTS_MAX: u32 = 512;
        for (ledger, sums) in self.ledgers() {
            assert!(sums.debits == sums.credits, "ledger {ledger} does not balance: {sums:?}");
        }
        if self.accounts.len() <= RECOUNT_ACCOUNTS_MAX {
            assert_eq!(self.accounts.recount(), self.accounts.books(), "the running sums drifted");
        }
    }
}

/// How many objects there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accounts.
    pub accounts: u64,
    /// Transfers asked for by name.
    pub transfers: u64,
    /// Orders.
    pub orders: u64,
    /// Idempotency keys.
    pub keys: u64,
}

fn repeat_or(is_repeat: bool, subject: Subject) -> Option<Applied> {
    is_repeat.then_some(Applied::Repeat(subject))
}

/// Whether a retry names the object the way the first attempt did.
fn is_same_id(new: &NewId, id: &Id, was_made: bool) -> bool {
    match new {
        NewId::Given(given) => given == id,
        NewId::Made(_) => was_made,
    }
}

/// Ordinals are 32 bits wide; the last value is kept free.
fn has_room(len: u32) -> Result<(), Rejection> {
    if len < u32::MAX - 1 { Ok(()) } else { Err(Rejection::Overflow) }
}
