//! Randomness that needs no secrecy: victim choice, select order, back-off, run names.
//!
//! The generator is Marsaglia's xorshift64* per thread, seeded once per thread from the operating system through
//! `std`'s hasher keys. It must not be used for keys or tokens.
//!
//! In a model each thread draws the same numbers in every execution, but for [`choose`], which tries them all.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

crate::thread_local! {
    static STATE: Cell<u64> = Cell::new(seed() | 1);
}

fn seed() -> u64 {
    #[cfg(norace)]
    if norace_explore::in_model() {
        // One seed for all threads: their numbers differ between equivalent executions, so it cannot depend on them.
        return 0x9E37_79B9_7F4A_7C15;
    }
    RandomState::new().hash_one(std::process::id())
}

/// The next 64 random bits of this thread.
pub fn next_u64() -> u64 {
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        state.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    })
}

/// A number below `bound`, by chance; in a model each of them is explored.
///
/// # Panics
///
/// When `bound` is 0, and in a model when it is above 1,000.
#[cfg_attr(norace, track_caller)]
pub fn choose(bound: usize) -> usize {
    crate::probe::choose(bound).unwrap_or_else(|| {
        let drawn = below(u64::try_from(bound).expect("a size fits"));
        usize::try_from(drawn).expect("it is below a size")
    })
}

/// A number below `bound`, each equally likely up to a skew of `bound / 2^64`.
///
/// # Panics
///
/// When `bound` is 0.
pub fn below(bound: u64) -> u64 {
    assert!(bound > 0, "a random number below 0 was asked for");
    let product = u128::from(next_u64()) * u128::from(bound);
    (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_value_below_the_bound_is_hit() {
        let mut seen = [0u32; 5];
        for _ in 0..10_000 {
            seen[usize::try_from(super::below(5)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&n| n > 1_500), "{seen:?}");
    }
}
