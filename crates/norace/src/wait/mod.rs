//! What waiting is made of: lists of waiters, wakers to call after unlocking, and threads that park.

#[cfg(feature = "rt")]
mod blocked;
mod blocked_on;
mod list;
mod lock;
mod park;
#[cfg(not(feature = "rt"))]
mod unreported;
mod wakes;

#[cfg(feature = "rt")]
pub(crate) use blocked::{note, note_at, noted, restore_note, take as take_note};
pub(crate) use list::{Key, List, Slab};
pub(crate) use lock::lock_patiently;
pub(crate) use park::block_for;
pub use park::block_on;
#[cfg(feature = "rt")]
pub(crate) use park::thread_waker;
pub(crate) use wakes::{Wakes, for_each};
#[cfg(feature = "rt")]
pub use {blocked::Blocked, blocked_on::BlockedOn};
#[cfg(not(feature = "rt"))]
pub(crate) use {
    blocked_on::BlockedOn,
    unreported::{note, noted, restore_note},
};
