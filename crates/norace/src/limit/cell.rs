//! One word that several threads decide on.

use norace_prim::atomic::{AtomicU64, Ordering};

use super::clock::Clock;
use super::decision::Decision;
use super::quota::{Kind, Params};
use super::word::{Verdict, decide};

/// Decides on a cost of `n`.
///
/// The word is read before the clock, each time: whoever wrote it had read the clock before, so that the word is
/// of no later time than this thread's but for what readings of the clock may be out of order by, and no window comes
/// back.
#[inline(always)] // A caller that does not ask what remains is spared the division.
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
        let verdict = decide(kind, params(), word, clock.nanos(), n);
        let Verdict::Admit { word: next, .. } = verdict else { return verdict.into() };
        // Release: pairs with both Acquires, so that whoever reads the word has a later time. Acquire: as above.
        let order = (Ordering::Release, Ordering::Acquire);
        match cell.compare_exchange_weak(word, next, order.0, order.1) {
            Ok(_) => return verdict.into(),
            Err(other) => word = other,
        }
    }
}
