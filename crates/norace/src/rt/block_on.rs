//! Runs one future on the calling thread, which sleeps while the future is pending.

use super::current;
use crate::wait;
use std::future::Future;

/// Polls `future` to its end; `what` names the operation in the panic that refuses to block a worker.
pub(crate) fn block_on<F: Future>(what: &str, future: F) -> F::Output {
    current::assert_may_block(what);
    wait::block_on(future)
}
