//! Time by a counter that is cheap to read, and compared with an exact clock again and again.
//!
//! A *look* reads both. Between looks time is the exact clock's at the last look and what the counter counted since, at
//! the rate that the counter had between the two looks before, less one part in 256. So it never gets ahead of the
//! exact clock, and a look sets it forward, never back. A look is taken when the counter has counted [`SPAN`] since the
//! last, and whenever it seems to have gone backward: whatever the counter does, no reading is off by more than that.
//!
//! | what may go wrong | what is done |
//! | --- | --- |
//! | the thread loses the processor within a look | the look took more than [`GAP`] and counts for nothing |
//! | the machine slept, the counter jumped | two rates in turn that do not agree: the exact clock until two do |
//! | there was no look for long | the rate is learned anew |
//! | another thread looks | the exact clock is asked |
//!
//! *How wrong.* A rate is that of two looks of at most `GAP` each, at least `SPAN` apart: it is right within one part
//! in `SPAN / GAP`, which is 512. With 1/256 taken off it is too low, by less than one part in 128. With a look's own
//! gap a reading is at most `SPAN / 128 + GAP` ticks behind and never ahead, as long as the exact clock's own rate
//! changes by less than one part in 512 from one span to the next. A counter of less than a tick in a
//! nanosecond is not used, so that is at most 10 microseconds. Counters of several processors may differ by what a
//! message between them takes, and readings with them.

use norace_prim::sync::{Mutex, TryLockError};

use crate::limit::versioned::Versioned;

#[cfg(test)]
mod tests;

/// Ticks from one look to the next: about half a millisecond.
pub(in crate::limit) const SPAN: u64 = 1 << 20;

/// Ticks that a look may take.
pub(super) const GAP: u64 = 1 << 11;

/// Ticks over which a rate can be learned.
const LEARN_MAX: u64 = 1 << 32;

/// A rate is so many nanoseconds in 2^32 ticks.
const RATE_BITS: u32 = 32;

/// Rates agree, and readings lag, within this part.
const PART: u64 = 256;

/// What the counter said last, what the exact clock said then, and the rate since the look before; 0 where it is not
/// known.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    ticks: u64,
    nanos: u64,
    rate: u64,
}

/// A clock of a counter and an exact clock, both given at each reading.
#[derive(Debug)]
pub(in crate::limit) struct Counted {
    /// Ticks and nanoseconds of the last look, and the rate to go on with, 0 where there is none.
    last: Versioned<3>,
    /// Who holds it looks.
    look: Mutex<Look>,
}

impl Counted {
    pub(in crate::limit) fn new() -> Self {
        Self { last: Versioned::new([0; 3]), look: Mutex::new(Look::default()) }
    }

    /// The time, in nanoseconds of the clock `exact`.
    #[inline]
    pub(in crate::limit) fn nanos(&self, ticks: impl Fn() -> u64, exact: impl Fn() -> u64) -> u64 {
        if let Some([from, nanos, rate]) = self.last.read() {
            let passed = ticks().wrapping_sub(from);
            if passed < SPAN && rate != 0 {
                return nanos + ((passed * rate) >> RATE_BITS);
            }
        }
        self.look(ticks, exact)
    }

    /// Compares the two, if no other thread does.
    #[cold]
    #[inline(never)]
    fn look(&self, ticks: impl Fn() -> u64, exact: impl Fn() -> u64) -> u64 {
        let mut look = match self.look.try_lock() {
            Ok(look) => look,
            Err(TryLockError::Poisoned(look)) => look.into_inner(),
            Err(TryLockError::WouldBlock) => return exact(),
        };
        let before = ticks();
        let nanos = exact();
        let after = ticks();
        let passed = after.wrapping_sub(look.ticks);
        if passed < SPAN || after.wrapping_sub(before) > GAP {
            return nanos;
        }
        let rate = rate(passed, nanos.saturating_sub(look.nanos));
        let agreed = rate.abs_diff(look.rate) <= rate / PART;
        *look = Look { ticks: after, nanos, rate };
        // One part is taken off: see above.
        self.last.write([after, nanos, if agreed { rate - rate.div_ceil(PART) } else { 0 }]);
        nanos
    }
}

/// The rate of so many nanoseconds in so many ticks; 0 where it says nothing.
fn rate(ticks: u64, nanos: u64) -> u64 {
    if ticks > LEARN_MAX {
        return 0;
    }
    let rate = nanos.checked_mul(1 << RATE_BITS).unwrap_or(0) / ticks;
    // At most a nanosecond for a tick, so that a span's product fits into a word.
    if rate <= 1 << RATE_BITS { rate } else { 0 }
}
