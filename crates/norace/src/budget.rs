//! The cooperative budget: how many operations one poll of a task may complete before it has to let others run.
//!
//! A task whose channel or socket is always ready would otherwise never return `Pending`, and everything queued
//! behind it on its worker would starve. The kit's own leaf futures take part: before an operation they ask
//! [`poll_left`], after one that made progress they call [`spend`]. An operation that stays pending costs nothing,
//! so a task that polls hundreds of idle futures still reaches the last of them.
//!
//! A runtime's worker sets the budget at the start of each poll with [`with`]. Elsewhere (plain threads, other
//! executors) there is none and both calls are one thread-local read.

use norace_prim::thread_local;
use std::cell::Cell;
use std::task::{Context, Poll};

/// Operations one poll may complete.
pub(crate) const PER_POLL: u32 = norace_prim::model_or!(128, 4);

/// "Not inside a poll of the runtime".
const UNLIMITED: u32 = u32::MAX;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(UNLIMITED) };
}

/// Runs `poll` with a fresh budget and puts the former one back afterwards, also when `poll` unwinds.
pub(crate) fn with<R>(poll: impl FnOnce() -> R) -> R {
    struct Restore(u32);
    impl Drop for Restore {
        fn drop(&mut self) {
            LEFT.set(self.0);
        }
    }
    let _restore = Restore(LEFT.replace(PER_POLL));
    poll()
}

/// Ready when the running poll may do another operation; otherwise wakes the task again and is pending.
#[inline]
pub(crate) fn poll_left(cx: &mut Context<'_>) -> Poll<()> {
    if LEFT.get() == 0 {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

/// Counts one operation that made progress.
#[inline]
pub(crate) fn spend() {
    let left = LEFT.get();
    if left != UNLIMITED {
        LEFT.set(left.saturating_sub(1));
    }
}
