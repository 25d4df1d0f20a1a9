//! Transfers asked for by name: single ones, and pending ones with their time-outs.

use std::collections::BTreeSet;

use super::accounts::{Leg, LegKind};
use super::chunks::Chunks;
use super::table::IdTable;
use crate::model::{Amount, Id, NewId, Settlement, TransferMode, TransferState};

#[derive(Debug)]
pub(crate) struct TransferSlot {
    pub(crate) id: Id,
    pub(crate) made: bool,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) amount: Amount,
    pub(crate) mode: TransferMode,
    pub(crate) state: TransferState,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
}

impl TransferSlot {
    /// When a pending transfer gives the money back by itself.
    pub(crate) fn deadline(&self) -> Option<u64> {
        match self.mode {
            TransferMode::Pending { timeout_us: Some(timeout) } => {
                Some(self.created_at.saturating_add(timeout))
            }
            _ => None,
        }
    }

    /// The movement of money that ends it.
    pub(crate) fn settling_leg(&self, settlement: Settlement) -> Leg {
        let kind = match settlement {
            Settlement::Post => LegKind::PostReserved,
            Settlement::Void | Settlement::Expire => LegKind::Release,
        };
        Leg { kind, debit: self.from, credit: self.to, amount: self.amount.get() }
    }
}

#[derive(Debug)]
pub(crate) struct Transfers {
    slots: Chunks<TransferSlot>,
    by_id: IdTable,
    /// Pending transfers with a time-out, by deadline.
    deadlines: BTreeSet<(u64, u32)>,
}

impl Transfers {
    pub(crate) fn new() -> Self {
        Self { slots: Chunks::new(), by_id: IdTable::new(), deadlines: BTreeSet::new() }
    }

    pub(crate) fn len(&self) -> u32 {
        self.slots.len()
    }

    pub(crate) fn find(&self, id: &Id) -> Option<u32> {
        self.by_id.find(self.by_id.hash(id), |at| self.slots[at].id == *id)
    }

    pub(crate) fn slot(&self, at: u32) -> &TransferSlot {
        &self.slots[at]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &TransferSlot> {
        self.slots.iter()
    }

    /// The pending transfer whose time runs out first.
    pub(crate) fn first_deadline(&self) -> Option<(u64, &Id)> {
        self.deadlines.first().map(|(at, ordinal)| (*at, &self.slots[*ordinal].id))
    }

    /// Adds a transfer whose id is free.
    pub(crate) fn add(
        &mut self,
        id: &NewId,
        (from, to): (u32, u32),
        amount: Amount,
        mode: TransferMode,
        now: u64,
    ) -> u32 {
        let hash = self.by_id.hash(id.id());
        let state = match mode {
            TransferMode::Single => TransferState::Posted,
            TransferMode::Pending { .. } => TransferState::Pending,
        };
        let at = self.slots.push(TransferSlot {
            id: id.id().clone(),
            made: !id.is_given(),
            from,
            to,
            amount,
            mode,
            state,
            created_at: now,
            updated_at: now,
        });
        self.by_id.insert(hash, at);
        if let Some(deadline) = self.slots[at].deadline() {
            self.deadlines.insert((deadline, at));
        }
        at
    }

    /// Ends a pending transfer.
    pub(crate) fn settle(&mut self, at: u32, settlement: Settlement, now: u64) {
        let slot = &mut self.slots[at];
        slot.state = settlement.state();
        slot.updated_at = now;
        if let Some(deadline) = slot.deadline() {
            self.deadlines.remove(&(deadline, at));
        }
    }
}
