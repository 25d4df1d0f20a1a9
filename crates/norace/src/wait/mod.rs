//! What waiting is made of: lists of waiters, wakers to call after unlocking, and threads that park.

mod list;
mod park;
mod wakes;

pub(crate) use list::{Key, List, Slab};
pub use park::block_on;
pub(crate) use park::block_until;
#[cfg(feature = "rt")]
pub(crate) use park::thread_waker;
pub(crate) use wakes::{Wakes, for_each};
