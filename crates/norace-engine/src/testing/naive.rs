//! The rules a second time, as slowly and plainly as possible.
//!
//! There are no balances here: every figure is counted anew over all transfers and orders whenever it is asked for, so
//! nothing can drift. Written from the contract and not from the state machine.

use crate::model::{
    AMOUNT_MAX, Account, Action, CallKind, Command, Id, IdempotencyKey, NewId, OrderState, Reason,
    Rejection, Request, Settlement, TransferMode, TransferState,
};

#[derive(Debug)]
pub(crate) struct NaiveAccount {
    id: Id,
    ledger: Id,
    allow_overdraft: bool,
}

#[derive(Debug)]
pub(crate) struct NaiveTransfer {
    pub(crate) id: Id,
    from: Id,
    to: Id,
    amount: u64,
    pub(crate) state: TransferState,
    deadline: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct NaiveOrder {
    pub(crate) id: Id,
    payer: Id,
    payee: Id,
    amount: u64,
    pub(crate) state: OrderState,
    pub(crate) version: u64,
    pub(crate) reason: Option<Reason>,
}

#[derive(Debug, Default)]
pub(crate) struct Naive {
    pub(crate) accounts: Vec<NaiveAccount>,
    pub(crate) transfers: Vec<NaiveTransfer>,
    pub(crate) orders: Vec<NaiveOrder>,
    /// What was accepted, with the id of the object it made or moved.
    accepted: Vec<(CallKind, Option<IdempotencyKey>, Command, Id)>,
    now: u64,
}

/// The id of the object concerned, and whether something happened.
pub(crate) type Verdict = Result<(Id, bool), Rejection>;

impl Naive {
    pub(crate) fn apply(&mut self, request: &Request, now: u64) -> Verdict {
        let (command, key) = (&request.command, &request.key);
        self.exists(command)?;
        if let Some(verdict) = self.repeat(command, key.as_ref()) {
            return verdict.map(|id| (id, false));
        }
        let now = now.max(self.now);
        let id = self.change(command, now)?;
        self.now = now;
        self.accepted.push((command.kind(), key.clone(), command.clone(), id.clone()));
        Ok((id, true))
    }

    fn exists(&self, command: &Command) -> Result<(), Rejection> {
        let found = match command {
            Command::SettleTransfer { transfer, .. } => {
                self.transfers.iter().any(|t| t.id == *transfer)
            }
            Command::MoveOrder { order, .. } => self.orders.iter().any(|o| o.id == *order),
            _ => true,
        };
        if found { Ok(()) } else { Err(Rejection::NotFound) }
    }

    /// Some(Ok) for a repeat, Some(Err) for a conflict, None for something new.
    fn repeat(
        &self,
        command: &Command,
        key: Option<&IdempotencyKey>,
    ) -> Option<Result<Id, Rejection>> {
        let kind = command.kind();
        let by_key =
            self.accepted.iter().find(|(_, used, ..)| key.is_some() && used.as_ref() == key);
        if let Some((first_kind, _, first, object)) = by_key {
            let same = *first_kind == kind && same_request(first, command, object);
            return Some(if same {
                Ok(object.clone())
            } else {
                Err(Rejection::IdempotencyConflict)
            });
        }
        let new = new_id(command)?;
        let (_, _, first, object) =
            self.accepted.iter().find(|(k, _, _, object)| *k == kind && object == new.id())?;
        let conflict = match kind {
            CallKind::CreateAccount => Rejection::AccountExistsDifferently,
            _ => Rejection::IdempotencyConflict,
        };
        let named = with_id(first, NewId::Given(object.clone()));
        Some(if named == *command { Ok(object.clone()) } else { Err(conflict) })
    }

    fn change(&mut self, command: &Command, now: u64) -> Result<Id, Rejection> {
        match command.clone() {
            Command::CreateAccount { id, ledger, allow_overdraft } => {
                let id = id.id().clone();
                self.accounts.push(NaiveAccount { id: id.clone(), ledger, allow_overdraft });
                Ok(id)
            }
            Command::CreateTransfer { id, from, to, amount, mode } => {
                self.pair(&from, &to)?;
                self.funds(&from, &to, amount.get())?;
                let (state, deadline) = match mode {
                    TransferMode::Single => (TransferState::Posted, None),
                    TransferMode::Pending { timeout_us } => {
                        (TransferState::Pending, timeout_us.map(|t| now + t))
                    }
                };
                let (id, amount) = (id.id().clone(), amount.get());
                self.transfers.push(NaiveTransfer {
                    id: id.clone(),
                    from,
                    to,
                    amount,
                    state,
                    deadline,
                });
                Ok(id)
            }
            Command::SettleTransfer { transfer, settlement } => {
                let found = self.transfers.iter_mut().find(|t| t.id == transfer).unwrap();
                let due = found.deadline.is_some_and(|d| now >= d);
                found.state = match (found.state, settlement, due) {
                    (TransferState::Pending, Settlement::Post, false) => TransferState::Posted,
                    (TransferState::Pending, Settlement::Void, false) => TransferState::Voided,
                    (TransferState::Pending, Settlement::Expire, true) => TransferState::Expired,
                    (TransferState::Pending, Settlement::Expire, false) => {
                        return Err(Rejection::TransferNotDue);
                    }
                    (TransferState::Pending, _, true) => {
                        return Err(Rejection::TransferSettled { state: TransferState::Expired });
                    }
                    (state, ..) => return Err(Rejection::TransferSettled { state }),
                };
                Ok(transfer)
            }
            Command::CreateOrder { id, payer, payee, amount, .. } => {
                self.pair(&payer, &payee)?;
                let (id, amount) = (id.id().clone(), amount.get());
                let (state, version, reason) = (OrderState::Pending, 1, None);
                self.orders.push(NaiveOrder {
                    id: id.clone(),
                    payer,
                    payee,
                    amount,
                    state,
                    version,
                    reason,
                });
                Ok(id)
            }
            Command::MoveOrder { order, action, reason, expected_version } => {
                self.move_order(&order, action, reason, expected_version)?;
                Ok(order)
            }
        }
    }

    fn move_order(
        &mut self,
        id: &Id,
        action: Action,
        reason: Option<Reason>,
        expected_version: Option<u64>,
    ) -> Result<(), Rejection> {
        let at = self.orders.iter().position(|o| o.id == *id).unwrap();
        let (state, version) = (self.orders[at].state, self.orders[at].version);
        if expected_version.is_some_and(|expected| expected != version) {
            return Err(Rejection::StaleVersion { current_version: version });
        }
        let to = match (state.as_str(), action.as_str()) {
            ("pending", "process") => OrderState::Processing,
            ("processing", "confirm") => OrderState::Confirmed,
            ("pending" | "processing", "fail") => OrderState::Failed,
            ("pending" | "processing", "cancel") => OrderState::Cancelled,
            _ => return Err(Rejection::IllegalTransition { state }),
        };
        if to == OrderState::Processing {
            let order = &self.orders[at];
            self.funds(&order.payer, &order.payee, order.amount)?;
        }
        let order = &mut self.orders[at];
        (order.state, order.version, order.reason) = (to, version + 1, reason);
        Ok(())
    }

    fn pair(&self, from: &Id, to: &Id) -> Result<(), Rejection> {
        let find = |id: &Id| self.accounts.iter().find(|a| a.id == *id);
        match (find(from), find(to)) {
            (Some(a), Some(b)) if a.id == b.id => Err(Rejection::SameAccount),
            (Some(a), Some(b)) if a.ledger != b.ledger => Err(Rejection::LedgerMismatch),
            (Some(_), Some(_)) => Ok(()),
            _ => Err(Rejection::UnknownAccount),
        }
    }

    fn funds(&self, from: &Id, to: &Id, amount: u64) -> Result<(), Rejection> {
        let (payer, payee) = (self.account(from), self.account(to));
        if !payer.allow_overdraft && payer.available() < i64::try_from(amount).unwrap() {
            return Err(Rejection::InsufficientFunds);
        }
        if payer.debits_pending + payer.debits_posted + amount > AMOUNT_MAX
            || payee.credits_pending + payee.credits_posted + amount > AMOUNT_MAX
        {
            return Err(Rejection::Overflow);
        }
        Ok(())
    }

    /// An account, its totals counted over everything that ever happened.
    pub(crate) fn account(&self, id: &Id) -> Account {
        let account = self.accounts.iter().find(|a| a.id == *id).unwrap();
        let transfers = self.transfers.iter().map(|t| {
            let pending = t.state == TransferState::Pending;
            (&t.from, &t.to, t.amount, pending, t.state == TransferState::Posted)
        });
        let orders = self.orders.iter().map(|o| {
            let pending = o.state == OrderState::Processing;
            (&o.payer, &o.payee, o.amount, pending, o.state == OrderState::Confirmed)
        });
        let movements: Vec<_> = transfers.chain(orders).collect();
        let sum = |debit: bool, pending: bool| {
            let of = movements.iter().filter(|(from, to, _, held, posted)| {
                (if debit { *from } else { *to }) == id && if pending { *held } else { *posted }
            });
            of.map(|(_, _, amount, ..)| amount).sum()
        };
        Account {
            id: id.clone(),
            ledger: account.ledger.clone(),
            allow_overdraft: account.allow_overdraft,
            debits_pending: sum(true, true),
            debits_posted: sum(true, false),
            credits_pending: sum(false, true),
            credits_posted: sum(false, false),
        }
    }

    pub(crate) fn account_ids(&self) -> impl Iterator<Item = &Id> {
        self.accounts.iter().map(|account| &account.id)
    }
}

/// Whether `retry` asks for what `first` asked for, which concerned `object`.
fn same_request(first: &Command, retry: &Command, object: &Id) -> bool {
    match (new_id(first), new_id(retry)) {
        (Some(NewId::Made(_)), Some(NewId::Made(made))) => {
            with_id(first, NewId::Made(made.clone())) == *retry
        }
        (Some(NewId::Made(_)), Some(NewId::Given(_))) => {
            with_id(first, NewId::Given(object.clone())) == *retry
        }
        _ => first == retry,
    }
}

fn new_id(command: &Command) -> Option<&NewId> {
    match command {
        Command::CreateAccount { id, .. }
        | Command::CreateTransfer { id, .. }
        | Command::CreateOrder { id, .. } => Some(id),
        _ => None,
    }
}

fn with_id(command: &Command, new: NewId) -> Command {
    let mut command = command.clone();
    match &mut command {
        Command::CreateAccount { id, .. }
        | Command::CreateTransfer { id, .. }
        | Command::CreateOrder { id, .. } => *id = new,
        _ => {}
    }
    command
}
