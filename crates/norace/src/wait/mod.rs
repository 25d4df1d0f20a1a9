//! What waiting is made of: lists of waiters, wakers to call after unlocking, and threads that park.

#[cfg(feature = "rt")]
mod blocked;
mod list;
mod park;
#[cfg(not(feature = "rt"))]
mod unreported;
mod wakes;

#[cfg(feature = "rt")]
pub use blocked::{Blocked, BlockedOn};
#[cfg(feature = "rt")]
pub(crate) use blocked::{note, note_at, noted, restore_note, take as take_note};
pub(crate) use list::{Key, List, Slab};
pub(crate) use park::block_for;
pub use park::block_on;
#[cfg(feature = "rt")]
pub(crate) use park::thread_waker;
#[cfg(not(feature = "rt"))]
pub(crate) use unreported::{BlockedOn, note, noted, restore_note};
pub(crate) use wakes::{Wakes, for_each};
