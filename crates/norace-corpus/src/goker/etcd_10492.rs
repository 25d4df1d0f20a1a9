//! etcd-io/etcd#10492: renewing a lease waits for its own lock, when what is left of the lease is to be replicated.
//!
//! With the lessor locked, `Renew` calls the checkpointer, and that comes back, after a round through the raft log, as
//! `Checkpoint`, which locks the lessor. Fixed by reading what the call needs under a read lock, and calling without.

use super::BLOCKS;
use crate::case::Case;
use crate::go::RwMutex;
use norace::context::Context;

pub(super) const CASE: Case =
    Case { name: "etcd_10492", class: "Double locking", kinds: BLOCKS, blames: &["main"], program };

type Checkpointer = fn(&Context, &Lessor);

#[derive(Default)]
struct State {
    checkpointer: Option<Checkpointer>,
    remaining_ttl: u64,
    renewals: u64,
}

struct Lessor {
    mu: RwMutex<State>,
}

impl Lessor {
    fn set_checkpointer(&self, checkpointer: Checkpointer) {
        self.mu.write().checkpointer = Some(checkpointer);
    }

    fn checkpoint(&self, remaining_ttl: u64) {
        self.mu.write().remaining_ttl = remaining_ttl;
    }

    fn renew(&self, fixed: bool) {
        let context = Context::new();
        if fixed {
            let checkpointer = self.mu.read().checkpointer;
            if let Some(checkpointer) = checkpointer {
                checkpointer(&context, self);
            }
            self.mu.write().renewals += 1;
        } else {
            let mut state = self.mu.write();
            if let Some(checkpointer) = state.checkpointer {
                checkpointer(&context, self);
            }
            state.renewals += 1;
        }
    }
}

fn program(fixed: bool) {
    let lessor = Lessor { mu: RwMutex::new(State::default()) };
    lessor.set_checkpointer(|_, lessor| lessor.checkpoint(0));
    lessor.renew(fixed);
}
