//! The place itself and, step by step, its protocol with mutants.

use super::Spare;
use crate::models::{all, finds, join, spawn};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::Arc;

fn boxed(number: u32) -> Box<RaceCell<u32>> {
    let cell = Box::new(RaceCell::new(0));
    cell.set(number);
    cell
}

fn seen(boxed: impl AsRef<RaceCell<u32>>) -> u32 {
    boxed.as_ref().replace(0)
}

#[test]
fn each_box_comes_out_once_and_whole() {
    all(|| {
        let spare = Arc::new(Spare::new());
        let threads = spawn(2, |number| {
            let spare = spare.clone();
            move || {
                let mut taken: Vec<u32> =
                    spare.replace(boxed(number + 1)).map(seen).into_iter().collect();
                taken.extend(spare.take().map(seen));
                taken
            }
        });
        let mut taken: Vec<u32> = spare.offer(boxed(3)).err().map(seen).into_iter().collect();
        taken.extend(join(threads).into_iter().flatten());
        taken.extend(spare.take().map(seen));
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3], "each comes out once");
    });
}

#[test]
fn what_is_left_goes_with_the_place() {
    all(|| {
        let whole = Arc::new(());
        let spare = Spare::new();
        assert!(spare.replace(Box::new(whole.clone())).is_none());
        assert!(spare.offer(Box::new(whole.clone())).is_err() && spare.is_full());
        drop(spare);
        assert_eq!(Arc::strong_count(&whole), 1);
    });
}

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// A box is put in, or taken, without an order.
    WeakPut,
    WeakTake,
    /// Taking, or putting, looks and then stores.
    TakeStores,
    PutStores,
}

/// The pointer is the number of a cell, 0 when empty.
struct Bare {
    mutant: Mutant,
    place: AtomicUsize,
    cells: [RaceCell<u32>; 3],
}

impl Bare {
    fn swap(&self, stores: Mutant, new: usize, weak: Mutant, order: Ordering) -> usize {
        if self.mutant == stores {
            // Acquire: what the mutant does instead.
            let former = self.place.load(Ordering::Acquire);
            // Release: as above.
            self.place.store(new, Ordering::Release);
            return former;
        }
        let order = if self.mutant == weak { Ordering::Relaxed } else { order };
        // As the mutant says: the exchange.
        self.place.swap(new, order)
    }

    fn put(&self, number: usize) -> Option<u32> {
        self.cells[number - 1].set(1);
        // AcqRel: as in the protocol, unless the mutant says otherwise.
        let former = self.swap(Mutant::PutStores, number, Mutant::WeakPut, Ordering::AcqRel);
        self.empty(former)
    }

    fn take(&self) -> Option<u32> {
        // Acquire: as in the protocol, unless the mutant says otherwise.
        let former = self.swap(Mutant::TakeStores, 0, Mutant::WeakTake, Ordering::Acquire);
        self.empty(former)
    }

    fn empty(&self, number: usize) -> Option<u32> {
        (number > 0).then(|| self.cells[number - 1].replace(0))
    }
}

fn bare(mutant: Mutant) {
    let cells = [RaceCell::new(0), RaceCell::new(0), RaceCell::new(0)];
    let place = Arc::new(Bare { mutant, place: AtomicUsize::new(0), cells });
    let threads = spawn(2, |number| {
        let place = place.clone();
        move || {
            let former = place.put(number as usize + 1);
            former.into_iter().chain(place.take()).sum::<u32>()
        }
    });
    let taken: u32 = join(threads).into_iter().sum();
    assert_eq!(taken + place.take().unwrap_or(0), 2, "each comes out once");
}

#[test]
fn all_mutants_are_found() {
    all(|| bare(Mutant::None));
    for mutant in [Mutant::WeakPut, Mutant::WeakTake, Mutant::TakeStores, Mutant::PutStores] {
        finds(move || bare(mutant));
    }
}
