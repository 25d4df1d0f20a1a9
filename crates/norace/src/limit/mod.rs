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
