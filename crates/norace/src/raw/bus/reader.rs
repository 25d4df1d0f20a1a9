//! A reader: where it is, and the slot that it holds.

use super::word::{FILLING, VALUE, VOID, Word};
use super::{Bells, Ring, Seat};
use norace_prim::atomic::Ordering;
use norace_prim::sync::Arc;

/// What there is at a reader's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A value, which is held now.
    Value,
    /// A void: nothing, for ever.
    Void,
    /// Nothing yet.
    Empty,
    /// Nothing, for ever, and so it is with all that would come.
    Closed,
    /// Something newer: producers have overtaken the reader.
    Overtaken,
}

/// A reader of a ring.
pub(crate) struct Reader<T, S: Bells> {
    pub(crate) ring: Arc<Ring<T, S>>,
    pub(crate) seat: Arc<Seat>,
    position: u64,
    held: bool,
    has_left: bool,
}

impl<T, S: Bells> Reader<T, S> {
    pub(super) fn new(ring: Arc<Ring<T, S>>, seat: Arc<Seat>) -> Self {
        let position = seat.position();
        Self { ring, seat, position, held: false, has_left: false }
    }

    /// The sequence that it looks at.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Whether it holds the slot at its position.
    #[inline]
    pub(crate) fn holds(&self) -> bool {
        self.held
    }

    /// Looks at its position, and holds the value there, if there is one.
    #[inline]
    pub(crate) fn look(&mut self) -> Look {
        if self.held {
            return Look::Value;
        }
        // Without a seat nobody keeps the slot.
        assert!(!self.has_left, "a reader that has left looks at nothing");
        let slot = self.ring.slot(self.position);
        // Acquire: pairs with the Release in publish, so that the value is seen.
        let mut word = Word(slot.word.load(Ordering::Acquire));
        loop {
            let ahead = word.ahead_of(self.position);
            if ahead > 0 {
                return Look::Overtaken;
            }
            if ahead < 0 || word.kind() == FILLING {
                return self.look_for_the_end();
            }
            if word.kind() == VOID {
                return Look::Void;
            }
            debug_assert_eq!(word.kind(), VALUE);
            if self.seat.gates() {
                break;
            }
            let (old, new) = (word.0, word.pinned_once_more().0);
            // Relaxed: the word was acquired before. Acquire: another one is found, which may be a newer one, with a
            // newer tail.
            match slot.word.compare_exchange(old, new, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) => word = Word(now),
            }
        }
        self.held = true;
        Look::Value
    }

    /// Nothing is published here: will there be something?
    fn look_for_the_end(&self) -> Look {
        // Acquire: pairs with the Release in close, so that the tail is that of the close.
        if !self.ring.is_over.0.load(Ordering::Acquire) {
            return Look::Empty;
        }
        let tail = self.ring.tail();
        let over = tail.is_closed() && tail.sequence() <= self.position;
        if over { Look::Closed } else { Look::Empty }
    }

    /// The value that is held.
    ///
    /// # Panics
    ///
    /// When none is.
    #[inline]
    pub(crate) fn get(&self) -> &T {
        assert!(self.held, "a reader holds what it reads");
        let value = self.ring.slot(self.position).value.with(|value| {
            // SAFETY: nobody writes to the slot while it is held: the limit is at most a lap after the position of a
            // gating reader, and other readers have pinned it. Both last until `release`, which the borrow of `self`
            // keeps from being called.
            unsafe { &*value }
        });
        value.as_ref().expect("a value was published")
    }

    /// Gives back what it holds and goes on by one. In a batch the bell of a gating reader is left to
    /// [`end_batch`](Self::end_batch).
    #[inline]
    pub(crate) fn release(&mut self, in_batch: bool) {
        debug_assert!(self.held, "what is given back is held");
        self.held = false;
        let slot = self.ring.slot(self.position);
        // The checker looks at the end of the reading here.
        slot.value.with(|_| ());
        self.position += 1;
        if !self.seat.gates() {
            self.seat.set_position(self.position, Ordering::Release);
            // SeqCst: pairs as a Release with the Acquire in mark, so that the next lap writes after this; and see "Who
            // waits".
            slot.word.fetch_sub(1, Ordering::SeqCst);
            self.ring.shared.freed(true);
        } else if in_batch {
            self.seat.set_position(self.position, Ordering::Release);
        } else {
            self.seat.set_position(self.position, Ordering::SeqCst);
            self.ring.shared.freed(true);
        }
    }

    /// Tells producers what a batch has freed.
    pub(crate) fn end_batch(&self) {
        if self.seat.gates() {
            self.ring.shared.freed(false);
        }
    }

    /// Passes over a void.
    pub(crate) fn pass(&mut self) {
        self.seat.skipped.add_alone(1);
        self.position += 1;
        self.seat.set_position(self.position, Ordering::SeqCst);
        if self.seat.gates() {
            self.ring.shared.freed(true);
        }
    }

    /// Leaves out what lies before `position`; how much that is.
    pub(crate) fn skip_to(&mut self, position: u64) -> u64 {
        debug_assert!(!self.held && !self.seat.gates(), "only lossy readers leave something out");
        let missed = position.saturating_sub(self.position);
        self.seat.missed.add_alone(missed);
        self.position += missed;
        self.seat.set_position(self.position, Ordering::Release);
        missed
    }

    /// Gives its seat back. It must not look any more.
    pub(crate) fn leave(&mut self) {
        if self.held {
            self.release(true);
        }
        if !std::mem::replace(&mut self.has_left, true) {
            self.ring.leave(&self.seat);
        }
    }

    /// The oldest sequence that can still be there.
    pub(crate) fn oldest(&self) -> u64 {
        self.ring.next().saturating_sub(self.ring.capacity())
    }
}

impl<T, S: Bells> Drop for Reader<T, S> {
    fn drop(&mut self) {
        self.leave();
    }
}
