//! The protocol alone: one permit at a time, who waits sleeps on a flag of its own. Its mutants are found.

use crate::models::{all, finds, join, spawn};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};
use std::collections::VecDeque;

const QUEUED: usize = 1;
const UNIT: usize = 2;

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// Taking, or giving, orders nothing.
    WeakTake,
    WeakGive,
    /// Who is short sets the flag without looking whether a permit has come.
    QueuesBlindly,
    /// Who stands in line sets no flag.
    NoFlag,
    /// Who gives looks at the flag and then adds, in two steps.
    GivesInTwo,
    /// Who gives to a line adds the permit and wakes nobody.
    NoWake,
    /// Nobody clears the flag when the line is empty.
    FlagStays,
    /// Who gives up keeps what it was granted.
    KeepsGrant,
    /// Granting leaves the permit free as well.
    GrantsTwice,
}

#[derive(Default)]
struct Waiter {
    granted: Mutex<bool>,
    changed: Condvar,
}

struct Bare {
    mutant: Mutant,
    word: AtomicUsize,
    line: Mutex<VecDeque<Arc<Waiter>>>,
}

impl Bare {
    fn new(mutant: Mutant, permits: usize) -> Arc<Self> {
        let word = AtomicUsize::new(permits * UNIT);
        Arc::new(Self { mutant, word, line: Mutex::default() })
    }

    fn weak(&self, weak: Mutant, order: Ordering) -> Ordering {
        if self.mutant == weak { Ordering::Relaxed } else { order }
    }

    /// Takes at once, or stands in line.
    fn arrive(&self) -> Option<Arc<Waiter>> {
        // Relaxed: the exchange decides.
        let mut word = self.word.load(Ordering::Relaxed);
        let order = self.weak(Mutant::WeakTake, Ordering::Acquire);
        while word & QUEUED == 0 && word >= UNIT {
            // As the mutant says: the taking. Relaxed: it is tried again.
            match self.word.compare_exchange(word, word - UNIT, order, Ordering::Relaxed) {
                Ok(_) => return None,
                Err(now) => word = now,
            }
        }
        let mut line = lock(&self.line);
        // Relaxed: the exchange decides.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let takes = word & QUEUED == 0 && word >= UNIT && self.mutant != Mutant::QueuesBlindly;
            let flag = if self.mutant == Mutant::NoFlag { 0 } else { QUEUED };
            let next = if takes { word - UNIT } else { word | flag };
            // As the mutant says: the taking. Relaxed: it is tried again.
            match self.word.compare_exchange(word, next, order, Ordering::Relaxed) {
                Ok(_) if takes => return None,
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        let waiter = Arc::new(Waiter::default());
        line.push_back(waiter.clone());
        Some(waiter)
    }

    fn take(&self) {
        if let Some(waiter) = self.arrive() {
            let mut granted = lock(&waiter.granted);
            while !*granted {
                granted = wait(&waiter.changed, granted);
            }
        }
    }

    fn give(&self) {
        let order = self.weak(Mutant::WeakGive, Ordering::Release);
        // Relaxed: the exchange decides.
        let mut word = self.word.load(Ordering::Relaxed);
        if self.mutant == Mutant::GivesInTwo && word & QUEUED == 0 {
            // Release: what the mutant does instead.
            self.word.fetch_add(UNIT, Ordering::Release);
            return;
        }
        while word & QUEUED == 0 {
            // As the mutant says: the giving. Relaxed: it is tried again.
            match self.word.compare_exchange(word, word + UNIT, order, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        self.serve(1);
    }

    fn serve(&self, mut spare: usize) {
        let mut line = lock(&self.line);
        if spare > 0
            && self.mutant != Mutant::NoWake
            && let Some(waiter) = line.pop_front()
        {
            *lock(&waiter.granted) = true;
            waiter.changed.notify_one();
            spare = usize::from(self.mutant == Mutant::GrantsTwice);
        }
        let empty = line.is_empty() && self.mutant != Mutant::FlagStays;
        let change = |word: usize| {
            let word = word + spare * UNIT;
            Some(if empty { word & !QUEUED } else { word })
        };
        // Release: for who takes. Relaxed: it is tried again.
        self.word
            .fetch_update(Ordering::Release, Ordering::Relaxed, change)
            .expect("it always changes");
    }

    fn leave(&self, waiter: &Arc<Waiter>) {
        let granted = {
            let mut line = lock(&self.line);
            line.retain(|other| !Arc::ptr_eq(other, waiter));
            *lock(&waiter.granted)
        };
        let keeps = self.mutant == Mutant::KeepsGrant;
        self.serve(usize::from(granted && !keeps));
    }
}

/// Two threads take one permit `times` times each, and look at what it protects.
fn alone(mutant: Mutant, times: u32) {
    let (bare, cell) = (Bare::new(mutant, 1), Arc::new(RaceCell::new(0)));
    join(spawn(2, |_| {
        let (bare, cell) = (bare.clone(), cell.clone());
        move || {
            for _ in 0..times {
                bare.take();
                cell.update(|count| count + 1);
                bare.give();
            }
        }
    }));
    assert_eq!(cell.get(), 2 * times);
    bare.take();
}

/// One gives up while another waits and the permit comes.
fn gives_up(mutant: Mutant) {
    let bare = Bare::new(mutant, 0);
    let quitter = bare.arrive().expect("no permit is free");
    let threads = spawn(2, |number| {
        let bare = bare.clone();
        move || if number == 0 { bare.take() } else { bare.give() }
    });
    bare.leave(&quitter);
    join(threads);
    bare.give();
    bare.take();
}

#[test]
fn the_protocol_excludes_and_wakes() {
    all(|| alone(Mutant::None, 1));
    all(|| gives_up(Mutant::None));
}

#[test]
fn mutants_that_order_or_exclude_too_little_are_races() {
    for mutant in [Mutant::WeakTake, Mutant::WeakGive, Mutant::GrantsTwice] {
        let found = finds(|| alone(mutant, 2));
        assert_eq!(found.kind, "data-race", "{mutant:?}: {}", found.to_text());
    }
}

#[test]
fn mutants_that_lose_a_wake_up_are_deadlocks() {
    let alone_twice = [
        Mutant::QueuesBlindly,
        Mutant::NoFlag,
        Mutant::GivesInTwo,
        Mutant::NoWake,
        Mutant::FlagStays,
    ];
    for mutant in alone_twice {
        let found = finds(|| alone(mutant, 2));
        assert_eq!(found.kind, "deadlock", "{mutant:?}: {}", found.to_text());
    }
    let found = finds(|| gives_up(Mutant::KeepsGrant));
    assert_eq!(found.kind, "deadlock", "{}", found.to_text());
}
