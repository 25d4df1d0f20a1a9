//! The waiting protocol bare, with mutants; the real one is explored with the objects made of it.

use crate::models::{all, finds, join, spawn};
use norace_prim::atomic::{AtomicBool, AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// One of the four accesses is not SeqCst.
    WeakChange,
    WeakCountRead,
    WeakCountWrite,
    WeakSecondLook,
    /// Who waits does not look again.
    NoSecondLook,
    /// Who waits looks first and counts then.
    LooksThenCounts,
    /// Who changes reads the count first.
    CountsThenChanges,
    /// The count is written before the waiter is in line.
    CountsOutside,
}

#[derive(Default)]
struct Line {
    waiting: usize,
    /// Raised for everybody who is in line.
    answers: usize,
}

struct Bare {
    mutant: Mutant,
    set: AtomicBool,
    waiting: AtomicUsize,
    line: Mutex<Line>,
    answered: Condvar,
}

impl Bare {
    fn order(&self, weak: Mutant, instead: Ordering) -> Ordering {
        if self.mutant == weak { instead } else { Ordering::SeqCst }
    }

    fn count(&self, waiting: usize) {
        // As the mutant says: the count.
        self.waiting.store(waiting, self.order(Mutant::WeakCountWrite, Ordering::Release));
    }

    fn set(&self) {
        let read = || {
            // As the mutant says: the read of the count.
            self.waiting.load(self.order(Mutant::WeakCountRead, Ordering::Acquire)) != 0
        };
        let early = (self.mutant == Mutant::CountsThenChanges).then(read);
        // As the mutant says: the change.
        self.set.swap(true, self.order(Mutant::WeakChange, Ordering::AcqRel));
        if early.unwrap_or_else(read) {
            let mut line = lock(&self.line);
            line.answers += line.waiting;
            line.waiting = 0;
            self.count(0);
            drop(line);
            self.answered.notify_all();
        }
    }

    fn look(&self, order: Ordering) -> bool {
        // As the caller says.
        self.set.load(order)
    }

    fn wait(&self) {
        if self.look(Ordering::Acquire) {
            return;
        }
        if self.mutant == Mutant::CountsOutside {
            self.count(1);
            if self.look(Ordering::SeqCst) {
                return;
            }
        }
        let mut line = lock(&self.line);
        line.waiting += 1;
        let second = self.order(Mutant::WeakSecondLook, Ordering::Acquire);
        let early = self.mutant == Mutant::LooksThenCounts && self.look(second);
        if self.mutant != Mutant::CountsOutside {
            self.count(line.waiting);
        }
        let skips = [Mutant::NoSecondLook, Mutant::LooksThenCounts, Mutant::CountsOutside];
        if early || (!skips.contains(&self.mutant) && self.look(second)) {
            line.waiting -= 1;
            self.count(line.waiting);
            return;
        }
        while line.answers == 0 {
            line = wait(&self.answered, line);
        }
        line.answers -= 1;
    }
}

/// One sets and `waiters` wait.
fn signal(mutant: Mutant, waiters: u32) {
    let bare = Arc::new(Bare {
        mutant,
        set: AtomicBool::new(false),
        waiting: AtomicUsize::new(0),
        line: Mutex::default(),
        answered: Condvar::new(),
    });
    let threads = spawn(waiters, |_| {
        let bare = bare.clone();
        move || bare.wait()
    });
    bare.set();
    join(threads);
}

#[test]
fn nobody_sleeps_beside_what_he_waits_for() {
    all(|| signal(Mutant::None, 1));
    all(|| signal(Mutant::None, 2));
}

#[test]
fn mutants_leave_somebody_asleep() {
    let mutants = [
        Mutant::WeakChange,
        Mutant::WeakCountRead,
        Mutant::WeakCountWrite,
        Mutant::WeakSecondLook,
        Mutant::NoSecondLook,
        Mutant::LooksThenCounts,
        Mutant::CountsThenChanges,
        Mutant::CountsOutside,
    ];
    for mutant in mutants {
        let found = finds(|| signal(mutant, 1));
        let asleep = ["deadlock", "lost-wakeup"].contains(&found.kind);
        assert!(asleep, "{mutant:?}: {}", found.to_text());
    }
}
