//! Orders, and which of them are in which state.

use super::accounts::{Leg, LegKind};
use super::chunks::Chunks;
use super::index::BitIndex;
use super::table::IdTable;
use crate::model::{Action, Amount, Handling, Id, Metadata, NewId, OrderState, Reason};

#[derive(Debug)]
pub(crate) struct OrderSlot {
    pub(crate) id: Id,
    pub(crate) payer: u32,
    pub(crate) payee: u32,
    pub(crate) amount: Amount,
    pub(crate) metadata: Metadata,
    pub(crate) reason: Option<Reason>,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
    pub(crate) version: u32,
    pub(crate) state: OrderState,
    pub(crate) handling: Handling,
    pub(crate) made: bool,
}

impl OrderSlot {
    /// The movement of money that goes with `action`, which must be legal here.
    pub(crate) fn leg(&self, action: Action) -> Option<Leg> {
        let kind = match (self.state, action) {
            (_, Action::Process) => LegKind::Reserve,
            (_, Action::Confirm) => LegKind::PostReserved,
            (OrderState::Processing, Action::Fail | Action::Cancel) => LegKind::Release,
            (_, Action::Fail | Action::Cancel) => return None,
        };
        Some(Leg { kind, debit: self.payer, credit: self.payee, amount: self.amount.get() })
    }
}

#[derive(Debug)]
pub(crate) struct Orders {
    slots: Chunks<OrderSlot>,
    by_id: IdTable,
    by_state: [BitIndex; OrderState::ALL.len()],
}

/// What a new order is made of, its accounts already found.
pub(crate) struct NewOrder<'a> {
    pub(crate) id: &'a NewId,
    pub(crate) payer: u32,
    pub(crate) payee: u32,
    pub(crate) amount: Amount,
    pub(crate) metadata: &'a Metadata,
    pub(crate) handling: Handling,
    pub(crate) now: u64,
}

impl Orders {
    pub(crate) fn new() -> Self {
        Self { slots: Chunks::new(), by_id: IdTable::new(), by_state: Default::default() }
    }

    pub(crate) fn len(&self) -> u32 {
        self.slots.len()
    }

    pub(crate) fn find(&self, id: &Id) -> Option<u32> {
        self.by_id.find(self.by_id.hash(id), |at| self.slots[at].id == *id)
    }

    pub(crate) fn slot(&self, at: u32) -> &OrderSlot {
        &self.slots[at]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &OrderSlot> {
        self.slots.iter()
    }

    pub(crate) fn count(&self, state: OrderState) -> u64 {
        self.by_state[state as usize].len()
    }

    /// The first order at or after `from` in creation order, in `state` if one is given.
    pub(crate) fn next(&self, state: Option<OrderState>, from: u32) -> Option<u32> {
        match state {
            Some(state) => self.by_state[state as usize].next(from),
            None => (from < self.slots.len()).then_some(from),
        }
    }

    /// Adds an order whose id is free.
    pub(crate) fn add(&mut self, new: &NewOrder<'_>) -> u32 {
        let hash = self.by_id.hash(new.id.id());
        let at = self.slots.push(OrderSlot {
            id: new.id.id().clone(),
            payer: new.payer,
            payee: new.payee,
            amount: new.amount,
            metadata: new.metadata.clone(),
            reason: None,
            created_at: new.now,
            updated_at: new.now,
            version: 1,
            state: OrderState::Pending,
            handling: new.handling,
            made: !new.id.is_given(),
        });
        self.by_id.insert(hash, at);
        self.by_state[OrderState::Pending as usize].insert(at);
        at
    }

    /// Moves an order and returns its new version.
    pub(crate) fn step(
        &mut self,
        at: u32,
        to: OrderState,
        reason: Option<&Reason>,
        now: u64,
    ) -> u32 {
        let slot = &mut self.slots[at];
        self.by_state[slot.state as usize].remove(at);
        self.by_state[to as usize].insert(at);
        slot.state = to;
        slot.version += 1;
        slot.updated_at = now;
        slot.reason = reason.cloned();
        slot.version
    }
}
