//! Operations with stronger orderings than written, to see what would change.

use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use super::{Engine, Pending};
use crate::event::{Op, ThreadId};
use crate::finding::Place;

impl Engine {
    /// Makes of what `thread` has announced what is to be performed.
    #[cold]
    pub(super) fn strengthen(&mut self, thread: ThreadId) {
        if let Some(pending) = self.threads[thread].pending {
            let op = self.strengthened(pending.op, pending.location);
            self.threads[thread].pending = Some(Pending { op, ..pending });
        }
    }

    fn strengthened(&self, op: Op, location: Place) -> Op {
        let here = self.config.strengthened.iter().find(|one| {
            (one.line, one.column) == (location.line(), location.column())
                && one.file == location.file()
        });
        let Some(more) = here.map(|one| one.order) else { return op };
        match op {
            Op::Load { order } => Op::Load { order: of_load(both(order, more)) },
            Op::Store { value, order } => Op::Store { value, order: of_store(both(order, more)) },
            Op::Rmw { apply, operand, order } => {
                Op::Rmw { apply, operand, order: both(order, more) }
            }
            Op::CompareExchange { expected, new, success, failure, weak } => Op::CompareExchange {
                expected,
                new,
                success: both(success, more),
                failure: of_load(both(failure, more)),
                weak,
            },
            Op::Fence { order } => Op::Fence { order: both(order, more) },
            op => op,
        }
    }
}

/// The weakest ordering that is as strong as both.
fn both(one: Ordering, two: Ordering) -> Ordering {
    match (one, two) {
        (SeqCst, _) | (_, SeqCst) => SeqCst,
        (Relaxed, other) | (other, Relaxed) => other,
        (Acquire, Acquire) => Acquire,
        (Release, Release) => Release,
        _ => AcqRel,
    }
}

/// What of an ordering a load can have.
fn of_load(order: Ordering) -> Ordering {
    match order {
        AcqRel => Acquire,
        Release => Relaxed,
        order => order,
    }
}

/// What of an ordering a store can have.
fn of_store(order: Ordering) -> Ordering {
    match order {
        AcqRel => Release,
        Acquire => Relaxed,
        order => order,
    }
}
