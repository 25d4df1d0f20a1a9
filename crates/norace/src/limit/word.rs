//! A key's whole state in one word, and the arithmetic of a decision: no clock, no atomics.
//!
//! | kind | the word |
//! | --- | --- |
//! | gcra | when the bucket will be full, in nanoseconds; 0 and everything before now is "full now" |
//! | fixed window | 32 bits for the window's number, 32 for its count |
//! | sliding window | 24 bits for the window's number, 20 for the count of the one before, 20 for its own |
//!
//! The all-zero word is a key that was never seen. Window and count change in one step, so nothing that was counted in
//! one window is found in another.

use norace_prim::time::Duration;

use super::decision::{Decision, Reason};
use super::quota::{Kind, Params};

/// What a decision comes to, times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Admitted if the word can still be changed to this one.
    Admit { word: u64, remaining: u64, reset: u64 },
    /// Denied for so long.
    Deny { retry: u64 },
}

impl From<Verdict> for Decision {
    #[inline]
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Admit { remaining, reset, .. } => {
                Self::Allowed { remaining, reset_after: Duration::from_nanos(reset) }
            }
            Verdict::Deny { retry } => Self::denied(Duration::from_nanos(retry), Reason::Quota),
        }
    }
}

/// Decides on a cost of `n`, which is at most what can be admitted at once.
#[inline]
pub(super) fn decide(kind: Kind, params: Params, word: u64, now: u64, n: u64) -> Verdict {
    match kind {
        Kind::Gcra => gcra(params, word, now, n),
        Kind::Fixed | Kind::Sliding => in_window(kind, params, word, now, n),
    }
}

/// Apart, so that the usual algorithm alone is short enough to be inlined.
#[inline(never)]
fn in_window(kind: Kind, params: Params, word: u64, now: u64, n: u64) -> Verdict {
    if kind == Kind::Sliding {
        Sliding::read(params, word, now).decide(params, n)
    } else {
        Fixed::read(params, word, now).decide(params, n)
    }
}

/// How long until a key with this word is as if it had never been seen; 0 when it is.
pub(super) fn whole_in(kind: Kind, params: Params, word: u64, now: u64) -> u64 {
    match kind {
        Kind::Gcra => word.saturating_sub(now),
        _ if word == 0 => 0,
        Kind::Fixed => {
            let (_, into, ago) = locate(params.unit, now, word >> 32, FIXED_BITS);
            if ago == 0 { params.unit - into } else { 0 }
        }
        Kind::Sliding => {
            let (_, into, ago) = locate(params.unit, now, word >> 40, SLIDING_BITS);
            (2_u64.saturating_sub(ago) * params.unit).saturating_sub(into)
        }
    }
}

#[inline]
fn gcra(params: Params, word: u64, now: u64, n: u64) -> Verdict {
    let full_at = word.max(now).saturating_add(n.saturating_mul(params.unit));
    let behind = full_at - now;
    if behind > params.all {
        return Verdict::Deny { retry: behind - params.all };
    }
    let remaining = (params.all - behind) / params.unit;
    Verdict::Admit { word: full_at, remaining, reset: behind }
}

/// How many bits number the windows. A key that comes back exactly when its number does, or one window before, without
/// having been seen in between, is taken for one that was there in this window; with windows of a millisecond that is
/// after 49 days, or 4 hours and 39 minutes for a sliding one.
const FIXED_BITS: u32 = 32;
const SLIDING_BITS: u32 = 24;

/// The window's number in `bits` bits, how far the window is, and how many windows ago the word's is.
///
/// The word was read before the clock, but readings may be a little out of order: where the word is of the next window
/// it is the beginning of that one.
#[inline]
fn locate(period: u64, now: u64, of_word: u64, bits: u32) -> (u64, u64, u64) {
    let mask = (1 << bits) - 1;
    let number = (now / period) & mask;
    match number.wrapping_sub(of_word) & mask {
        ago if ago == mask => (of_word, 0, 0),
        ago => (number, now % period, ago),
    }
}

struct Fixed {
    number: u64,
    into: u64,
    used: u64,
}

impl Fixed {
    fn read(params: Params, word: u64, now: u64) -> Self {
        let (number, into, ago) = locate(params.unit, now, word >> 32, FIXED_BITS);
        let used = if ago == 0 { word & u64::from(u32::MAX) } else { 0 };
        Self { number, into, used }
    }

    fn decide(&self, params: Params, n: u64) -> Verdict {
        let left = params.unit - self.into;
        let used = self.used + n;
        if used > params.all {
            return Verdict::Deny { retry: left };
        }
        Verdict::Admit { word: self.number << 32 | used, remaining: params.all - used, reset: left }
    }
}

const SLIDING_COUNT: u64 = (1 << 20) - 1;

struct Sliding {
    number: u64,
    into: u64,
    before: u64,
    used: u64,
}

impl Sliding {
    fn read(params: Params, word: u64, now: u64) -> Self {
        let (number, into, ago) = locate(params.unit, now, word >> 40, SLIDING_BITS);
        let (before, used) = (word >> 20 & SLIDING_COUNT, word & SLIDING_COUNT);
        let (before, used) = match ago {
            0 => (before, used),
            1 => (used, 0),
            _ => (0, 0),
        };
        Self { number, into, before, used }
    }

    fn decide(&self, params: Params, n: u64) -> Verdict {
        let left = params.unit - self.into;
        let counted = share(self.before, left, params.unit) + self.used;
        if counted + n > params.all {
            let retry = self.retry(params, n, left);
            return Verdict::Deny { retry };
        }
        let used = self.used + n;
        let word = self.number << 40 | self.before << 20 | used;
        Verdict::Admit { word, remaining: params.all - counted - n, reset: left + params.unit }
    }

    /// How long until a cost of `n` fits, if nothing else comes.
    fn retry(&self, params: Params, n: u64, left: u64) -> u64 {
        let room = params.all.saturating_sub(n);
        let (before, room, later) = if self.used <= room {
            (self.before, room - self.used, left)
        } else {
            (self.used, room, left + params.unit)
        };
        // `share(before, rest)` fits into the room when `rest` is at most this.
        let rest = u128::from(room) * u128::from(params.unit) / u128::from(before.max(1));
        later.saturating_sub(u64::try_from(rest).unwrap_or(u64::MAX)).max(1)
    }
}

/// The part `left / period` of `count`, rounded up.
fn share(count: u64, left: u64, period: u64) -> u64 {
    let part = (u128::from(count) * u128::from(left)).div_ceil(u128::from(period));
    u64::try_from(part).unwrap_or(u64::MAX)
}
