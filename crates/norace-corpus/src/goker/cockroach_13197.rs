//! cockroachdb/cockroach#13197: a transaction that is neither committed nor rolled back leaves a goroutine behind.
//!
//! Since Go 1.8 a transaction of database/sql has a goroutine that waits for the end of the transaction's context, to
//! roll back then. The context is cancelled when the transaction is closed. One that was begun and then dropped keeps
//! its goroutine. Fixed by closing it.

use super::BLOCKS;
use crate::case::Case;
use crate::go::go;
use norace::context::Context;
use norace::select_blocking;

pub(super) const CASE: Case = Case {
    name: "cockroach_13197",
    class: "Channel & Context",
    kinds: BLOCKS,
    blames: &["awaitDone"],
    program,
};

struct Tx {
    context: Context,
}

impl Tx {
    fn begin(context: &Context) -> Self {
        let context = context.child();
        let until = context.clone();
        go("awaitDone", move || {
            select_blocking! {
                _ = until.cancelled() => {}
            }
        });
        Self { context }
    }

    fn rollback(&self) {
        self.context.cancel();
    }
}

fn program(fixed: bool) {
    let tx = Tx::begin(&Context::new());
    if fixed {
        tx.rollback();
    }
}
