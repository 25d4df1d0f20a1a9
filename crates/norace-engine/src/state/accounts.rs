//! Accounts and the only code that moves money.
//!
//! **Invariants:** every booking changes one debit total and one credit total by the same amount, in one ledger; no
//! total passes [`AMOUNT_MAX`], reservations included; no account without overdraft has less than 0 available.

use std::collections::HashMap;

use super::chunks::Chunks;
use super::table::IdTable;
use crate::model::{AMOUNT_MAX, Account, Id, NewId, Rejection};

/// One movement of money; part of the record of the decision that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// What happens.
    pub kind: LegKind,
    /// The debited account's ordinal.
    pub debit: u32,
    /// The credited account's ordinal.
    pub credit: u32,
    /// How much.
    pub amount: u64,
}

/// What happens to the money of a [`Leg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LegKind {
    /// It moves at once.
    Post = 1,
    /// It is held.
    Reserve = 2,
    /// What was held moves.
    PostReserved = 3,
    /// What was held is given back.
    Release = 4,
}

impl LegKind {
    /// The name in a dump.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Reserve => "reserve",
            Self::PostReserved => "post-reserved",
            Self::Release => "release",
        }
    }
}

#[derive(Debug)]
pub(crate) struct AccountSlot {
    pub(crate) id: Id,
    pub(crate) ledger: u32,
    pub(crate) allow_overdraft: bool,
    pub(crate) made: bool,
    pub(crate) debits: Totals,
    pub(crate) credits: Totals,
}

/// One side of an account or a ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) pending: u64,
    pub(crate) posted: u64,
}

impl Totals {
    fn takes(self, amount: u64) -> bool {
        // Both totals are at most 2^53 - 1.
        self.pending + self.posted + amount <= AMOUNT_MAX
    }

    fn book(&mut self, kind: LegKind, amount: u64) {
        match kind {
            LegKind::Post => self.posted += amount,
            LegKind::Reserve => self.pending += amount,
            LegKind::PostReserved => {
                self.release(amount);
                self.posted += amount;
            }
            LegKind::Release => self.release(amount),
        }
    }

    fn release(&mut self, amount: u64) {
        self.pending =
            self.pending.checked_sub(amount).expect("what is given back has been reserved");
    }
}

impl AccountSlot {
    fn available(&self) -> i64 {
        self.credits.posted as i64 - self.debits.posted as i64 - self.debits.pending as i64
    }

    fn is_sound(&self) -> bool {
        let in_range = |side: Totals| side.pending + side.posted <= AMOUNT_MAX;
        in_range(self.debits)
            && in_range(self.credits)
            && (self.allow_overdraft || self.available() >= 0)
    }
}

/// What all accounts of a ledger add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerTotals {
    /// What was taken.
    pub debits: SideTotals,
    /// What was given.
    pub credits: SideTotals,
}

/// One side of [`LedgerTotals`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideTotals {
    /// Held.
    pub pending: u128,
    /// Moved.
    pub posted: u128,
}

impl SideTotals {
    fn follow(&mut self, before: Totals, after: Totals) {
        self.pending = self.pending + u128::from(after.pending) - u128::from(before.pending);
        self.posted = self.posted + u128::from(after.posted) - u128::from(before.posted);
    }
}

#[derive(Debug)]
pub(crate) struct Accounts {
    slots: Chunks<AccountSlot>,
    by_id: IdTable,
    ledgers: Vec<Id>,
    /// Running sums by ledger, fed by what booking did to the accounts, not by what it meant to do.
    books: Vec<LedgerTotals>,
    ledger_by_id: HashMap<Id, u32>,
}

impl Accounts {
    pub(crate) fn new() -> Self {
        Self {
            slots: Chunks::new(),
            by_id: IdTable::new(),
            ledgers: Vec::new(),
            books: Vec::new(),
            ledger_by_id: HashMap::new(),
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.slots.len()
    }

    pub(crate) fn find(&self, id: &Id) -> Option<u32> {
        self.by_id.find(self.by_id.hash(id), |at| self.slots[at].id == *id)
    }

    pub(crate) fn slot(&self, at: u32) -> &AccountSlot {
        &self.slots[at]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &AccountSlot> {
        self.slots.iter()
    }

    pub(crate) fn ledgers(&self) -> &[Id] {
        &self.ledgers
    }

    pub(crate) fn view(&self, at: u32) -> Account {
        let slot = &self.slots[at];
        Account {
            id: slot.id.clone(),
            ledger: self.ledgers[slot.ledger as usize].clone(),
            allow_overdraft: slot.allow_overdraft,
            debits_pending: slot.debits.pending,
            debits_posted: slot.debits.posted,
            credits_pending: slot.credits.pending,
            credits_posted: slot.credits.posted,
        }
    }

    pub(crate) fn is_same(&self, at: u32, ledger: &Id, allow_overdraft: bool) -> bool {
        let slot = &self.slots[at];
        slot.allow_overdraft == allow_overdraft && self.ledgers[slot.ledger as usize] == *ledger
    }

    /// Adds an account whose id is free.
    pub(crate) fn open(&mut self, id: &NewId, ledger: &Id, allow_overdraft: bool) -> u32 {
        let ledger = match self.ledger_by_id.get(ledger) {
            Some(at) => *at,
            None => {
                let at = u32::try_from(self.ledgers.len()).expect("fewer ledgers than accounts");
                self.ledgers.push(ledger.clone());
                self.books.push(LedgerTotals::default());
                self.ledger_by_id.insert(ledger.clone(), at);
                at
            }
        };
        let hash = self.by_id.hash(id.id());
        let at = self.slots.push(AccountSlot {
            id: id.id().clone(),
            ledger,
            allow_overdraft,
            made: !id.is_given(),
            debits: Totals::default(),
            credits: Totals::default(),
        });
        self.by_id.insert(hash, at);
        at
    }

    /// Finds both sides of a movement and checks that they go together.
    pub(crate) fn pair(&self, debit: &Id, credit: &Id) -> Result<(u32, u32), Rejection> {
        let from = self.find(debit).ok_or(Rejection::UnknownAccount)?;
        let to = self.find(credit).ok_or(Rejection::UnknownAccount)?;
        if from == to {
            return Err(Rejection::SameAccount);
        }
        if self.slots[from].ledger != self.slots[to].ledger {
            return Err(Rejection::LedgerMismatch);
        }
        Ok((from, to))
    }

    /// Whether `leg` keeps every bound.
    pub(crate) fn check(&self, leg: &Leg) -> Result<(), Rejection> {
        if matches!(leg.kind, LegKind::PostReserved | LegKind::Release) {
            return Ok(());
        }
        let (from, to) = (&self.slots[leg.debit], &self.slots[leg.credit]);
        // An amount is below 2^53, so the cast keeps its value.
        if !from.allow_overdraft && from.available() < leg.amount as i64 {
            return Err(Rejection::InsufficientFunds);
        }
        if !from.debits.takes(leg.amount) || !to.credits.takes(leg.amount) {
            return Err(Rejection::Overflow);
        }
        Ok(())
    }

    /// Books a leg that [`check`](Self::check) let pass.
    pub(crate) fn book(&mut self, leg: &Leg) {
        let from = &mut self.slots[leg.debit];
        let books = &mut self.books[from.ledger as usize];
        let before = from.debits;
        from.debits.book(leg.kind, leg.amount);
        books.debits.follow(before, from.debits);
        debug_assert!(from.is_sound(), "account {} broke its bounds", from.id);

        let to = &mut self.slots[leg.credit];
        let books = &mut self.books[to.ledger as usize];
        let before = to.credits;
        to.credits.book(leg.kind, leg.amount);
        books.credits.follow(before, to.credits);
        debug_assert!(to.is_sound(), "account {} broke its bounds", to.id);
    }

    /// The running sums of each ledger.
    pub(crate) fn books(&self) -> &[LedgerTotals] {
        &self.books
    }

    /// The sums of each ledger, counted anew over all accounts.
    pub(crate) fn recount(&self) -> Vec<LedgerTotals> {
        let mut totals = vec![LedgerTotals::default(); self.ledgers.len()];
        for slot in self.slots.iter() {
            let sum = &mut totals[slot.ledger as usize];
            sum.debits.follow(Totals::default(), slot.debits);
            sum.credits.follow(Totals::default(), slot.credits);
        }
        totals
    }
}
