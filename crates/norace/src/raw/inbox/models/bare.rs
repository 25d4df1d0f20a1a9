//! The protocol at the head of `raw/inbox.rs`, step by step, and its mutants.

use crate::models::{all, finds, join};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicBool, AtomicUsize, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// The exchange of a put, or of the taking of the stack, has no order.
    WeakPut,
    WeakTakeAll,
    /// `ready` is exchanged, or stored, without an order.
    WeakClaim,
    WeakClear,
    /// A put is a load and a store.
    PutStores,
    /// The stack is taken by a load and a store, or by a swap that forgets that it is closed.
    TakeAllStores,
    TakeAllSwaps,
    /// Who takes does not claim the right to.
    NoClaim,
    /// Closing leaves null, or has no order.
    CloseByNull,
    WeakClose,
    /// A taker does not look for what is left, or does so before its last store.
    NoLook,
    EarlyLook,
    /// The last store of `ready`, its load by who goes to sleep, the exchange of a put, or the load of `top` by who
    /// goes to sleep is not `SeqCst`.
    NotLastClear,
    NotLastPut,
    NotLastReady,
    NotLastTop,
}

const CLOSED: usize = usize::MAX;
const TAKING: usize = usize::MAX;

/// The nodes: node `n` has the value `n`. The one before it in the stack.
struct Inbox {
    mutant: Mutant,
    next: [RaceCell<usize>; 4],
    top: AtomicUsize,
    ready: AtomicUsize,
    list: RaceCell<Vec<usize>>,
    asleep: AtomicBool,
}

impl Inbox {
    fn new(mutant: Mutant) -> Arc<Self> {
        Arc::new(Self {
            mutant,
            next: std::array::from_fn(|_| RaceCell::new(0)),
            top: AtomicUsize::new(0),
            ready: AtomicUsize::new(0),
            list: RaceCell::new(Vec::new()),
            asleep: AtomicBool::new(false),
        })
    }

    fn order(&self, weak: Mutant, weaker: Ordering, order: Ordering) -> Ordering {
        if self.mutant == weak { weaker } else { order }
    }

    fn exchange(&self, stores: Mutant, from: usize, to: usize, order: Ordering) -> bool {
        if self.mutant == stores {
            // SeqCst: what the mutant does instead.
            self.top.store(to, Ordering::SeqCst);
            return true;
        }
        // As the mutant says, in the caller. Relaxed: who fails looks again.
        self.top.compare_exchange(from, to, order, Ordering::Relaxed).is_ok()
    }

    /// Gives the value back when the queue is closed.
    fn put(&self, node: usize) -> Option<usize> {
        let order = match self.mutant {
            Mutant::WeakPut => Ordering::Relaxed,
            Mutant::NotLastPut => Ordering::AcqRel,
            _ => Ordering::SeqCst,
        };
        loop {
            // Relaxed: the exchange decides.
            let top = self.top.load(Ordering::Relaxed);
            if top == CLOSED {
                return Some(node);
            }
            self.next[node].set(top);
            if self.exchange(Mutant::PutStores, top, node, order) {
                self.wake();
                return None;
            }
        }
    }

    fn append(&self, top: usize, list: &mut Vec<usize>) {
        let (at, mut node) = (list.len(), top);
        while node != 0 && node != CLOSED {
            list.insert(at, node);
            node = self.next[node].get();
        }
    }

    fn take_all(&self) -> usize {
        if self.mutant == Mutant::TakeAllSwaps {
            // Acquire: what the mutant does instead.
            return self.top.swap(0, Ordering::Acquire);
        }
        let order = self.order(Mutant::WeakTakeAll, Ordering::Relaxed, Ordering::Acquire);
        loop {
            // Relaxed: the exchange decides.
            let top = self.top.load(Ordering::Relaxed);
            if top == 0 || top == CLOSED {
                return 0;
            }
            if self.exchange(Mutant::TakeAllStores, top, 0, order) {
                return top;
            }
        }
    }

    fn take(&self, count: usize) -> Vec<usize> {
        let order = self.order(Mutant::WeakClaim, Ordering::Relaxed, Ordering::Acquire);
        // As the mutant says: the claim.
        let taking = self.ready.swap(TAKING, order) == TAKING;
        if taking && self.mutant != Mutant::NoClaim {
            return Vec::new();
        }
        let top = self.take_all();
        let (taken, left) = self.list.with_mut(|list| {
            self.append(top, list);
            let taken = list.drain(..list.len().min(count)).collect();
            (taken, list.len())
        });
        if self.mutant == Mutant::EarlyLook && left > 0 {
            self.wake();
        }
        let order = match self.mutant {
            Mutant::WeakClear => Ordering::Relaxed,
            Mutant::NotLastClear => Ordering::Release,
            _ => Ordering::SeqCst,
        };
        // As the mutant says: the last store.
        self.ready.store(left, order);
        taken
    }

    fn take_and_look(&self, count: usize) -> Vec<usize> {
        let taken = self.take(count);
        if !matches!(self.mutant, Mutant::NoLook | Mutant::EarlyLook) && self.has_work() {
            self.wake();
        }
        taken
    }

    fn close(&self) -> Vec<usize> {
        let to = if self.mutant == Mutant::CloseByNull { 0 } else { CLOSED };
        let order = self.order(Mutant::WeakClose, Ordering::Relaxed, Ordering::Acquire);
        // As the mutant says: the end.
        let top = self.top.swap(to, order);
        let mut rest = self.take(usize::MAX);
        self.append(top, &mut rest);
        rest
    }

    fn has_work(&self) -> bool {
        let order = self.order(Mutant::NotLastReady, Ordering::Acquire, Ordering::SeqCst);
        // As the mutant says: the look at the list.
        let ready = self.ready.load(order);
        if ready != 0 {
            return ready != TAKING;
        }
        let order = self.order(Mutant::NotLastTop, Ordering::Acquire, Ordering::SeqCst);
        // As the mutant says: the look at the stack.
        let top = self.top.load(order);
        top != 0 && top != CLOSED
    }

    /// P2.
    fn wake(&self) {
        // SeqCst: P2.
        if self.asleep.load(Ordering::SeqCst) {
            // Relaxed: read when all are done.
            self.asleep.store(false, Ordering::Relaxed);
        }
    }
}

/// Two put in, one takes and then closes.
fn until_closed(mutant: Mutant) {
    let inbox = Inbox::new(mutant);
    assert_eq!(inbox.put(1), None);
    let putter = |node| {
        let inbox = inbox.clone();
        thread::spawn(move || inbox.put(node).into_iter().collect::<Vec<_>>())
    };
    let putters = [putter(2), putter(3)];
    let mut all = [inbox.take(1), inbox.close()].concat();
    all.extend(inbox.put(0));
    all.extend(join(putters).concat());
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3], "each comes out once, and the last one is refused");
}

/// Two take while another puts in.
fn takers(mutant: Mutant) {
    let inbox = Inbox::new(mutant);
    assert_eq!(inbox.put(1), None);
    let threads = [(), ()].map(|()| {
        let inbox = inbox.clone();
        thread::spawn(move || inbox.take(1))
    });
    assert_eq!(inbox.put(2), None);
    let mut all = join(threads).concat();
    all.extend(inbox.take(2));
    all.sort_unstable();
    assert_eq!(all, [1, 2], "each comes out once");
}

/// One takes, one puts in, one goes to sleep.
fn sleeper(mutant: Mutant) {
    let inbox = Inbox::new(mutant);
    assert_eq!((inbox.put(1), inbox.put(2)), (None, None));
    let taker = {
        let inbox = inbox.clone();
        thread::spawn(move || inbox.take_and_look(1))
    };
    // SeqCst: S1.
    inbox.asleep.store(true, Ordering::SeqCst);
    let awake = inbox.has_work();
    join([taker]);
    // Relaxed: all are done.
    let asleep = inbox.asleep.load(Ordering::Relaxed) && !awake;
    assert!(!(inbox.has_work() && asleep), "work is left and everybody sleeps");
}

/// One puts in, one goes to sleep.
fn sleeper_and_putter(mutant: Mutant) {
    let inbox = Inbox::new(mutant);
    let putter = {
        let inbox = inbox.clone();
        thread::spawn(move || inbox.put(1))
    };
    // SeqCst: S1.
    inbox.asleep.store(true, Ordering::SeqCst);
    let awake = inbox.has_work();
    join([putter]);
    // Relaxed: all are done.
    let asleep = inbox.asleep.load(Ordering::Relaxed) && !awake;
    assert!(!asleep, "work is left and everybody sleeps");
}

#[test]
fn each_value_comes_out_once_and_nobody_sleeps_beside_it() {
    all(|| until_closed(Mutant::None));
    all(|| takers(Mutant::None));
    all(|| sleeper(Mutant::None));
    all(|| sleeper_and_putter(Mutant::None));
}

#[test]
fn mutants_that_lose_or_double_values_are_found() {
    for mutant in [
        Mutant::WeakPut,
        Mutant::WeakTakeAll,
        Mutant::PutStores,
        Mutant::TakeAllStores,
        Mutant::TakeAllSwaps,
        Mutant::CloseByNull,
        Mutant::WeakClose,
    ] {
        finds(move || until_closed(mutant));
    }
    for mutant in [Mutant::NoClaim, Mutant::WeakClaim, Mutant::WeakClear] {
        finds(move || takers(mutant));
    }
}

#[test]
fn mutants_that_let_sleep_are_found() {
    for mutant in [Mutant::NoLook, Mutant::EarlyLook, Mutant::NotLastClear, Mutant::NotLastReady] {
        finds(move || sleeper(mutant));
    }
    for mutant in [Mutant::NotLastPut, Mutant::NotLastTop] {
        finds(move || sleeper_and_putter(mutant));
    }
}
