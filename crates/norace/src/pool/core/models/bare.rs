//! The protocol at the head of `pool/core.rs`, step by step, and its mutants.
//!
//! Objects are as good as each other here, so places and stacks only count them.

use crate::models::{all, finds, join, spawn};
use norace_prim::atomic::{AtomicU32, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};
use norace_prim::thread;
use std::collections::VecDeque;

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// A step of the table is not in the one order of all.
    WeakAnnounce,
    WeakPut,
    WeakFind,
    WeakServe,
    /// Who brings an object does not look for a line, or looks before he has put it in.
    NoServe,
    ServeFirst,
    /// Who waits looks before he has joined the line.
    FindFirst,
    /// Who waits believes a hint that a stack is empty.
    HintedFind,
    /// Who waits looks into one shard, or only for spare objects.
    FindOne,
    FindSpare,
    /// A licence comes back, and the line is not served.
    NoServeLicence,
    /// Who moves objects does not look for a line.
    NoServeMove,
    /// Who leaves keeps what he was given.
    KeepsGift,
    /// The object that lay in the spare place is written over.
    SpareStores,
}

#[derive(Default)]
struct Shard {
    spare: AtomicU32,
    len: AtomicU32,
    stack: Mutex<u32>,
}

#[derive(Default)]
struct Desk {
    licences: u32,
    line: VecDeque<u32>,
    served: Vec<u32>,
    next: u32,
}

struct Bare {
    mutant: Mutant,
    max: u32,
    shards: [Shard; 2],
    waiting: AtomicU32,
    desk: Mutex<Desk>,
    served: Condvar,
}

impl Bare {
    /// A pool all of whose objects are in use.
    fn all_live(mutant: Mutant, max: u32) -> Arc<Self> {
        Arc::new(Self {
            mutant,
            max,
            shards: [Shard::default(), Shard::default()],
            waiting: AtomicU32::new(0),
            desk: Mutex::new(Desk { licences: max, ..Desk::default() }),
            served: Condvar::new(),
        })
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    fn weak(&self, weak: Mutant, order: Ordering) -> Ordering {
        if self.is(weak) { order } else { Ordering::SeqCst }
    }

    fn take_spare(&self, shard: &Shard) -> bool {
        // As the mutant says: W3.
        if shard.spare.load(self.weak(Mutant::WeakFind, Ordering::Acquire)) == 0 {
            return false;
        }
        // Acquire: as in the protocol.
        shard.spare.swap(0, Ordering::Acquire) == 1
    }

    fn pop(&self, shard: &Shard, hinted: bool) -> bool {
        // Relaxed: a hint.
        if hinted && shard.len.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut stack = lock(&shard.stack);
        let full = *stack > 0;
        *stack -= u32::from(full);
        // Relaxed: a hint.
        shard.len.store(*stack, Ordering::Relaxed);
        full
    }

    /// W3.
    fn find(&self) -> bool {
        let count = if self.is(Mutant::FindOne) { 1 } else { 2 };
        let hinted = self.is(Mutant::HintedFind);
        self.shards[..count].iter().any(|shard| {
            self.take_spare(shard) || !self.is(Mutant::FindSpare) && self.pop(shard, hinted)
        })
    }

    fn put(&self, seat: usize) {
        if self.is(Mutant::ServeFirst) {
            self.serve();
        }
        let shard = &self.shards[seat];
        let former = if self.is(Mutant::SpareStores) {
            // Relaxed: what the mutant does instead.
            let former = shard.spare.load(Ordering::Relaxed);
            // SeqCst: as above.
            shard.spare.store(1, Ordering::SeqCst);
            former
        } else {
            // As the mutant says: W2.
            shard.spare.swap(1, self.weak(Mutant::WeakPut, Ordering::AcqRel))
        };
        if former == 1 {
            let mut stack = lock(&shard.stack);
            *stack += 1;
            // Relaxed: a hint.
            shard.len.store(*stack, Ordering::Relaxed);
        }
        if !self.is(Mutant::ServeFirst) && !self.is(Mutant::NoServe) {
            self.serve();
        }
    }

    /// Takes one, and moves half of the others from the second shard to the first.
    fn steal(&self) -> bool {
        // Relaxed: a hint.
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return false;
        }
        let [to, from] = &self.shards;
        let (mut mine, mut theirs) = (lock(&to.stack), lock(&from.stack));
        let full = *theirs > 0;
        *theirs -= u32::from(full);
        let more = *theirs / 2;
        *theirs -= more;
        *mine += more;
        drop((mine, theirs));
        if !self.is(Mutant::NoServeMove) {
            self.serve();
        }
        full
    }

    /// Takes from the second shard, unless others wait.
    fn take(&self) -> bool {
        // Relaxed: a hint.
        self.waiting.load(Ordering::Relaxed) == 0 && self.pop(&self.shards[1], false)
    }

    /// W4.
    fn serve(&self) {
        // As the mutant says: the look for a line.
        if self.waiting.load(self.weak(Mutant::WeakServe, Ordering::Acquire)) > 0 {
            self.serve_line(&mut lock(&self.desk));
        }
    }

    fn serve_line(&self, desk: &mut Desk) {
        while let Some(&first) = desk.line.front() {
            if !self.find() {
                if desk.licences >= self.max {
                    break;
                }
                desk.licences += 1;
            }
            desk.line.pop_front();
            desk.served.push(first);
        }
        self.announce(desk);
        self.served.notify_all();
    }

    fn announce(&self, desk: &Desk) {
        let waiting = u32::try_from(desk.line.len()).expect("a few");
        // As the mutant says: W1.
        self.waiting.store(waiting, self.weak(Mutant::WeakAnnounce, Ordering::Release));
    }

    /// An object is dropped.
    fn revoke(&self) {
        let mut desk = lock(&self.desk);
        desk.licences -= 1;
        if !self.is(Mutant::NoServeLicence) {
            self.serve_line(&mut desk);
        }
    }

    /// Joins the line, and is served if that can be.
    fn join_line(&self) -> u32 {
        let mut desk = lock(&self.desk);
        if self.is(Mutant::FindFirst) && self.find() {
            let number = desk.next;
            desk.next += 1;
            desk.served.push(number);
            return number;
        }
        let number = desk.next;
        desk.next += 1;
        desk.line.push_back(number);
        self.announce(&desk);
        if !self.is(Mutant::FindFirst) {
            self.serve_line(&mut desk);
        }
        number
    }

    fn get(&self) {
        let number = self.join_line();
        let mut desk = lock(&self.desk);
        while !desk.served.contains(&number) {
            desk = wait(&self.served, desk);
        }
    }

    fn leave(&self, number: u32) {
        let mut desk = lock(&self.desk);
        desk.line.retain(|waiter| *waiter != number);
        self.announce(&desk);
        let was_served = desk.served.contains(&number);
        drop(desk);
        if was_served && !self.is(Mutant::KeepsGift) {
            self.put(0);
        }
    }
}

/// As many threads as there are objects put theirs back at `seats`; who waits for all of them gets them.
fn returns(mutant: Mutant, seats: &'static [usize]) {
    let count = u32::try_from(seats.len()).expect("a few");
    let pool = Bare::all_live(mutant, count);
    let threads = spawn(count, |number| {
        let pool = pool.clone();
        move || pool.put(seats[number as usize])
    });
    (0..count).for_each(|_| pool.get());
    join(threads);
    assert!(!pool.find(), "there are as many as there were");
}

/// An object is dropped while somebody waits.
fn drops(mutant: Mutant) {
    let pool = Bare::all_live(mutant, 1);
    let thread = {
        let pool = pool.clone();
        thread::spawn(move || pool.revoke())
    };
    pool.get();
    join([thread]);
}

/// Of three objects in one shard two are taken, for good, and the third is moved, while somebody waits.
fn moves(mutant: Mutant) {
    let pool = Bare::all_live(mutant, 3);
    *lock(&pool.shards[1].stack) = 3;
    let threads = spawn(2, |thread| {
        let pool = pool.clone();
        move || if thread == 0 { pool.steal() } else { pool.take() }
    });
    pool.get();
    join(threads);
}

/// The first in line leaves, the second stays.
fn leaves(mutant: Mutant) {
    let pool = Bare::all_live(mutant, 1);
    let number = pool.join_line();
    let threads = spawn(2, |thread| {
        let pool = pool.clone();
        move || if thread == 0 { pool.put(1) } else { pool.get() }
    });
    pool.leave(number);
    join(threads);
}

#[test]
fn nobody_waits_while_an_object_lies_idle() {
    all(|| returns(Mutant::None, &[1]));
    all(|| returns(Mutant::None, &[1, 1]));
    all(|| moves(Mutant::None));
    all(|| drops(Mutant::None));
    all(|| leaves(Mutant::None));
}

#[test]
fn steps_out_of_the_one_order_are_found() {
    for mutant in [Mutant::WeakAnnounce, Mutant::WeakPut, Mutant::WeakFind, Mutant::WeakServe] {
        finds(move || returns(mutant, &[1]));
    }
}

#[test]
fn steps_left_out_or_out_of_order_are_found() {
    for mutant in [Mutant::NoServe, Mutant::ServeFirst, Mutant::FindFirst, Mutant::FindOne] {
        finds(move || returns(mutant, &[1]));
    }
    for mutant in [Mutant::SpareStores, Mutant::FindSpare, Mutant::HintedFind] {
        finds(move || returns(mutant, &[1, 1]));
    }
    finds(|| moves(Mutant::NoServeMove));
    finds(|| drops(Mutant::NoServeLicence));
    finds(|| leaves(Mutant::KeepsGift));
}
