//! Bugs that crates of others had.
//!
//! Each is the smallest protocol that has the defect for the same reason. What they keep behind raw pointers is a
//! [`RaceCell`] here, whose accesses are checked in the same way, and memory that they free by hand an `Allocation`.

use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::thread::{Builder, JoinHandle};

mod arc_swap_76;
mod basedrop_10;
mod crossbeam_epoch_53;
mod once_cell_186;
mod spmc_11;
mod tokio_1648;
mod tokio_1788;
mod tokio_2096;
mod tokio_2340;
mod tokio_2387;
mod tokio_4226;

/// All of them, by name.
pub const BUGS: &[Case] = &[
    arc_swap_76::CASE,
    basedrop_10::CASE,
    crossbeam_epoch_53::CASE,
    once_cell_186::CASE,
    spmc_11::CASE,
    tokio_1648::CASE,
    tokio_1788::CASE,
    tokio_2096::CASE,
    tokio_2340::CASE,
    tokio_2387::CASE,
    tokio_4226::CASE,
];

/// What using freed memory comes to.
const MISUSES_MEMORY: &[&str] = &["data-race", "panic"];

/// Starts a thread that reports call `name`.
///
/// # Panics
///
/// When the system gives no thread.
#[track_caller]
fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().name(name.to_owned()).spawn(body).expect("a new thread")
}

/// Memory that is freed by hand. To use it is a read and to free it a write, so that each use has to happen before.
struct Allocation {
    freed: RaceCell<bool>,
}

impl Allocation {
    /// Memory that reports call `name`.
    #[track_caller]
    const fn named(name: &'static str) -> Self {
        Self { freed: RaceCell::named(name, false) }
    }

    /// Accesses it.
    ///
    /// # Panics
    ///
    /// When it was freed.
    #[track_caller]
    fn touch(&self) {
        assert!(!self.freed.get(), "use after free");
    }

    /// Frees it.
    ///
    /// # Panics
    ///
    /// When it was freed before.
    #[track_caller]
    fn free(&self) {
        assert!(!self.freed.replace(true), "double free");
    }
}
