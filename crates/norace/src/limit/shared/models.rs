//! The gate between a node and its threads, over the real store's machine, with the sender as one more thread.

use super::{Central, Gate, Mode, Passage, Shape, Terms, WhenDown};
use crate::models::{all, finds, join, spawn};
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;

fn terms(mode: Mode, batch: u64, limit: u64) -> Terms {
    Terms {
        shape: Shape::Window { limit, period: 1_000_000 },
        mode,
        nodes: 2,
        batch,
        every: 1000,
        idle: 1_000_000,
        down: WhenDown::Closed,
        slack: 0,
        trust_empty: false,
    }
}

/// The time, at a window's beginning.
const NOW: u64 = 5_000_000;

fn passes(gate: &Gate) -> u64 {
    u64::from(matches!(gate.pass(1, NOW, false).0, Passage::Open(_)))
}

/// One message and its answer.
fn exchange(gate: &Gate, store: &Mutex<Central>, node: u64) {
    exchange_at(NOW, gate, store, node);
}

fn exchange_at(now: u64, gate: &Gate, store: &Mutex<Central>, node: u64) {
    if let Some((request, terms)) = gate.message(now, true, false) {
        let answer = lock(store).exchange(now, &terms, (node, 1), &request);
        gate.answer(now, &answer);
    }
}

/// Threads that want to pass one node beside its sender; then another node takes what is left.
fn one_node(mode: Mode) {
    let terms = terms(mode, 1, 2);
    let store = Arc::new(Mutex::new(Central::known(1)));
    let gate = Arc::new(Gate::new(terms, 0));
    if mode == Mode::Leased {
        assert_eq!(passes(&gate), 0, "nothing was granted yet");
        exchange(&gate, &store, 1);
    }
    let (other, told) = (gate.clone(), store.clone());
    let sender = thread::spawn(move || exchange(&other, &told, 1));
    let threads = spawn(2, |_| {
        let gate = gate.clone();
        move || passes(&gate)
    });
    let mut passed: u64 = join(threads).into_iter().sum();
    sender.join().expect("no panic");
    exchange(&gate, &store, 1);
    let other = Gate::new(terms, 0);
    for _ in 0..4 {
        passed += passes(&other) + passes(&gate);
        exchange(&other, &store, 2);
        exchange(&gate, &store, 1);
    }
    let over_max = terms.over_max(0);
    assert!((2..=2 + over_max).contains(&passed), "{passed} passed");
}

#[test]
fn threads_of_a_node_pass_no_more_than_it_may_admit() {
    all(|| one_node(Mode::Delayed));
    all(|| one_node(Mode::Leased));
}

/// A key whose sender does what it is told, and looks at nothing else.
struct Key {
    gate: Gate,
    store: Mutex<Central>,
    /// How often the sender was told of it and did not hear it yet.
    told: AtomicU64,
}

impl Key {
    fn new() -> Arc<Self> {
        let gate = Gate::new(terms(Mode::Delayed, 4, 8), 0);
        let (store, told) = (Mutex::new(Central::known(1)), AtomicU64::new(0));
        Arc::new(Self { gate, store, told })
    }

    fn pass(&self, now: u64, down: bool) -> u64 {
        let (passage, tell) = self.gate.pass(1, now, down);
        // AcqRel: stands for the lock of the sender's queue.
        self.told.fetch_add(u64::from(tell), Ordering::AcqRel);
        u64::from(matches!(passage, Passage::Open(_)))
    }

    /// Whether the sender has to put it on its list.
    fn hear(&self) -> bool {
        // AcqRel: stands for the lock of the sender's queue.
        let told = self.told.swap(0, Ordering::AcqRel);
        assert!(told <= 1, "the sender was told {told} times");
        told == 1 && self.gate.heard()
    }

    /// What the sender does at a tick; whether the key stays on its list.
    fn tick(&self, now: u64, mut listed: bool) -> bool {
        let new = self.hear();
        assert!(!new || !listed, "the key is on the list already");
        listed |= new;
        if listed {
            exchange_at(now, &self.gate, &self.store, 1);
        }
        listed && !self.gate.unlist(now)
    }
}

/// A key that was let go of is used while the sender lets go of it again.
fn used_credit_is_told() {
    let key = Key::new();
    assert_eq!(key.pass(NOW, false), 1);
    assert!(key.tick(NOW, false), "its window is not over");
    // In the next window nothing of the first is known any more.
    let (then, at_last) = (NOW + 1_500_000, NOW + 4_000_000);
    let threads = spawn(2, |_| {
        let key = key.clone();
        move || key.pass(then, false)
    });
    let mut listed = key.tick(then, true);
    let passed = join(threads).into_iter().sum::<u64>() + key.pass(then, false);
    listed = key.tick(then, listed);
    assert_eq!(lock(&key.store).used(), passed, "admitted and never charged");
    assert!(!key.tick(at_last, listed), "the sender never lets go of it");
    assert!(key.gate.forgettable(at_last).is_some(), "its place never becomes free");
}

/// The store is lost and comes back; a thread may have seen that it was lost, and act on it later.
fn an_outage_ends() {
    let key = Key::new();
    let down = Arc::new(AtomicU64::new(1));
    let (other, seen) = (key.clone(), down.clone());
    let thread = thread::spawn(move || {
        // Relaxed: a hint.
        let down = seen.load(Ordering::Relaxed) == 1;
        other.pass(NOW, down);
    });
    // The sender asks the store how it is, and is answered. Relaxed: a hint.
    down.store(0, Ordering::Relaxed);
    let listed = key.tick(NOW, false);
    thread.join().expect("no panic");
    key.tick(NOW, listed);
    assert_eq!(key.pass(NOW, false), 1, "the node stays in its outage");
}

#[test]
fn credit_is_used_only_of_keys_that_the_sender_knows() {
    all(used_credit_is_told);
}

#[test]
fn an_outage_ends_with_the_next_tick() {
    all(an_outage_ends);
}

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// Credit is used by a load and a store.
    Stores,
    /// Settling looks at the word and leaves it.
    Looks,
    /// Settling takes no account of what was used.
    Forgets,
}

/// Credit of one, and a sender that charges what was used and issues what is left of two.
fn bare(mutant: Mutant) {
    let word = Arc::new(AtomicU64::new(1));
    let threads = spawn(2, |_| {
        let word = word.clone();
        move || {
            let order = Ordering::Relaxed;
            // Relaxed: one word.
            let count = word.load(order);
            if count == 0 {
                return 0;
            }
            if mutant == Mutant::Stores {
                // Relaxed: what the mutant does instead.
                word.store(count - 1, order);
                return 1;
            }
            // Relaxed: one word.
            u64::from(word.compare_exchange(count, count - 1, order, order).is_ok())
        }
    });
    let left = match mutant {
        // Relaxed: what the mutant does instead.
        Mutant::Looks => word.load(Ordering::Relaxed),
        // Relaxed: one word.
        _ => word.swap(0, Ordering::Relaxed),
    };
    let used = if mutant == Mutant::Forgets { 0 } else { 1 - left };
    let rest = 1 - used;
    // Relaxed: one word.
    word.store(rest, Ordering::Relaxed);
    let passed: u64 = join(threads).into_iter().sum();
    assert!(passed <= 1, "{passed} of 1 passed");
}

#[test]
fn all_mutants_are_found() {
    all(|| bare(Mutant::None));
    for mutant in [Mutant::Stores, Mutant::Looks, Mutant::Forgets] {
        finds(move || bare(mutant));
    }
}
