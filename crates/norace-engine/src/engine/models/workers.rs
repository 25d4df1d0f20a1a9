//! Many workers on one journal: the protocol that a sharded engine would need, and what it takes to break it.
//!
//! The engine decides on one thread, where the order of decisions *is* the order of the journal. With several workers
//! that compete for an order's version by compare-exchange, that has to be made:
//!
//! ```text
//! worker     read version (acquire) -> claim a position (fetch_add) -> compare-exchange (release) -> publish the slot
//! journaler  writes published slots in order, up to the first that is not; answers what it wrote
//! ```
//!
//! **Why it holds.** Who builds on version v has read it from the compare-exchange that made it, and that worker had
//! claimed its position before. So the later claim happens after the earlier one, and positions of one order rise with
//! its versions. A lost compare-exchange leaves a hole, which is filled with "nothing": the journaler must not wait for
//! it. A power loss cuts the journal somewhere; every version in what is left has its predecessor there too.
//!
//! **What the checker can't show:** with a relaxed compare-exchange only a load buffering execution breaks it (the
//! earlier claim would have to take effect after the later one that depends on it). The memory model explored excludes
//! those; some processors don't.
//!
//! With accounts, locks take the place of the version: the position is claimed while they are held.

use norace_check::{Builder, Outcome, RaceCell, choose};
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::{Arc, Mutex};
use norace_prim::thread;

/// What is different in a broken variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    Correct,
    /// The position is claimed after the compare-exchange.
    ClaimAfterDeciding,
    /// The slot is published without release.
    PublishRelaxed,
    /// A lost compare-exchange leaves its slot empty.
    LeaveHoles,
    /// The journaler writes what is published, whatever is missing before it.
    WriteBeyondHoles,
    /// The locks are let go before the position is claimed.
    UnlockBeforeClaiming,
}

const EMPTY: u64 = 0;
const NOTHING: u64 = 1;
const RECORD: u64 = 2;

/// One place in the journal.
struct Slot<T> {
    state: AtomicU64,
    record: RaceCell<Option<T>>,
}

/// The places to come, and the next to be claimed.
struct Sequencer<T> {
    next: AtomicU64,
    slots: Vec<Slot<T>>,
    variant: Variant,
}

impl<T: Copy> Sequencer<T> {
    fn new(slots: usize, variant: Variant) -> Self {
        let slot = |_| Slot { state: AtomicU64::new(EMPTY), record: RaceCell::new(None) };
        Self { next: AtomicU64::new(0), slots: (0..slots).map(slot).collect(), variant }
    }

    fn claim(&self) -> usize {
        // Relaxed: the order of claims comes from the version or the locks around it.
        usize::try_from(self.next.fetch_add(1, Ordering::Relaxed)).expect("few slots")
    }

    fn publish(&self, at: usize, record: Option<T>) {
        let state = if record.is_some() { RECORD } else { NOTHING };
        self.slots[at].record.set(record);
        let order = match self.variant {
            // Relaxed: the mistake.
            Variant::PublishRelaxed => Ordering::Relaxed,
            // Release: with the acquire in `write`, the record is there with its state.
            _ => Ordering::Release,
        };
        self.slots[at].state.store(state, order);
    }

    /// The journaler: what reaches the disk until the power fails after `written` slots.
    fn write(&self, written: usize) -> Vec<T> {
        let mut disk = Vec::new();
        for slot in &self.slots[..written] {
            // Acquire: see `publish`.
            let mut state = slot.state.load(Ordering::Acquire);
            while state == EMPTY && self.variant != Variant::WriteBeyondHoles {
                thread::yield_now();
                // Acquire: see `publish`.
                state = slot.state.load(Ordering::Acquire);
            }
            if state == RECORD {
                disk.extend(slot.record.get());
            }
        }
        disk
    }
}

/// Two workers try twice each to move one order on.
fn versions(variant: Variant) {
    let order = Arc::new((AtomicU64::new(0), Sequencer::new(4, variant)));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let order = Arc::clone(&order);
            thread::spawn(move || (0..2).for_each(|_| move_on(&order.0, &order.1)))
        })
        .collect();
    let disk = order.1.write(choose(5));
    for (expected, version) in (1..).zip(&disk) {
        assert_eq!(*version, expected, "a version without its predecessor: {disk:?}");
    }
    for worker in workers {
        worker.join().unwrap();
    }
}

fn move_on(version: &AtomicU64, journal: &Sequencer<u64>) {
    // Acquire: with the release below, what made this version claimed its position before.
    let seen = version.load(Ordering::Acquire);
    let early = (journal.variant != Variant::ClaimAfterDeciding).then(|| journal.claim());
    let moved = version
        // AcqRel: pairs with the load above, and with itself where the claim comes later. Relaxed: it says nothing.
        .compare_exchange(seen, seen + 1, Ordering::AcqRel, Ordering::Relaxed)
        .is_ok();
    let at = early.unwrap_or_else(|| journal.claim());
    if moved || journal.variant != Variant::LeaveHoles {
        journal.publish(at, moved.then_some(seen + 1));
    }
}

/// An account pays on what another one paid in; the journal's sums must never be negative.
fn accounts(variant: Variant) {
    let bank = Arc::new(([Mutex::new(1_i64), Mutex::new(0)], Sequencer::new(2, variant)));
    let workers: Vec<_> = [(0, 1), (1, 0)]
        .map(|(from, to)| {
            let bank = Arc::clone(&bank);
            thread::spawn(move || transfer(&bank.0, from, to, &bank.1))
        })
        .into();
    let disk = bank.1.write(choose(3));
    let mut sums = [1_i64, 0];
    for (from, to) in &disk {
        sums[*from] -= 1;
        sums[*to] += 1;
        assert!(sums[*from] >= 0, "spent before it was there: {disk:?}");
    }
    for worker in workers {
        worker.join().unwrap();
    }
}

fn transfer(
    accounts: &[Mutex<i64>; 2],
    from: usize,
    to: usize,
    journal: &Sequencer<(usize, usize)>,
) {
    // In the order of their ids, whichever way the money goes.
    let mut first = accounts[0].lock().unwrap();
    let mut second = accounts[1].lock().unwrap();
    let balances = [&mut first, &mut second];
    let covered = **balances[from] >= 1;
    if covered {
        **balances[from] -= 1;
        **balances[to] += 1;
    }
    if journal.variant == Variant::UnlockBeforeClaiming {
        drop((first, second));
        let at = journal.claim();
        journal.publish(at, covered.then_some((from, to)));
    } else {
        let at = journal.claim();
        journal.publish(at, covered.then_some((from, to)));
    }
}

fn search(model: fn(Variant), variant: Variant) -> Outcome {
    Builder::new().run(|| model(variant))
}

#[test]
fn positions_rise_with_versions() {
    Builder::new().check(|| versions(Variant::Correct));
}

#[test]
fn positions_rise_with_what_balances_rest_on() {
    Builder::new().require_complete().check(|| accounts(Variant::Correct));
}

#[test]
fn every_broken_variant_is_caught() {
    for (model, variant, kind) in [
        (versions as fn(Variant), Variant::ClaimAfterDeciding, "panic"),
        (versions, Variant::PublishRelaxed, "data-race"),
        (versions, Variant::LeaveHoles, "livelock"),
        (versions, Variant::WriteBeyondHoles, "panic"),
        (accounts, Variant::UnlockBeforeClaiming, "panic"),
    ] {
        let found = search(model, variant);
        let found =
            found.finding.unwrap_or_else(|| panic!("{variant:?}: nothing in {}", found.executions));
        assert_eq!(found.kind, kind, "{variant:?}");
    }
}
