//! The protocol at the head of `raw/ring.rs`, step by step, and its mutants.

use crate::models::{all, finds, join, spawn};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::Arc;

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// The tail is published, or read by a thief, without an order.
    WeakPublish,
    WeakTail,
    /// The slots are given back, or found given back, without an order.
    WeakGiveBack,
    WeakRoom,
    /// The tail is published before the slot is filled.
    PublishFirst,
    /// The owner does not look whether the slot is free.
    NoRoomLook,
    /// A thief leaves no mark.
    NoLag,
    /// A thief works beside another one.
    TwoThieves,
    /// A thief takes back its mark before it has taken the values out.
    GiveBackFirst,
    /// The owner's claim does not lengthen the lag.
    PopForgetsLag,
    /// The owner, or a thief, claims by a store.
    PopStores,
    StealStores,
    /// Room is made without a claim, or although a thief is at work.
    RoomUnclaimed,
    RoomBesideThief,
    /// Positions come again after two laps.
    ShortPositions,
}

const N: u64 = 2;
const LAG_BITS: u32 = 4;
const LAG: u64 = (1 << LAG_BITS) - 1;

struct Ring {
    mutant: Mutant,
    head: AtomicU64,
    tail: AtomicU64,
    slots: [RaceCell<Option<u32>>; N as usize],
}

impl Ring {
    fn new(mutant: Mutant) -> Arc<Self> {
        let slots = [RaceCell::new(None), RaceCell::new(None)];
        Arc::new(Self { mutant, head: AtomicU64::new(0), tail: AtomicU64::new(0), slots })
    }

    fn weak(&self, weak: Mutant, order: Ordering) -> Ordering {
        if self.mutant == weak { Ordering::Relaxed } else { order }
    }

    /// A position as it is stored.
    fn stored(&self, position: u64) -> u64 {
        if self.mutant == Mutant::ShortPositions { position % (2 * N) } else { position }
    }

    /// How far it is from one stored position to a later one.
    fn between(&self, from: u64, to: u64) -> u64 {
        if self.mutant == Mutant::ShortPositions {
            (to + 2 * N - from) % (2 * N)
        } else {
            to.saturating_sub(from)
        }
    }

    fn head(&self, first: u64, lag: u64) -> u64 {
        self.stored(first) << LAG_BITS | lag
    }

    fn fill(&self, position: u64, value: u32) {
        let former = self.slots[(position % N) as usize].replace(Some(value));
        assert_eq!(former, None, "a value was written over");
    }

    fn empty(&self, position: u64) -> u32 {
        self.slots[(position % N) as usize].replace(None).expect("a claimed slot is full")
    }

    /// Moves the head; false when somebody else did.
    fn claim(&self, stores: Mutant, old: u64, new: u64) -> bool {
        if self.mutant == stores {
            // Relaxed: what the mutant does instead.
            self.head.store(new, Ordering::Relaxed);
            return true;
        }
        // Relaxed: as in the protocol.
        self.head.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn push(&self, value: u32) -> Vec<u32> {
        // Relaxed: the owner's own.
        let tail = self.tail.load(Ordering::Relaxed);
        loop {
            // As the mutant says: the look for room.
            let head = self.head.load(self.weak(Mutant::WeakRoom, Ordering::Acquire));
            let (first, lag) = (head >> LAG_BITS, head & LAG);
            let room = self.between(first, tail) + lag < N;
            if room || self.mutant == Mutant::NoRoomLook {
                self.publish(tail, value);
                return Vec::new();
            }
            if lag > 0 && self.mutant != Mutant::RoomBesideThief {
                return vec![value];
            }
            if self.claim(Mutant::RoomUnclaimed, head, self.head(tail, lag)) {
                let mut rest = vec![self.empty(first + N / 2)];
                rest.push(value);
                // Release: as in the protocol, as far as the ring goes.
                self.tail.store(self.stored(tail + N / 2), Ordering::Release);
                return rest;
            }
        }
    }

    fn publish(&self, tail: u64, value: u32) {
        let first = self.mutant == Mutant::PublishFirst;
        if !first {
            self.fill(tail, value);
        }
        // As the mutant says: the publication.
        self.tail.store(self.stored(tail + 1), self.weak(Mutant::WeakPublish, Ordering::Release));
        if first {
            self.fill(tail, value);
        }
    }

    fn pop(&self) -> Option<u32> {
        // Relaxed: the owner's own.
        let tail = self.tail.load(Ordering::Relaxed);
        loop {
            // Relaxed: the claim decides.
            let head = self.head.load(Ordering::Relaxed);
            let (first, lag) = (head >> LAG_BITS, head & LAG);
            if first == tail {
                return None;
            }
            let longer = lag > 0 && self.mutant != Mutant::PopForgetsLag;
            let new = self.head(first + 1, lag + u64::from(longer));
            if self.claim(Mutant::PopStores, head, new) {
                return Some(self.empty(first));
            }
        }
    }

    fn steal(&self) -> Vec<u32> {
        let (first, count) = loop {
            // Relaxed: the claim decides.
            let head = self.head.load(Ordering::Relaxed);
            let (first, lag) = (head >> LAG_BITS, head & LAG);
            // As the mutant says: the look at the tail.
            let tail = self.tail.load(self.weak(Mutant::WeakTail, Ordering::Acquire));
            let count = self.between(first, tail).min(N).div_ceil(2);
            if count == 0 || lag > 0 && self.mutant != Mutant::TwoThieves {
                return Vec::new();
            }
            let mark = if self.mutant == Mutant::NoLag { 0 } else { count };
            if self.claim(Mutant::StealStores, head, self.head(first + count, lag + mark)) {
                break (first, count);
            }
        };
        if self.mutant == Mutant::GiveBackFirst {
            self.give_back();
        }
        let taken = (first..first + count).map(|position| self.empty(position)).collect();
        if self.mutant != Mutant::GiveBackFirst {
            self.give_back();
        }
        taken
    }

    fn give_back(&self) {
        // As the mutant says: the mark is taken back.
        self.head.fetch_and(!LAG, self.weak(Mutant::WeakGiveBack, Ordering::Release));
    }
}

/// An owner that pushes and pops as `steps` says, for values from 1 on, and thieves that steal once each.
fn owner_and_thieves(mutant: Mutant, filled: u32, steps: &str, thieves: u32) {
    let ring = Ring::new(mutant);
    let mut values = 0;
    let mut push = |taken: &mut Vec<u32>| {
        values += 1;
        taken.extend(ring.push(values));
    };
    let mut taken = Vec::new();
    (0..filled).for_each(|_| push(&mut taken));
    let thieves = spawn(thieves, |_| {
        let ring = ring.clone();
        move || ring.steal()
    });
    for step in steps.chars() {
        match step {
            '+' => push(&mut taken),
            _ => taken.extend(ring.pop()),
        }
    }
    taken.extend(join(thieves).into_iter().flatten());
    taken.extend(std::iter::from_fn(|| ring.pop()));
    taken.sort_unstable();
    assert_eq!(taken, (1..=values).collect::<Vec<_>>(), "each comes out once");
}

#[test]
fn each_value_comes_out_once() {
    all(|| owner_and_thieves(Mutant::None, 0, "++-+", 1));
    all(|| owner_and_thieves(Mutant::None, 1, "+-+", 2));
    all(|| owner_and_thieves(Mutant::None, 2, "+-+", 1));
    all(|| owner_and_thieves(Mutant::None, 2, "-+-+", 1));
}

#[test]
fn orders_that_are_weaker_are_found() {
    for mutant in [Mutant::WeakPublish, Mutant::WeakTail, Mutant::WeakGiveBack, Mutant::WeakRoom] {
        finds(move || owner_and_thieves(mutant, 1, "++-+", 1));
    }
}

#[test]
fn steps_left_out_or_out_of_order_are_found() {
    for mutant in [Mutant::PublishFirst, Mutant::NoLag, Mutant::GiveBackFirst, Mutant::StealStores]
    {
        finds(move || owner_and_thieves(mutant, 1, "+-+", 1));
    }
    finds(|| owner_and_thieves(Mutant::NoRoomLook, 2, "+", 1));
    finds(|| owner_and_thieves(Mutant::PopStores, 2, "-", 1));
    finds(|| owner_and_thieves(Mutant::PopForgetsLag, 2, "-++", 1));
    finds(|| owner_and_thieves(Mutant::TwoThieves, 2, "+", 2));
    finds(|| owner_and_thieves(Mutant::RoomUnclaimed, 2, "+", 1));
    finds(|| owner_and_thieves(Mutant::RoomBesideThief, 2, "+-+", 1));
}

#[test]
fn positions_that_come_again_are_found() {
    all(|| owner_and_thieves(Mutant::None, 1, "-+-+-+-", 1));
    finds(|| owner_and_thieves(Mutant::ShortPositions, 1, "-+-+-+-", 1));
}
