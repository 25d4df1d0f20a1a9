//! "Who waits", step by step, and its mutants: a sleeper and somebody who changes a word.

use crate::models::{all, finds};
use norace_prim::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread::{self, Thread};

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// The sleeper has no fence; or does not look again; or sets the flag before it is on the list.
    NoFenceOfSleeper,
    NoSecondLook,
    FlagFirst,
    /// Who changes something has no fence.
    NoFenceOfWaker,
    /// The one change is no `SeqCst` access; or the look at the flag is none.
    WeakChange,
    WeakFlag,
    /// The flag is taken back after the list was emptied, outside of the lock.
    FlagLast,
}

struct Bell {
    mutant: Mutant,
    word: AtomicU64,
    is_awaited: AtomicBool,
    list: Mutex<Vec<Thread>>,
}

impl Bell {
    fn sleep_until(&self, wanted: u64) {
        // Acquire: as in look.
        let is_there = || self.word.load(Ordering::Acquire) >= wanted;
        while !is_there() {
            if self.mutant == Mutant::FlagFirst {
                // Relaxed: what the mutant does instead.
                self.is_awaited.store(true, Ordering::Relaxed);
            }
            let mut list = lock(&self.list);
            list.push(thread::current());
            if self.mutant != Mutant::FlagFirst {
                // Relaxed: as in the protocol.
                self.is_awaited.store(true, Ordering::Relaxed);
            }
            drop(list);
            if self.mutant != Mutant::NoFenceOfSleeper {
                // SeqCst: as in the protocol.
                fence(Ordering::SeqCst);
            }
            if self.mutant == Mutant::NoSecondLook || !is_there() {
                thread::park();
            }
        }
    }

    fn change(&self, word: u64, ordered: bool) {
        let weak = !ordered || self.mutant == Mutant::WeakChange;
        let order = if weak { Ordering::Release } else { Ordering::SeqCst };
        // As the mutant says: the change.
        self.word.store(word, order);
        if !ordered && self.mutant != Mutant::NoFenceOfWaker {
            // SeqCst: as in the protocol.
            fence(Ordering::SeqCst);
        }
        let weak = self.mutant == Mutant::WeakFlag;
        let order = if weak { Ordering::Acquire } else { Ordering::SeqCst };
        // As the mutant says: the look at the flag.
        if !self.is_awaited.load(order) {
            return;
        }
        let mut list = lock(&self.list);
        let sleepers = std::mem::take(&mut *list);
        let reset = || {
            // Relaxed: as in the protocol.
            self.is_awaited.store(false, Ordering::Relaxed);
        };
        if self.mutant != Mutant::FlagLast {
            reset();
        }
        drop(list);
        sleepers.iter().for_each(Thread::unpark);
        if self.mutant == Mutant::FlagLast {
            reset();
        }
    }
}

fn sleeper_and_changes(mutant: Mutant, ordered: bool) {
    let list = Mutex::new(Vec::new());
    let (word, is_awaited) = (AtomicU64::new(0), AtomicBool::new(false));
    let bell = Arc::new(Bell { mutant, word, is_awaited, list });
    let sleeper = thread::spawn({
        let bell = bell.clone();
        move || (1..=2).for_each(|wanted| bell.sleep_until(wanted))
    });
    (1..=2).for_each(|word| bell.change(word, ordered));
    sleeper.join().expect("woken");
}

#[test]
fn nobody_sleeps_beside_what_he_waits_for() {
    all(|| sleeper_and_changes(Mutant::None, true));
    all(|| sleeper_and_changes(Mutant::None, false));
}

#[test]
fn lost_wake_ups_of_the_mutants_are_found() {
    for ordered in [true, false] {
        for mutant in
            [Mutant::NoFenceOfSleeper, Mutant::NoSecondLook, Mutant::FlagFirst, Mutant::FlagLast]
        {
            finds(move || sleeper_and_changes(mutant, ordered));
        }
    }
    finds(|| sleeper_and_changes(Mutant::NoFenceOfWaker, false));
    finds(|| sleeper_and_changes(Mutant::WeakChange, true));
    finds(|| sleeper_and_changes(Mutant::WeakFlag, true));
}
