//! The protocol, step by step, with mutants: what is left out or weakened is found.
//!
//! Among them are the bugs of the crate arc-swap, whose debts the slots are after: its issues 198, 200 and 204 are
//! orderings that were too weak for the two looks, 210 is slots shared by cells whose memory is reused, and 214 is two
//! cells that hold the same thing and count its owners differently.

use crate::models::{all, finds, join, spawn};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Mutex, lock};

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// One of the four operations that have one order is not in it.
    WeakClaim,
    WeakSecondLook,
    WeakChange,
    WeakScan,
    /// The reader does not look again.
    NoSecondLook,
    /// The slot is withdrawn without an order, or looked at again without one, by a loan or by the publisher.
    WeakWithdrawal,
    WeakWithdrawalFound,
    WeakTakeOverFailed,
    /// The slot is withdrawn by a store.
    StoredWithdrawal,
    /// The publisher does not look at the slots.
    NoScan,
    /// It empties the slot first, then adds the owner.
    OwnerAfter,
    /// It adds the owner and does not take it back.
    OwnerKept,
    /// It does not notice that the slot was withdrawn.
    StoredTakeOver,
    /// Ownerships are given up without an order.
    WeakGiveUp,
    /// The node is marked vacant, or found vacant, without an order, or before the value is out.
    WeakVacant,
    WeakVacantFound,
    VacantFirst,
    /// A reader whose slot was taken over does not give the ownership up.
    Forgotten,
}

const NONE: usize = usize::MAX;
const VACANT: usize = usize::MAX;

struct Node {
    owners: AtomicUsize,
    value: RaceCell<u32>,
}

/// Values are numbers above 0; 0 is a value that was taken out.
struct Bare {
    mutant: Mutant,
    current: AtomicUsize,
    slot: AtomicUsize,
    nodes: [Node; 2],
    publishers: Mutex<()>,
}

impl Bare {
    fn new(mutant: Mutant) -> Self {
        let node =
            |owners, value| Node { owners: AtomicUsize::new(owners), value: RaceCell::new(value) };
        Self {
            mutant,
            current: AtomicUsize::new(0),
            slot: AtomicUsize::new(NONE),
            nodes: [node(1, 1), node(VACANT, 0)],
            publishers: Mutex::new(()),
        }
    }

    fn weak(&self, weak: Mutant, weaker: Ordering, order: Ordering) -> Ordering {
        if self.mutant == weak { weaker } else { order }
    }

    fn relaxed(&self, weak: Mutant, order: Ordering) -> Ordering {
        self.weak(weak, Ordering::Relaxed, order)
    }

    fn give_up(&self, index: usize) {
        let node = &self.nodes[index];
        // As the mutant says: the ownership given up.
        if node.owners.fetch_sub(1, self.relaxed(Mutant::WeakGiveUp, Ordering::AcqRel)) != 1 {
            return;
        }
        let vacate = || {
            // As the mutant says: the node is vacant.
            node.owners.store(VACANT, self.relaxed(Mutant::WeakVacant, Ordering::Release));
        };
        if self.mutant == Mutant::VacantFirst {
            vacate();
            assert_ne!(node.value.replace(0), 0, "the value was taken out twice");
            return;
        }
        assert_ne!(node.value.replace(0), 0, "the value was taken out twice");
        vacate();
    }

    /// Ends what a claimed slot stands for.
    fn withdraw(&self, index: usize, order: Ordering) {
        if self.mutant == Mutant::StoredWithdrawal {
            // Release: what the mutant does instead.
            self.slot.store(NONE, Ordering::Release);
            return;
        }
        let found = self.relaxed(Mutant::WeakWithdrawalFound, Ordering::Acquire);
        // As the mutant says: the withdrawal.
        if self.slot.compare_exchange(index, NONE, order, found).is_err()
            && self.mutant != Mutant::Forgotten
        {
            self.give_up(index);
        }
    }

    /// Reads by the slot; nothing when the slot is not empty or the value changes meanwhile.
    fn read(&self) -> Option<u32> {
        // Relaxed: a hint.
        let index = self.current.load(Ordering::Relaxed);
        let order = self.weak(Mutant::WeakClaim, Ordering::AcqRel, Ordering::SeqCst);
        // As the mutant says: the claim. Relaxed: who fails reads nothing.
        self.slot.compare_exchange(NONE, index, order, Ordering::Relaxed).ok()?;
        let order = self.weak(Mutant::WeakSecondLook, Ordering::Acquire, Ordering::SeqCst);
        // As the mutant says: the second look.
        let seen = self.current.load(order);
        if seen != index && self.mutant != Mutant::NoSecondLook {
            self.withdraw(index, Ordering::Relaxed);
            return None;
        }
        let value = self.nodes[index].value.get();
        self.withdraw(index, self.relaxed(Mutant::WeakWithdrawal, Ordering::Release));
        Some(value)
    }

    /// Reads by becoming an owner.
    fn read_locked(&self) -> u32 {
        let publishers = lock(&self.publishers);
        // Relaxed: changed under the lock.
        let index = self.current.load(Ordering::Relaxed);
        // Relaxed: the cell's own ownership is there.
        self.nodes[index].owners.fetch_add(1, Ordering::Relaxed);
        drop(publishers);
        let value = self.nodes[index].value.get();
        self.give_up(index);
        value
    }

    /// Publishes; nothing when no node is vacant.
    fn publish(&self, value: u32) -> Option<()> {
        let _publishers = lock(&self.publishers);
        let found = self.relaxed(Mutant::WeakVacantFound, Ordering::Acquire);
        // As the mutant says: the search for a vacant node.
        let index = self.nodes.iter().position(|node| node.owners.load(found) == VACANT)?;
        assert_eq!(self.nodes[index].value.replace(value), 0, "the node is not vacant");
        // Relaxed: others learn of it through `current`.
        self.nodes[index].owners.store(1, Ordering::Relaxed);
        let order = self.weak(Mutant::WeakChange, Ordering::AcqRel, Ordering::SeqCst);
        // As the mutant says: the change.
        let former = self.current.swap(index, order);
        if self.mutant != Mutant::NoScan {
            self.take_over(former);
        }
        self.give_up(former);
        Some(())
    }

    fn take_over(&self, former: usize) {
        let order = self.weak(Mutant::WeakScan, Ordering::Acquire, Ordering::SeqCst);
        // As the mutant says: the look at the slot.
        if self.slot.load(order) != former {
            return;
        }
        let owners = &self.nodes[former].owners;
        if self.mutant != Mutant::OwnerAfter {
            // Relaxed: the exchange hands it on.
            owners.fetch_add(1, Ordering::Relaxed);
        }
        if self.mutant == Mutant::StoredTakeOver {
            // Release: what the mutant does instead.
            self.slot.store(NONE, Ordering::Release);
            return;
        }
        let failed = self.relaxed(Mutant::WeakTakeOverFailed, Ordering::Acquire);
        // Release: the owner was added before. As the mutant says: the slot was withdrawn.
        let taken_over =
            self.slot.compare_exchange(former, NONE, Ordering::Release, failed).is_ok();
        match (self.mutant, taken_over) {
            (Mutant::OwnerAfter, true) => {
                // Relaxed: too late in any case.
                owners.fetch_add(1, Ordering::Relaxed);
            }
            (Mutant::OwnerAfter | Mutant::OwnerKept, _) | (_, true) => {}
            (_, false) => {
                // Relaxed: not the last one.
                owners.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// At the end the current value is there, once, and nothing else.
    fn assert_clean(&self) {
        // Relaxed: the threads have ended.
        let current = self.current.load(Ordering::Relaxed);
        for (index, node) in self.nodes.iter().enumerate() {
            let (owners, holds) = if index == current { (1, true) } else { (VACANT, false) };
            // Relaxed: as above.
            assert_eq!(node.owners.load(Ordering::Relaxed), owners, "owners of node {index}");
            assert_eq!(node.value.get() != 0, holds, "the value of node {index}");
        }
        // Relaxed: as above.
        assert_eq!(self.slot.load(Ordering::Relaxed), NONE, "a slot was left");
    }
}

/// Readers that read `reads` times each, beside a thread that publishes.
fn bare(mutant: Mutant, readers: u32, reads: u32, publishes: u32) {
    let cell = Arc::new(Bare::new(mutant));
    let threads = spawn(readers, |_| {
        let cell = cell.clone();
        move || {
            let mut last = 0;
            for value in (0..reads).filter_map(|_| cell.read()) {
                assert!(value >= last && value != 0, "{value} after {last}");
                last = value;
            }
        }
    });
    for value in 0..publishes {
        cell.publish(2 + value);
    }
    join(threads);
    cell.assert_clean();
}

#[test]
fn what_is_read_is_there_and_what_is_replaced_goes() {
    all(|| bare(Mutant::None, 1, 2, 2));
    all(|| bare(Mutant::None, 2, 1, 1));
    all(|| bare(Mutant::None, 2, 1, 2));
}

#[test]
fn a_reader_without_a_slot_owns_what_it_reads() {
    all(|| {
        let cell = Arc::new(Bare::new(Mutant::None));
        let threads = spawn(2, |number| {
            let cell = cell.clone();
            move || if number == 0 { Some(cell.read_locked()) } else { cell.read() }
        });
        cell.publish(2);
        let read = join(threads);
        assert!(read.into_iter().flatten().all(|value| value == 1 || value == 2));
        cell.assert_clean();
    });
}

#[test]
fn all_mutants_are_found() {
    for mutant in [
        Mutant::WeakClaim,
        Mutant::WeakSecondLook,
        Mutant::WeakChange,
        Mutant::WeakScan,
        Mutant::NoSecondLook,
        Mutant::WeakWithdrawal,
        Mutant::WeakWithdrawalFound,
        Mutant::WeakTakeOverFailed,
        Mutant::StoredWithdrawal,
        Mutant::NoScan,
        Mutant::OwnerAfter,
        Mutant::OwnerKept,
        Mutant::StoredTakeOver,
        Mutant::WeakGiveUp,
        Mutant::WeakVacant,
        Mutant::WeakVacantFound,
        Mutant::VacantFirst,
        Mutant::Forgotten,
    ] {
        finds(move || bare(mutant, 2, 1, 2));
    }
}
