//! Idioms of publication, locking, sharing and waiting, each right and with the mistake that people make in it.
//!
//! After the examples of Miri's tests, of "Rust Atomics and Locks" (Bos, 2023) and of everybody's first lock. Most
//! mistakes are an ordering that is too weak; what it was to order is plain data, so that the finding is a data race.
//! Where nothing but atomics is concerned an assertion fails, and where somebody is to be woken he sleeps for ever.
//!
//! The orderings of the right programs are as weak as they may be.

use crate::case::Case;
use norace_prim::atomic::Ordering;

mod locks;
mod publication;
mod sharing;
mod waiting;

pub use locks::CASES as LOCKS;
pub use publication::CASES as PUBLICATION;
pub use sharing::CASES as SHARING;
pub use waiting::CASES as WAITING;

/// All of them, by subject.
pub fn idioms() -> impl Iterator<Item = &'static Case> {
    [PUBLICATION, LOCKS, SHARING, WAITING].into_iter().flatten()
}

/// What most of the mistakes come to.
const RACE: &[&str] = &["data-race"];

/// A row of a group's table.
const fn case(
    name: &'static str,
    class: &'static str,
    kinds: &'static [&'static str],
    program: fn(bool),
) -> Case {
    Case { name, class, kinds, blames: &[], program }
}

/// The ordering that is right, or none at all.
fn order(fixed: bool, right: Ordering) -> Ordering {
    if fixed { right } else { Ordering::Relaxed }
}
