//! The producers' side: sequences are claimed, filled and published.

use super::word::{FILLING, Tail, VALUE, VOID, Word};
use super::{Bells, Ring};
use norace_prim::atomic::Ordering;

/// Why nothing was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
}

impl<T, S: Bells> Ring<T, S> {
    /// Claims up to `wanted` sequences, at least one.
    #[inline]
    pub(crate) fn claim(&self, wanted: u64) -> Result<Claim<'_, T, S>, Refusal> {
        let wanted = wanted.min(self.capacity());
        let mut tail = self.tail();
        loop {
            if tail.is_closed() {
                return Err(Refusal::Closed);
            }
            let first = tail.sequence();
            // Acquire: pairs with the Release in refresh, so that the slots below the limit may be overwritten.
            let mut limit = self.limit.0.load(Ordering::Acquire);
            if limit < first + wanted {
                limit = self.refresh(wanted);
            }
            // An old limit is below the sequence; a limit that was made just now is so only if there is no room.
            let count = limit.saturating_sub(first).min(wanted);
            if count == 0 || (tail.is_lossy() && self.is_stuck(first)) {
                return Err(Refusal::Full);
            }
            let (old, new) = (tail.0, tail.after(count).0);
            // Acquire: pairs with the Release in leave, so that a slot may be overwritten unmarked where no flag is
            // seen.
            match self.tail.0.compare_exchange(old, new, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => {
                    return Ok(Claim {
                        ring: self,
                        published: first,
                        full: 0,
                        next: first,
                        end: first + count,
                        marks: tail.is_lossy(),
                        single: count == 1,
                        ordered: false,
                    });
                }
                Err(now) => tail = Tail(now),
            }
        }
    }

    /// Whether there is no slot that could be filled. (One that is pinned only makes its sequence void.)
    #[inline]
    fn is_stuck(&self, next: u64) -> bool {
        // Relaxed: a look; marking decides.
        let word = Word(self.slot(next).word.load(Ordering::Relaxed));
        word.pins() > 0 && self.is_all_pinned()
    }

    /// Makes the slot of the claimed `sequence` the producer's; false when it is pinned, and so the sequence void.
    fn mark(&self, sequence: u64) -> bool {
        let slot = self.slot(sequence);
        // Relaxed: the exchange decides.
        let mut word = Word(slot.word.load(Ordering::Relaxed));
        loop {
            let free = word.pins() == 0;
            let new = if free { Word::new(sequence, FILLING) } else { word.passed_over(sequence) };
            // AcqRel: pairs with the SeqCst in release, so that who held the slot is done with it; and who finds itself
            // overtaken, in look, sees a tail that is so far. Relaxed: who fails looks again.
            let result =
                slot.word.compare_exchange(word.0, new.0, Ordering::AcqRel, Ordering::Relaxed);
            match result {
                Ok(_) => {
                    if !free {
                        self.voids.add(1);
                    }
                    return free;
                }
                Err(now) => word = Word(now),
            }
        }
    }

    #[inline]
    fn publish(&self, sequence: u64, kind: u64, order: Ordering) {
        if kind == VOID {
            self.voids.add(1);
        }
        let word = Word::new(sequence, kind);
        // Release or SeqCst: pairs with the Acquire in look, so that readers see the value, and see "Who waits". There
        // are no pins to be lost: the word is marked, or nobody could pin what it said before.
        self.slot(sequence).word.store(word.0, order);
    }
}

/// Sequences that were claimed. What is not filled becomes void when this is dropped.
pub(crate) struct Claim<'a, T, S: Bells> {
    ring: &'a Ring<T, S>,
    /// Those from here to `next` are filled and not published yet.
    published: u64,
    /// Which of them hold a value, the first in the lowest bit.
    full: u32,
    next: u64,
    end: u64,
    marks: bool,
    /// There was one sequence.
    single: bool,
    /// It was published by a `SeqCst` store.
    ordered: bool,
}

impl<T, S: Bells> Claim<'_, T, S> {
    /// Lets `fill` fill the next slot that is not pinned, which holds what it held a lap ago or nothing; says its
    /// sequence and what `fill` said. It is published now, or later with others of the claim. Void is what `fill`
    /// leaves empty, or leaves by a panic.
    ///
    /// # Errors
    ///
    /// Gives `fill` back when no slot is left.
    #[inline]
    pub(crate) fn fill<R, F>(&mut self, fill: F) -> Result<(u64, R), F>
    where
        F: FnOnce(&mut Option<T>) -> R,
    {
        loop {
            if self.next == self.end {
                return Err(fill);
            }
            if !self.marks || self.ring.mark(self.next) {
                break;
            }
            self.publish_filled();
            self.next += 1;
            self.published = self.next;
        }
        let sequence = self.next;
        let (result, full) = self.ring.slot(sequence).value.with_mut(|value| {
            // SAFETY: the claimed slot is this producer's: it is marked, or nobody can pin it and the limit says that
            // everybody else is done with it. It stays so until it is published, below or in `drop`.
            let value = unsafe { &mut *value };
            (fill(value), value.is_some())
        });
        self.next += 1;
        if self.single {
            self.ring.publish(sequence, kind(full), Ordering::SeqCst);
            self.published = self.next;
            self.ordered = true;
            return Ok((sequence, result));
        }
        self.full |= u32::from(full) << (sequence - self.published);
        if self.next - self.published == u64::from(u32::BITS) {
            self.publish_filled();
        }
        Ok((sequence, result))
    }

    /// Publishes what is filled, the last first: who spins on the first meets all of it, and does not take the lines of
    /// the slots away from the producer one by one.
    #[inline]
    fn publish_filled(&mut self) {
        for sequence in (self.published..self.next).rev() {
            let full = self.full >> (sequence - self.published) & 1 != 0;
            self.ring.publish(sequence, kind(full), Ordering::Release);
        }
        (self.published, self.full) = (self.next, 0);
    }
}

#[inline]
const fn kind(full: bool) -> u64 {
    if full { VALUE } else { VOID }
}

impl<T, S: Bells> Drop for Claim<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        self.publish_filled();
        while self.next < self.end {
            let sequence = self.next;
            self.next += 1;
            let filling = Word::new(sequence, FILLING);
            // Relaxed: whether this producer itself marked the slot, before a panic.
            let marked = self.ring.slot(sequence).word.load(Ordering::Relaxed) == filling.0;
            if !self.marks || marked || self.ring.mark(sequence) {
                self.ring.publish(sequence, VOID, Ordering::Release);
            }
        }
        self.ring.shared.published(self.ordered);
    }
}
