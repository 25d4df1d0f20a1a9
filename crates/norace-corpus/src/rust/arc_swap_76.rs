//! vorner/arc-swap#76: a reader notes that it uses a value just when a writer replaces it, and neither sees the other.
//!
//! Instead of counting references, a reader writes the pointer into a debt slot and confirms that it is still the
//! current one. A writer exchanges the pointer and pays the debts on the former one by counting for their owners. Slot
//! and pointer are written by `SeqCst` operations, but the loads that follow were weaker: the writer may find no debt,
//! the reader the former pointer, and the value is freed while it is in use. Fixed by `SeqCst` throughout: the
//! confirming load at first (1.5.1), the payments when that turned out not to be enough (#198, #200, #204; 1.9.1).

use super::{Allocation, MISUSES_MEMORY, spawn};
use crate::case::Case;
use norace_prim::atomic::{AtomicUsize, Ordering, fence};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "arc_swap_76",
    class: "Memory ordering",
    kinds: MISUSES_MEMORY,
    blames: &["reader"],
    program,
};

/// An empty debt slot.
const NONE: usize = usize::MAX;

/// A value with its references.
struct Value {
    count: AtomicUsize,
    memory: Allocation,
}

impl Value {
    fn new() -> Self {
        Self { count: AtomicUsize::new(1), memory: Allocation::named("value") }
    }

    fn count_one_more(&self) {
        // Relaxed: who counts has a reference.
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn release(&self) {
        // Release: pairs with the Acquire below, so that all uses come before the end.
        if self.count.fetch_sub(1, Ordering::Release) == 1 {
            // Acquire: pairs with the Release above.
            fence(Ordering::Acquire);
            self.memory.free();
        }
    }
}

/// Pointers are places in `values`.
struct ArcSwap {
    values: [Value; 2],
    current: AtomicUsize,
    /// The reader's only slot.
    debt: AtomicUsize,
    fixed: bool,
}

impl ArcSwap {
    fn order(&self, before: Ordering) -> Ordering {
        if self.fixed { Ordering::SeqCst } else { before }
    }

    /// Empties the slot if it is for `pointer`; otherwise somebody else has paid.
    fn pay(&self, pointer: usize) -> bool {
        let (success, failure) = (self.order(Ordering::Release), self.order(Ordering::Relaxed));
        // Release: what the reader did is over; SeqCst: also after the exchange of the pointer.
        self.debt.compare_exchange(pointer, NONE, success, failure).is_ok()
    }

    /// Uses the current value, unless it is replaced meanwhile; then a slower way would follow.
    fn read(&self) {
        // Relaxed: to be confirmed; SeqCst: before anybody pays the debt.
        let pointer = self.current.load(self.order(Ordering::Relaxed));
        // SeqCst: before the load that confirms.
        self.debt.swap(pointer, Ordering::SeqCst);
        // Acquire: the value is seen; SeqCst: after the debt.
        let confirmed = self.current.load(self.order(Ordering::Acquire)) == pointer;
        if !confirmed && self.pay(pointer) {
            return;
        }
        let value = &self.values[pointer];
        value.memory.touch();
        if !(confirmed && self.pay(pointer)) {
            value.release();
        }
    }

    /// Makes `pointer` the current one and releases the former.
    fn write(&self, pointer: usize) {
        // SeqCst: before the look for debts.
        let former = self.current.swap(pointer, Ordering::SeqCst);
        let value = &self.values[former];
        value.count_one_more();
        if self.pay(former) {
            value.count_one_more();
        }
        value.release();
        value.release();
    }
}

fn program(fixed: bool) {
    let values = [Value::new(), Value::new()];
    let (current, debt) = (AtomicUsize::new(0), AtomicUsize::new(NONE));
    let swap = Arc::new(ArcSwap { values, current, debt, fixed });
    let reads = swap.clone();
    spawn("reader", move || reads.read());
    swap.write(1);
}
