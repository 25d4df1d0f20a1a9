//! The ring of the runtime's workers under the names of st3. It is no part of the kit's surface, so its source is taken
//! in here as it stands.

#[path = "../../../norace/src/raw/ring.rs"]
#[expect(dead_code, reason = "the runtime uses more of it than these tests")]
mod ring;

pub mod fifo;
pub mod lifo;

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StealError {
    Empty,
    /// Another thief is at work.
    Busy,
}
