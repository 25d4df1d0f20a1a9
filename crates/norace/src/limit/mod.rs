//! Limits on how much may pass: by rate or by window, for one place or per key, in one process or shared by several.
//!
//! | type | limits |
//! | --- | --- |
//! | [`Limiter`] | what passes one place |
//! | [`Keyed`] | each of many keys, of which there may be at most so many |
//! | `redis::Shared` (feature `redis`) | each of many keys, for all nodes together; its error is bounded, and known |
//! | `Layer` (feature `tower`) | the requests of a tower service |
//!
//! A [`Quota`] is what is allowed, a [`Decision`] what is said to one request. All of it works on any executor and on
//! plain threads. The page `docs/design/limit.md` has the algorithms and the proof of the shared limit's bound.
//!
//! ```
//! use norace::limit::{Decision, Keyed, Quota};
//!
//! let limits = Keyed::new(Quota::per_second(100)?, 100_000);
//! match limits.check("203.0.113.7") {
//!     Decision::Allowed { remaining, .. } => assert_eq!(remaining, 99),
//!     Decision::Denied { retry_after, .. } => panic!("come back in {retry_after:?}"),
//! }
//! # Ok::<(), norace::limit::QuotaError>(())
//! ```
//!
//! # When to use it, and when not
//!
//! To keep a service from being used up by few, or a client from asking more than it may. Not to bound how much is
//! under way at a time: that is a [`Semaphore`](crate::sync::Semaphore), and what comes faster than it goes is refused
//! by a bounded [channel](crate::chan).
//!
//! # Cost
//!
//! - [`Limiter`]: the clock, and for an admission an exchange of one word. A refusal writes nothing.
//! - [`Keyed`]: a hash, the clock, and for an admission a change of one cache line, without a lock. About 32 bytes for
//!   each key.
//! - `redis::Shared`: a hash, a lock shared with other readers, a change of one word. Redis is asked beside it.
//!
//! Nothing is allocated for a decision, but where a key is new.
//!
//! # Ordering
//!
//! Decisions on one place or key are in one order, that of the changes of its word. Nothing else is ordered by them:
//! who is admitted has not thereby seen what others did before they were.
//!
//! # Cancel safety
//!
//! A decision is no future. Waiting for one's turn ([`Limiter::until_ready`] and its like) may be given up at any time:
//! nothing is counted before it is ready.

mod cell;
mod clock;
mod decision;
pub mod headers;
mod keyed;
#[cfg(feature = "tower")]
mod layer;
mod limiter;
mod live;
#[cfg(all(test, norace))]
mod models;
mod quota;
mod ready;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "redis", test))]
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, unreachable_pub, reason = "the tests of the protocol need no carrier")
)]
mod shared;
#[cfg(test)]
mod tests;
mod versioned;
mod word;

pub use clock::{Clock, ManualClock, Monotonic};
pub use decision::{CostError, Decision, Reason};
pub use keyed::Keyed;
#[cfg(feature = "tower")]
pub use layer::{Layer, Limited};
pub use limiter::Limiter;
pub use quota::{ChangeError, Quota, QuotaError};
