//! The protocol at the head of `raw/bus.rs`, step by step, and its mutants.

use crate::models::{all, finds};
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// A word is published, or looked at, without an order.
    WeakPublish,
    WeakLook,
    /// A pin is taken off without an order; or not put on, in vain, without one.
    WeakUnpin,
    WeakRetry,
    /// A slot is marked without seeing who held it, or without telling who is overtaken.
    WeakMark,
    QuietMark,
    /// A lossy reader does not pin; or pins whatever is there; or unpins before it has read.
    NoPin,
    BlindPin,
    UnpinFirst,
    /// A producer does not heed pins, or forgets them.
    MarkOverPins,
    VoidLosesPins,
    /// A position is stored, or looked at, without an order; or moved on before the reading.
    WeakPosition,
    WeakGate,
    PassFirst,
    /// The limit is stored, or looked at, without an order.
    WeakLimit,
    WeakRoom,
    /// The limit heeds no reader, or no producer.
    NoGate,
    NoPrefix,
    /// A claim, or the last lossy reader's leave, has no order.
    WeakClaim,
    WeakLeave,
    /// A claim is a store.
    ClaimStores,
    /// A lossy reader reads the tail before it sets the flag.
    FlagLate,
    /// A gating reader begins at what the tail says.
    JoinTooOld,
    /// A word is published before the value is written.
    PublishFirst,
}

const N: u64 = 2;
const LOSSY: u64 = 1;

const FILLING: u64 = 0;
const VALUE: u64 = 1;
const VOID: u64 = 2;

/// A lap word: the sequence plus `N`, the kind, and up to 15 pins.
fn word(sequence: u64, kind: u64) -> u64 {
    (sequence + N) << 6 | kind << 4
}

fn sequence(word: u64) -> i64 {
    (word >> 6).cast_signed() - N.cast_signed()
}

fn kind(word: u64) -> u64 {
    word >> 4 & 3
}

fn pins(word: u64) -> u64 {
    word & 15
}

#[derive(Default)]
struct Seats {
    gating: Vec<Arc<AtomicU64>>,
    prefix: u64,
    limit: u64,
}

struct Ring {
    mutant: Mutant,
    /// The next sequence and, in the low bit, `LOSSY`.
    tail: AtomicU64,
    limit: AtomicU64,
    words: [AtomicU64; N as usize],
    /// The sequence that was written last, plus one.
    values: [RaceCell<u64>; N as usize],
    seats: Mutex<Seats>,
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Value(u64),
    Void,
    Nothing,
    Overtaken,
}

impl Ring {
    fn new(mutant: Mutant) -> Arc<Self> {
        Arc::new(Self {
            mutant,
            tail: AtomicU64::new(0),
            limit: AtomicU64::new(0),
            words: [AtomicU64::new(VOID << 4), AtomicU64::new(1 << 6 | VOID << 4)],
            values: [RaceCell::new(0), RaceCell::new(0)],
            seats: Mutex::default(),
        })
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    fn weak(&self, weak: Mutant, order: Ordering) -> Ordering {
        if self.is(weak) { Ordering::Relaxed } else { order }
    }

    fn word(&self, sequence: u64) -> &AtomicU64 {
        &self.words[(sequence % N) as usize]
    }

    fn value(&self, sequence: u64) -> &RaceCell<u64> {
        &self.values[(sequence % N) as usize]
    }

    fn refresh(&self, tail: u64) -> u64 {
        let mut seats = lock(&self.seats);
        let order = self.weak(Mutant::WeakGate, Ordering::Acquire);
        let gate = seats.gating.iter().map(|position| {
            // As the mutant says: where the reader is.
            position.load(order)
        });
        let gate = gate.min().filter(|_| !self.is(Mutant::NoGate));
        let end = gate.unwrap_or(tail).min(tail);
        let is_published = |next: u64| {
            // Acquire: as in the protocol.
            let word = self.word(next).load(Ordering::Acquire);
            sequence(word) == next.cast_signed() && kind(word) != FILLING
        };
        while seats.prefix < end && (is_published(seats.prefix) || self.is(Mutant::NoPrefix)) {
            seats.prefix += 1;
        }
        let limit = match gate {
            Some(gate) => gate.min(seats.prefix) + N,
            None => (seats.prefix + N).min(tail + 1),
        };
        seats.limit = seats.limit.max(limit);
        // As the mutant says: the limit is stored.
        self.limit.store(seats.limit, self.weak(Mutant::WeakLimit, Ordering::Release));
        seats.limit
    }

    /// The sequence that was claimed, and whether to mark; `None` when the ring is full.
    fn claim(&self) -> Option<(u64, bool)> {
        let order = self.weak(Mutant::WeakClaim, Ordering::Acquire);
        // As the mutant says: the tail.
        let mut tail = self.tail.load(order);
        loop {
            let next = tail >> 1;
            // As the mutant says: the limit is looked at.
            let limit = self.limit.load(self.weak(Mutant::WeakRoom, Ordering::Acquire));
            if limit <= next && self.refresh(next) <= next {
                return None;
            }
            if self.is(Mutant::ClaimStores) {
                // Relaxed: what the mutant does instead.
                self.tail.store(tail + 2, Ordering::Relaxed);
                return Some((next, tail & LOSSY != 0));
            }
            // As the mutant says: the claim.
            match self.tail.compare_exchange(tail, tail + 2, order, order) {
                Ok(_) => return Some((next, tail & LOSSY != 0)),
                Err(now) => tail = now,
            }
        }
    }

    fn mark(&self, next: u64) -> bool {
        // Relaxed: the exchange decides.
        let mut now = self.word(next).load(Ordering::Relaxed);
        loop {
            let free = pins(now) == 0 || self.is(Mutant::MarkOverPins);
            let kept = if self.is(Mutant::VoidLosesPins) { 0 } else { pins(now) };
            let new = if free { word(next, FILLING) | pins(now) } else { word(next, VOID) | kept };
            let order = match self.mutant {
                Mutant::WeakMark => Ordering::Release,
                Mutant::QuietMark => Ordering::Acquire,
                _ => Ordering::AcqRel,
            };
            // As the mutant says: the mark. Relaxed: who fails looks again.
            match self.word(next).compare_exchange(now, new, order, Ordering::Relaxed) {
                Ok(_) => return free,
                Err(new) => now = new,
            }
        }
    }

    /// Publishes the number of its sequence plus one.
    fn publish(&self) -> Option<u64> {
        loop {
            let (next, marks) = self.claim()?;
            if marks && !self.mark(next) {
                continue;
            }
            let first = self.is(Mutant::PublishFirst);
            if !first {
                self.value(next).set(next + 1);
            }
            let order = self.weak(Mutant::WeakPublish, Ordering::Release);
            // As the mutant says: the publication.
            self.word(next).store(word(next, VALUE), order);
            if first {
                self.value(next).set(next + 1);
            }
            return Some(next);
        }
    }

    /// A seat for a gating reader, and where it begins.
    fn join_gating(&self, oldest: bool) -> Arc<AtomicU64> {
        let mut seats = lock(&self.seats);
        // Acquire: as in the protocol.
        let tail = self.tail.load(Ordering::Acquire) >> 1;
        let limit = if self.is(Mutant::JoinTooOld) { tail } else { seats.limit };
        let start = if oldest { limit.saturating_sub(N) } else { tail };
        let position = Arc::new(AtomicU64::new(start));
        seats.gating.push(position.clone());
        position
    }

    fn look_gating(&self, position: &AtomicU64) -> Look {
        // Relaxed: the reader's own.
        let next = position.load(Ordering::Relaxed);
        // As the mutant says: the look.
        let word = self.word(next).load(self.weak(Mutant::WeakLook, Ordering::Acquire));
        assert!(sequence(word) <= next.cast_signed(), "a gating reader is overtaken");
        if sequence(word) < next.cast_signed() || kind(word) == FILLING {
            return Look::Nothing;
        }
        let pass = || {
            // As the mutant says: the reader goes on.
            position.store(next + 1, self.weak(Mutant::WeakPosition, Ordering::Release));
        };
        if self.is(Mutant::PassFirst) {
            pass();
        }
        let look =
            if kind(word) == VOID { Look::Void } else { Look::Value(self.value(next).get()) };
        if !self.is(Mutant::PassFirst) {
            pass();
        }
        look
    }

    /// Where a lossy reader begins that takes all there is.
    fn join_lossy(&self) -> u64 {
        let _seats = lock(&self.seats);
        // Acquire: as in the protocol.
        let before = self.tail.load(Ordering::Acquire);
        // AcqRel: as in the protocol.
        let now = self.tail.fetch_or(LOSSY, Ordering::AcqRel);
        let tail = if self.is(Mutant::FlagLate) { before } else { now };
        (tail >> 1).saturating_sub(N)
    }

    fn leave_lossy(&self) {
        let _seats = lock(&self.seats);
        // As the mutant says: the flag is taken back.
        self.tail.fetch_and(!LOSSY, self.weak(Mutant::WeakLeave, Ordering::Release));
    }

    fn look_lossy(&self, position: u64) -> Look {
        let place = self.word(position);
        // Acquire: as in the protocol.
        let mut now = place.load(Ordering::Acquire);
        loop {
            let here = position.cast_signed();
            if sequence(now) > here {
                return Look::Overtaken;
            }
            if sequence(now) < here || kind(now) == FILLING {
                return Look::Nothing;
            }
            if kind(now) == VOID {
                return Look::Void;
            }
            if self.is(Mutant::NoPin) {
                return Look::Value(self.value(position).get());
            }
            if self.is(Mutant::BlindPin) {
                // Acquire: what the mutant does instead.
                place.fetch_add(1, Ordering::Acquire);
                break;
            }
            let order = self.weak(Mutant::WeakRetry, Ordering::Acquire);
            // Relaxed: as in the protocol. As the mutant says: another word is found.
            match place.compare_exchange(now, now + 1, Ordering::Relaxed, order) {
                Ok(_) => break,
                Err(new) => now = new,
            }
        }
        let unpin = || {
            // As the mutant says: the pin comes off.
            let before = place.fetch_sub(1, self.weak(Mutant::WeakUnpin, Ordering::Release));
            assert!(pins(before) > 0, "a pin was lost");
        };
        if self.is(Mutant::UnpinFirst) {
            unpin();
            return Look::Value(self.value(position).get());
        }
        let value = self.value(position).get();
        unpin();
        Look::Value(value)
    }

    /// Looks `times` times from `position` on; every sequence is read as it is, missed or void.
    fn read_lossy(&self, mut position: u64, times: u32) {
        for _ in 0..times {
            match self.look_lossy(position) {
                Look::Value(value) => assert_eq!(value, position + 1, "another sequence's value"),
                Look::Void => {}
                Look::Nothing => return,
                Look::Overtaken => {
                    // Acquire: as in the protocol.
                    let oldest = (self.tail.load(Ordering::Acquire) >> 1).saturating_sub(N);
                    assert!(oldest > position, "overtaken by nobody");
                    position = oldest;
                    continue;
                }
            }
            position += 1;
        }
    }
}

fn produce(ring: &Arc<Ring>, times: u32) -> thread::JoinHandle<u32> {
    let ring = ring.clone();
    thread::spawn(move || (0..times).filter(|_| ring.publish().is_some()).count() as u32)
}

/// Producers, and a gating reader from the beginning on.
fn gated(mutant: Mutant, producers: u32, times: u32, looks: u32) {
    let ring = Ring::new(mutant);
    let position = ring.join_gating(false);
    let producers: Vec<_> = (0..producers).map(|_| produce(&ring, times)).collect();
    let mut seen = 0;
    let mut look = || {
        let look = ring.look_gating(&position);
        if look != Look::Nothing {
            seen += 1;
            assert_eq!(look, Look::Value(seen), "in order, and whole");
        }
        look != Look::Nothing
    };
    (0..looks).for_each(|_| _ = look());
    let published: u32 = producers.into_iter().map(|it| it.join().expect("no panic")).sum();
    while look() {}
    assert_eq!(seen, u64::from(published), "everything is seen");
}

/// Producers that nobody reads after.
fn producers_alone(mutant: Mutant, times: u32) {
    let ring = Ring::new(mutant);
    let other = produce(&ring, times);
    (0..times).for_each(|_| _ = ring.publish());
    other.join().expect("no panic");
}

/// A producer while a lossy reader reads, after `before` were published.
fn lossy(mutant: Mutant, before: u32, times: u32, looks: u32) {
    let ring = Ring::new(mutant);
    let start = ring.join_lossy();
    (0..before).for_each(|_| _ = ring.publish());
    let producer = produce(&ring, times);
    ring.read_lossy(start, looks);
    producer.join().expect("no panic");
}

/// A producer while a lossy reader joins, reads and leaves.
fn lossy_comes_and_goes(mutant: Mutant, before: u32, times: u32, looks: u32) {
    let ring = Ring::new(mutant);
    (0..before).for_each(|_| _ = ring.publish());
    let producer = produce(&ring, times);
    let start = ring.join_lossy();
    ring.read_lossy(start, looks);
    ring.leave_lossy();
    producer.join().expect("no panic");
}

/// A producer while a gating reader joins at the oldest; there is another one at `other`, if any.
fn gating_comes(mutant: Mutant, other: bool, before: u32, times: u32, looks: u32) {
    let ring = Ring::new(mutant);
    let other = other.then(|| ring.join_gating(false));
    for _ in 0..before {
        ring.publish();
        other.iter().for_each(|other| _ = ring.look_gating(other));
    }
    let producer = produce(&ring, times);
    let position = ring.join_gating(true);
    // Relaxed: this thread's own.
    let mut next = position.load(Ordering::Relaxed);
    for _ in 0..looks {
        let look = ring.look_gating(&position);
        if look != Look::Nothing {
            next += 1;
            assert_eq!(look, Look::Value(next), "in order, and whole");
        }
    }
    producer.join().expect("no panic");
}

#[test]
fn each_reader_sees_each_sequence_as_it_was_published() {
    all(|| gated(Mutant::None, 1, 3, 2));
    all(|| gated(Mutant::None, 2, 1, 1));
    all(|| producers_alone(Mutant::None, 2));
    all(|| lossy(Mutant::None, 1, 2, 2));
    all(|| lossy(Mutant::None, 2, 2, 2));
    all(|| lossy_comes_and_goes(Mutant::None, 1, 2, 1));
    all(|| gating_comes(Mutant::None, false, 2, 2, 2));
    all(|| gating_comes(Mutant::None, true, 2, 2, 2));
}

#[test]
fn mutants_of_the_gate_are_found() {
    for mutant in [
        Mutant::WeakPublish,
        Mutant::WeakLook,
        Mutant::WeakPosition,
        Mutant::WeakGate,
        Mutant::PassFirst,
        Mutant::NoGate,
        Mutant::PublishFirst,
    ] {
        finds(move || gated(mutant, 1, 3, 2));
    }
    finds(|| gated(Mutant::ClaimStores, 2, 1, 0));
    // What one producer finds out, the other hears by the limit.
    for mutant in [Mutant::WeakLimit, Mutant::WeakRoom] {
        finds(move || gated(mutant, 2, 2, 1));
    }
    finds(|| producers_alone(Mutant::NoPrefix, 2));
}

#[test]
fn mutants_of_the_pin_are_found() {
    for mutant in [
        Mutant::WeakUnpin,
        Mutant::WeakMark,
        Mutant::NoPin,
        Mutant::BlindPin,
        Mutant::UnpinFirst,
        Mutant::MarkOverPins,
        Mutant::VoidLosesPins,
    ] {
        finds(move || lossy(mutant, 1, 2, 2));
    }
    finds(|| lossy(Mutant::QuietMark, 2, 2, 2));
    finds(|| lossy(Mutant::WeakRetry, 1, 2, 2));
}

#[test]
fn mutants_of_coming_and_going_are_found() {
    for mutant in [Mutant::WeakClaim, Mutant::WeakLeave, Mutant::FlagLate] {
        finds(move || lossy_comes_and_goes(mutant, 1, 2, 1));
    }
    finds(|| gating_comes(Mutant::JoinTooOld, true, 2, 2, 2));
}
