//! What tasks and threads share: counts, versions, states, signals, locks.
//!
//! Everything here works on any executor and on plain threads, in any mix on one object: each wait is a future, and has
//! a blocking end and one with a time-out. Nobody spins, a wait that is dropped loses nothing, and wakers are called
//! with no lock held.
//!
//! # Which one
//!
//! | you have | take |
//! | --- | --- |
//! | a count, written often and read seldom | [`Counter`] |
//! | a value that may be set only if nobody has set it since it was read | [`Versioned`] |
//! | a state that moves along a table | [`StateMachine`], declared by [`states!`](crate::states) |
//! | "it is so from now on" | [`Latch`] |
//! | "go", "stop", "go" | [`Gate`] |
//! | "all of you are done" | [`WaitGroup`] |
//! | a resource that one task at a time uses, across awaits | [`Mutex`] |
//! | so many at a time | [`Semaphore`] |
//! | a value that whoever needs it first makes | [`OnceCell`] |
//!
//! A channel of capacity 1 can stand in for several of these, and says less than any of them. How the parts work is in
//! `docs/design/sync.md`.

mod cell;
mod counter;
mod event;
mod gate;
mod latch;
#[cfg(all(test, norace))]
mod models;
mod once_cell;
mod permits;
mod raw;
mod semaphore;
mod state_machine;
mod transitions;
mod versioned;
mod wait_group;
mod word;

pub use cell::Value;
pub use counter::Counter;
pub use event::{Condition, Wait};
pub use gate::Gate;
pub use latch::Latch;
pub use once_cell::{OnceCell, SetError};
pub use raw::mutex::{Guard, Lock, Mutex, MutexGuard, OwnedMutexGuard};
pub use semaphore::{
    Acquire, AcquireError, AcquireTimeoutError, OwnedPermit, Permit, Semaphore, TryAcquireError,
};
pub use state_machine::{IllegalMove, MoveError, StateMachine, Unreachable};
pub use transitions::{States, Transitions};
pub use versioned::{Stale, Version, Versioned};
pub use wait_group::{Member, WaitGroup};
pub use word::Word;
