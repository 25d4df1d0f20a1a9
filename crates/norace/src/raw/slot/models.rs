//! The slot itself and, step by step, its protocol with mutants.

use super::{Owner, Thief, new};
use crate::models::{all, finds, join, spawn};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU8, Ordering};
use norace_prim::sync::Arc;

/// Puts in `values`, takes one out at the end, while thieves steal once each.
fn owner_and_thieves(values: u32, thieves: u32) {
    let (owner, thief): (Owner<Box<RaceCell<u32>>>, Thief<_>) = new();
    let thief = Arc::new(thief);
    let see = |value: Box<RaceCell<u32>>| value.replace(0);
    let threads = spawn(thieves, |_| {
        let thief = thief.clone();
        move || thief.steal().map(see)
    });
    let mut taken = Vec::new();
    for number in 1..=values {
        let value = Box::new(RaceCell::new(0));
        value.set(number);
        taken.extend(owner.replace(value).map(see));
    }
    taken.extend(owner.take().map(see));
    taken.extend(join(threads).into_iter().flatten());
    assert!(owner.take().is_none() && !thief.is_full());
    taken.sort_unstable();
    assert_eq!(taken, (1..=values).collect::<Vec<_>>(), "each comes out once");
}

#[test]
fn the_value_is_taken_by_the_owner_or_by_one_thief() {
    all(|| owner_and_thieves(1, 2));
    all(|| owner_and_thieves(2, 2));
    all(|| owner_and_thieves(3, 1));
}

#[test]
fn a_value_that_is_left_goes_with_the_slot() {
    all(|| {
        let whole = Arc::new(());
        let (owner, thief) = new();
        assert!(owner.replace(whole.clone()).is_none());
        drop((owner, thief));
        assert_eq!(Arc::strong_count(&whole), 1);
    });
}

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// A value is put in, or taken, without an order.
    WeakPut,
    WeakTake,
    /// The cell is given back, or found given back, without an order.
    WeakGiveBack,
    WeakRoom,
    /// The owner does not look whether a thief is at work.
    NoLook,
    /// A thief gives the cell back before it has taken the value out.
    GiveBackFirst,
    /// The owner, or a thief, takes by a store.
    OwnerStores,
    ThiefStores,
}

const EMPTY: u8 = 0;
const FULL: u8 = 1;
const TAKING: u8 = 2;

struct Bare {
    mutant: Mutant,
    state: AtomicU8,
    value: RaceCell<Option<u32>>,
}

impl Bare {
    fn weak(&self, weak: Mutant, order: Ordering) -> Ordering {
        if self.mutant == weak { Ordering::Relaxed } else { order }
    }

    fn empty(&self) -> u32 {
        self.value.replace(None).expect("a value was put in")
    }

    fn claim(&self, stores: Mutant, to: u8, order: Ordering) -> bool {
        // Relaxed: the exchange decides.
        if self.state.load(Ordering::Relaxed) != FULL {
            return false;
        }
        if self.mutant == stores {
            // Relaxed: what the mutant does instead.
            self.state.store(to, Ordering::Relaxed);
            return true;
        }
        // As the mutant says: the claim. Relaxed: who fails reads nothing.
        self.state.compare_exchange(FULL, to, order, Ordering::Relaxed).is_ok()
    }

    fn take(&self) -> Option<u32> {
        self.claim(Mutant::OwnerStores, EMPTY, Ordering::Relaxed).then(|| self.empty())
    }

    fn replace(&self, value: u32) -> Option<u32> {
        let former = self.take();
        // As the mutant says: the look for a thief.
        let state = self.state.load(self.weak(Mutant::WeakRoom, Ordering::Acquire));
        if former.is_none() && state == TAKING && self.mutant != Mutant::NoLook {
            return Some(value);
        }
        assert_eq!(self.value.replace(Some(value)), None, "a value was written over");
        // As the mutant says: the publication.
        self.state.store(FULL, self.weak(Mutant::WeakPut, Ordering::Release));
        former
    }

    fn steal(&self) -> Option<u32> {
        let order = self.weak(Mutant::WeakTake, Ordering::Acquire);
        if !self.claim(Mutant::ThiefStores, TAKING, order) {
            return None;
        }
        let give_back = || {
            // As the mutant says: the cell is given back.
            self.state.store(EMPTY, self.weak(Mutant::WeakGiveBack, Ordering::Release));
        };
        if self.mutant == Mutant::GiveBackFirst {
            give_back();
            return Some(self.empty());
        }
        let value = self.empty();
        give_back();
        Some(value)
    }
}

fn bare(mutant: Mutant, thieves: u32) {
    let slot = Arc::new(Bare { mutant, state: AtomicU8::new(EMPTY), value: RaceCell::new(None) });
    let threads = spawn(thieves, |_| {
        let slot = slot.clone();
        move || slot.steal()
    });
    let mut taken: Vec<u32> = (1..=2).filter_map(|number| slot.replace(number)).collect();
    taken.extend(slot.take());
    taken.extend(join(threads).into_iter().flatten());
    taken.extend(slot.take());
    taken.sort_unstable();
    assert_eq!(taken, [1, 2], "each comes out once");
}

#[test]
fn all_mutants_are_found() {
    all(|| bare(Mutant::None, 2));
    for mutant in [
        Mutant::WeakPut,
        Mutant::WeakTake,
        Mutant::WeakGiveBack,
        Mutant::WeakRoom,
        Mutant::NoLook,
        Mutant::GiveBackFirst,
        Mutant::OwnerStores,
        Mutant::ThiefStores,
    ] {
        finds(move || bare(mutant, 2));
    }
}
