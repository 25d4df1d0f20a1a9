//! The facade between concurrent code and the machine: atomics, cells, locks, threads, time, randomness, thread-locals
//! and the number of cpus.
//!
//! Code that uses these names instead of `std`'s runs unchanged in production and can be run by a checker that controls
//! every one of them. The names mirror `std` one to one, so that porting code means changing `std::sync` to
//! `norace_prim::sync`.
//!
//! **Invariant:** in production everything here is a re-export or a transparent wrapper: no state, no branch.
//!
//! Under `--cfg norace` the same names lead to the checker's core. There, code outside a model behaves as with `std`;
//! inside one every operation is a step that the checker schedules, time is virtual, each thread of the model has its
//! own thread-local values, and random numbers are the same in every execution. What statics held before the first
//! model, they hold at the beginning of each execution, as far as `norace_explore` documents.
//!
//! ```
//! use norace_prim::{atomic::{AtomicU64, Ordering}, thread};
//!
//! static HITS: AtomicU64 = AtomicU64::new(0);
//! thread::scope(|scope| {
//!     for _ in 0..4 {
//!         // Relaxed: a count that orders nothing; the scope's join makes all four visible.
//!         scope.spawn(|| HITS.fetch_add(1, Ordering::Relaxed));
//!     }
//! });
//! // Relaxed: read after the join.
//! assert_eq!(HITS.load(Ordering::Relaxed), 4);
//! ```

pub mod atomic;
pub mod cell;
pub mod hint;
pub mod probe;
pub mod rand;
pub mod sync;
pub mod sys;
mod tally;
pub mod thread;
pub mod time;

/// Declares thread-local values; [`std::thread_local!`] in production.
#[cfg(norace)]
pub use norace_explore::thread_local;
/// Declares thread-local values; [`std::thread_local!`] in production.
#[cfg(not(norace))]
pub use std::thread_local;

/// Chooses a constant: the first value in production, the second under the checker.
///
/// Capacities of queues, batch sizes and retry counts go through this macro, so that the checker reaches "full" and
/// "wrapped around" within a few steps.
///
/// ```
/// const SLOTS: usize = norace_prim::model_or!(256, 4);
/// assert!(SLOTS == 256 || cfg!(norace));
/// ```
#[macro_export]
macro_rules! model_or {
    ($production:expr, $model:expr) => {
        if cfg!(norace) { $model } else { $production }
    };
}
