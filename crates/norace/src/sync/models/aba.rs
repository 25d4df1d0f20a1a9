//! A list of free slots whose head is changed by compare-and-swap: by value it is given out twice, by version it is
//! not. Beside it a counter, which has no such problem.

use crate::models::{all, finds, join, spawn};
use crate::sync::{Stale, Versioned};
use norace_check::{Builder, Level, RaceCell};
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::Arc;

/// No slot.
const NONE: usize = usize::MAX;

/// The first free slot; changed when it is still what it was.
trait Head: Send + Sync + 'static {
    type Seen;
    fn new(first: usize) -> Self;
    fn see(&self) -> (usize, Self::Seen);
    fn replace(&self, seen: Self::Seen, new: usize) -> bool;
}

/// "What it was" by value: an index that came back looks as if it had never gone.
struct ByValue(AtomicUsize);

impl Head for ByValue {
    type Seen = usize;

    fn new(first: usize) -> Self {
        Self(AtomicUsize::new(first))
    }

    fn see(&self) -> (usize, usize) {
        // Acquire: pairs with the Release in replace; the fault is not one of orders.
        let first = self.0.load(Ordering::Acquire);
        (first, first)
    }

    fn replace(&self, seen: usize, new: usize) -> bool {
        // AcqRel: as above. Relaxed: it is tried again.
        self.0.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// "What it was" by version.
impl Head for Versioned<usize> {
    type Seen = crate::sync::Version;

    fn new(first: usize) -> Self {
        Self::new(first)
    }

    fn see(&self) -> (usize, Self::Seen) {
        self.load()
    }

    fn replace(&self, seen: Self::Seen, new: usize) -> bool {
        self.compare_set(seen, new).is_ok()
    }
}

/// Two slots, both free at first, linked by index.
struct Slots<H> {
    head: H,
    next: [AtomicUsize; 2],
    data: [RaceCell<u32>; 2],
}

impl<H: Head> Slots<H> {
    fn new() -> Arc<Self> {
        let next = [AtomicUsize::new(1), AtomicUsize::new(NONE)];
        let data = [RaceCell::new(0), RaceCell::new(0)];
        Arc::new(Self { head: H::new(0), next, data })
    }

    fn take(&self) -> Option<usize> {
        loop {
            let (first, seen) = self.head.see();
            let next = self.next.get(first)?;
            // Relaxed: what the head was is compared afterwards; that is the whole point.
            if self.head.replace(seen, next.load(Ordering::Relaxed)) {
                return Some(first);
            }
        }
    }

    fn give(&self, slot: usize) {
        loop {
            let (first, seen) = self.head.see();
            // Relaxed: published by the head.
            self.next[slot].store(first, Ordering::Relaxed);
            if self.head.replace(seen, slot) {
                return;
            }
        }
    }

    fn write(&self, slot: usize) {
        self.data[slot].update(|count| count + 1);
    }
}

/// One takes a slot; another takes both and gives back the first, which brings the old head back with another `next`.
fn reuse<H: Head>() {
    let slots = Slots::<H>::new();
    join(spawn(2, |number| {
        let slots = slots.clone();
        move || {
            if number == 0 {
                slots.take().inspect(|&slot| slots.write(slot));
                slots.take().inspect(|&slot| slots.write(slot));
            } else if let Some(first) = slots.take() {
                let second = slots.take();
                slots.give(first);
                second.inspect(|&slot| slots.write(slot));
            }
        }
    }));
}

#[test]
fn a_free_list_by_value_gives_one_slot_to_two() {
    let found = finds(reuse::<ByValue>);
    assert_eq!(found.kind, "data-race", "{}", found.to_text());
}

#[test]
fn the_checker_names_the_value_that_came_back() {
    let outcome = Builder::new().level(Level::Rt).suspect_aba().run(reuse::<ByValue>);
    let found = outcome.finding.expect("it is found");
    assert!(["aba", "data-race"].contains(&found.kind), "{}", found.to_text());
}

#[test]
fn a_free_list_by_version_gives_each_slot_to_one() {
    all(reuse::<Versioned<usize>>);
}

#[test]
fn the_version_tells_apart_what_the_value_does_not() {
    all(|| {
        let cell = Arc::new(Versioned::new(7));
        let (value, version) = cell.load();
        join(spawn(1, |_| {
            let cell = cell.clone();
            move || {
                cell.set(8);
                cell.set(7);
            }
        }));
        let Stale { current, .. } = cell.compare_set(version, 9).unwrap_err();
        assert_eq!((current.0, current.1.get()), (value, 3));
    });
}

#[test]
fn a_counter_by_compare_and_swap_loses_nothing_although_values_come_back() {
    all(|| {
        let counter = Arc::new(AtomicUsize::new(0));
        let add = |counter: &AtomicUsize, more: usize| {
            let change = |n: usize| Some(n.wrapping_add(more));
            // Relaxed: a count. Relaxed: it is tried again.
            counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).unwrap();
        };
        join(spawn(2, |number| {
            let counter = counter.clone();
            move || {
                add(&counter, if number == 0 { 1 } else { usize::MAX });
                add(&counter, 2);
            }
        }));
        // Relaxed: read after the join.
        assert_eq!(counter.load(Ordering::Relaxed), 4);
    });
}
