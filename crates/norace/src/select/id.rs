//! Which select is being polled.
//!
//! A send that is one arm of several must not be completed by a receiver while another arm may be taken at the same
//! moment, so it has to know that it is in a select. The select tells it through the thread: it marks the time during
//! which it polls its arms. A wait that begins inside (a nested `block_on`) is outside again.

use norace_prim::atomic::Tally;
use norace_prim::{probe, thread_local};
use std::cell::Cell;
use std::num::NonZero;

static NEXT: Tally = Tally::new();

thread_local! {
    static CURRENT: Cell<Option<SelectId>> = const { Cell::new(None) };
}

/// Names one select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SelectId(NonZero<u64>);

impl SelectId {
    /// A name no other select has.
    pub(crate) fn new() -> Self {
        let id = probe::unique().unwrap_or_else(|| NEXT.add(1) + 1);
        Self(NonZero::new(id).expect("fewer than 2^64 selects"))
    }

    /// The select whose arms this thread is polling.
    #[inline]
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Cell::get).ok().flatten()
    }

    /// Polls arms of `select`, or with `None` something that is in no select.
    pub(crate) fn during<R>(select: Option<Self>, poll: impl FnOnce() -> R) -> R {
        /// Puts the former one back, also when `poll` unwinds.
        struct Restore(Option<SelectId>);
        impl Drop for Restore {
            fn drop(&mut self) {
                // While thread-locals are being destroyed nothing is marked.
                let _ = CURRENT.try_with(|current| current.set(self.0));
            }
        }
        let former = CURRENT.try_with(|current| current.replace(select)).ok().flatten();
        let _restore = Restore(former);
        poll()
    }
}
