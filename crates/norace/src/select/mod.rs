//! Waiting for whichever comes first: [`select!`](crate::select!) for tasks,
//! [`select_blocking!`](crate::select_blocking!) for threads, [`Select`] for cases that are known at run time only.
//!
//! All of them take exactly one of their arms, each ready one equally likely. Sends know that they are in a select
//! (`SelectId`) and then move their value only when they are polled, which makes them the arm that takes effect; see
//! the channel's protocol in `chan/state.rs`.

#[doc(hidden)]
pub mod arms;
mod cases;
mod id;
mod macros;
#[cfg(all(test, norace))]
mod models;
mod pick;
mod set;

pub(crate) use id::SelectId;
pub use set::{CaseId, LocalSelect, Select};
