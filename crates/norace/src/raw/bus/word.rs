//! The words of the ring: what their bits mean.

/// No more claims.
pub(super) const CLOSED: u64 = 1;
/// There are lossy readers.
pub(super) const LOSSY: u64 = 2;
const FLAG_BITS: u32 = 2;

/// The word at the tail: the next sequence, and flags. Its 62 bits last for a thousand years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail(pub(super) u64);

impl Tail {
    #[inline]
    pub(super) const fn sequence(self) -> u64 {
        self.0 >> FLAG_BITS
    }

    #[inline]
    pub(super) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    #[inline]
    pub(super) const fn is_lossy(self) -> bool {
        self.0 & LOSSY != 0
    }

    /// After `count` more sequences were claimed.
    #[inline]
    pub(super) const fn after(self, count: u64) -> Self {
        Self(self.0 + (count << FLAG_BITS))
    }
}

/// A producer is at work.
pub(super) const FILLING: u64 = 0;
/// There is a value.
pub(super) const VALUE: u64 = 1;
/// There is none and there will be none.
pub(super) const VOID: u64 = 2;

const PIN_BITS: u32 = 16;
const PIN_MASK: u64 = (1 << PIN_BITS) - 1;
const KIND_MASK: u64 = 3;
const SEQUENCE_SHIFT: u32 = PIN_BITS + 2;

/// How far ahead of the ring a reader may be for the distance between two sequences to be told from their low bits.
pub(super) const AHEAD_MAX: u64 = 1 << (u64::BITS - SEQUENCE_SHIFT - 2);

/// How many pins a word counts: each reader has at most one.
pub(super) const PINS_MAX: usize = PIN_MASK as usize;

/// The lap word of a slot: a sequence, what became of it, and the number of pins.
///
/// The sequence is kept in 46 bits, and compared by distance. Who takes one for another would have to stand still,
/// between reading the tail and reading the word, while 2^45 sequences go by: days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    #[inline]
    pub(super) const fn new(sequence: u64, kind: u64) -> Self {
        Self(sequence << SEQUENCE_SHIFT | kind << PIN_BITS)
    }

    #[inline]
    pub(super) const fn pins(self) -> u64 {
        self.0 & PIN_MASK
    }

    #[inline]
    pub(super) const fn kind(self) -> u64 {
        self.0 >> PIN_BITS & KIND_MASK
    }

    #[inline]
    pub(super) const fn pinned_once_more(self) -> Self {
        Self(self.0 + 1)
    }

    /// Of `sequence` and void, with the pins that there are.
    #[inline]
    pub(super) const fn passed_over(self, sequence: u64) -> Self {
        Self(Self::new(sequence, VOID).0 | self.pins())
    }

    /// How far the sequence here is ahead of `sequence`.
    #[inline]
    pub(super) const fn ahead_of(self, sequence: u64) -> i64 {
        let distance = (self.0 >> SEQUENCE_SHIFT).wrapping_sub(sequence) << SEQUENCE_SHIFT;
        distance.cast_signed() >> SEQUENCE_SHIFT
    }

    /// Whether it is of `sequence`, which nobody is filling any more.
    #[inline]
    pub(super) const fn is_published(self, sequence: u64) -> bool {
        self.ahead_of(sequence) == 0 && self.kind() != FILLING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lap_word_holds_a_sequence_a_kind_and_pins() {
        let word = Word::new(7, VALUE).pinned_once_more();
        assert_eq!((word.kind(), word.pins()), (VALUE, 1));
        assert_eq!((word.ahead_of(7), word.ahead_of(9), word.ahead_of(3)), (0, -2, 4));
        assert_eq!(word.passed_over(15).pins(), 1);
        assert!(word.is_published(7) && !Word::new(7, FILLING).is_published(7));
    }

    #[test]
    fn sequences_are_compared_by_distance() {
        let wrapped = 1 << 46;
        assert_eq!(Word::new(wrapped + 1, VALUE).ahead_of(wrapped - 1), 2);
        assert_eq!(Word::new(wrapped - 1, VALUE).ahead_of(wrapped + 1), -2);
        assert_eq!(Word::new(0_u64.wrapping_sub(4), VOID).ahead_of(0), -4);
    }
}
