//! Who reads, and up to where producers may go because of that.

use super::Apart;
use super::word::{AHEAD_MAX, PINS_MAX};
use crate::bus::{Policy, Start};
use norace_prim::atomic::{AtomicU64, Ordering, Tally};
use norace_prim::sync::Arc;

/// A reader as the others see it.
#[derive(Debug)]
pub(crate) struct Seat {
    position: Apart<AtomicU64>,
    start: u64,
    pub(crate) policy: Policy,
    /// Sequences that it was too slow for, and that it asked for too late.
    pub(crate) missed: Tally,
    /// Void sequences that it came by.
    pub(crate) skipped: Tally,
    /// How often producers met a full ring because of it.
    pub(crate) stalls: Tally,
}

impl Seat {
    /// Where its reader is.
    pub(crate) fn position(&self) -> u64 {
        // Acquire: pairs with the Release in set_position, so that what lies before was read.
        self.position.0.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn set_position(&self, position: u64, order: Ordering) {
        // Release or SeqCst: pairs with the Acquire in position; and see "Who waits".
        self.position.0.store(position, order);
    }

    /// Whether producers wait for it.
    #[inline]
    pub(crate) fn gates(&self) -> bool {
        self.policy == Policy::Block
    }
}

/// All seats, and what is found out under their lock.
#[derive(Debug)]
pub(super) struct Seats {
    taken: Vec<Arc<Seat>>,
    lossy: usize,
    /// All before it is published. Where that is more, nobody has looked.
    prefix: u64,
    /// What producers were told last.
    limit: u64,
}

impl Seats {
    pub(super) const fn new() -> Self {
        Self { taken: Vec::new(), lossy: 0, prefix: 0, limit: 0 }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Seat>> {
        self.taken.iter()
    }

    pub(super) fn has_lossy(&self) -> bool {
        self.lossy > 0
    }

    /// A seat for who comes when `tail` is the next sequence; and how many sequences it comes too late for.
    pub(super) fn take(
        &mut self,
        policy: Policy,
        start: Start,
        tail: u64,
        capacity: u64,
    ) -> (Arc<Seat>, u64) {
        assert!(self.taken.len() < PINS_MAX, "more than {PINS_MAX} readers of one bus");
        // The limit is never before the tail.
        let gates = policy == Policy::Block;
        let oldest = if gates { self.limit } else { tail }.saturating_sub(capacity);
        let wanted = match start {
            Start::Oldest => oldest,
            Start::Tail => tail,
            // Nobody lives to see what is further away than that.
            Start::At(sequence) => sequence.min(tail + AHEAD_MAX),
        };
        let start = wanted.max(oldest);
        let seat = Arc::new(Seat {
            position: Apart(AtomicU64::new(start)),
            start,
            policy,
            missed: Tally::new(),
            skipped: Tally::new(),
            stalls: Tally::new(),
        });
        seat.missed.add_alone(start - wanted);
        self.taken.push(seat.clone());
        self.lossy += usize::from(!gates);
        (seat, start - wanted)
    }

    pub(super) fn give_back(&mut self, seat: &Arc<Seat>) {
        let at = self.taken.iter().position(|taken| Arc::ptr_eq(taken, seat));
        self.taken.remove(at.expect("a reader has a seat"));
        self.lossy -= usize::from(!seat.gates());
    }

    /// Up to where may be claimed, when `tail` is the next sequence, and somebody wants `wanted` more.
    pub(super) fn limit(
        &mut self,
        tail: u64,
        wanted: u64,
        capacity: u64,
        is_published: impl Fn(u64) -> bool,
    ) -> u64 {
        let mut gate = None;
        for seat in self.taken.iter().filter(|seat| seat.gates()) {
            let position = seat.position();
            gate = Some(gate.map_or(position, |gate: u64| gate.min(position)));
            // It has seen everything from its start on published.
            if seat.start <= self.prefix {
                self.prefix = self.prefix.max(position);
            }
        }
        let end = gate.map_or(tail, |gate| gate.min(tail));
        while self.prefix < end && is_published(self.prefix) {
            self.prefix += 1;
        }
        let limit = match gate {
            Some(gate) => gate.min(self.prefix) + capacity,
            None => (self.prefix + capacity).min(tail + wanted.max(capacity / 8)),
        };
        self.limit = self.limit.max(limit);
        if self.limit <= tail {
            let stalls = |seat: &&Arc<Seat>| seat.gates() && seat.position() + capacity <= tail;
            for seat in self.taken.iter().filter(stalls) {
                seat.stalls.add_alone(1);
            }
        }
        self.limit
    }
}
