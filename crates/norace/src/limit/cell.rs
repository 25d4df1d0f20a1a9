//! One word that several threads decide on.

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::time::Duration;

use super::clock::Clock;
use super::decision::{Decision, Reason};
use super::quota::{Kind, Params};
use super::word::{Verdict, decide};

/// Decides on a cost of `n`.
///
/// The word is read before the clock, each time: whoever wrote it had read the clock before, so that the word is
/// of no later time than this thread's but for what readings of the clock may be out of order by, and no window comes
/// back.
#[inline]
pub(super) fn check(
    cell: &AtomicU64,
    kind: Kind,
    params: impl Fn() -> Params,
    clock: &impl Clock,
    n: u64,
) -> Decision {
    // Acquire: pairs with the Release below, so that the clock is read after the writer's.
    let mut word = cell.load(Ordering::Acquire);
    loop {
        match decide(kind, params(), word, clock.nanos(), n) {
            Verdict::Deny { retry } => {
                return Decision::denied(Duration::from_nanos(retry), Reason::Quota);
            }
            Verdict::Admit { word: next, remaining, reset } => {
                // Release: pairs with both Acquires, so that whoever reads the word has a later time. Acquire: as
                // above.
                let order = (Ordering::Release, Ordering::Acquire);
                match cell.compare_exchange_weak(word, next, order.0, order.1) {
                    Ok(_) => {
                        let reset_after = Duration::from_nanos(reset);
                        return Decision::Allowed { remaining, reset_after };
                    }
                    Err(other) => word = other,
                }
            }
        }
    }
}
