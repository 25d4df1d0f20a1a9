//! cockroachdb/cockroach#13755: the rows of a query that are not read to their end leave a goroutine behind.
//!
//! Since Go 1.8 the rows of database/sql have a goroutine that closes them at the end of the query's context, which is
//! cancelled when they are closed. A test of schema changes looked at some and dropped them. Fixed by closing them.

use super::BLOCKS;
use crate::case::Case;
use crate::go::go;
use norace::context::Context;
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "cockroach_13755",
    class: "Channel & Context",
    kinds: BLOCKS,
    blames: &["awaitDone"],
    program,
};

struct Rows {
    context: Context,
}

impl Rows {
    fn query(context: &Context) -> Arc<Self> {
        let rows = Arc::new(Self { context: context.child() });
        let waits = rows.clone();
        go("awaitDone", move || waits.await_done());
        rows
    }

    fn await_done(&self) {
        select_blocking! {
            _ = self.context.cancelled() => self.close(),
        }
    }

    fn close(&self) {
        self.context.cancel();
    }
}

fn program(fixed: bool) {
    let rows = Rows::query(&Context::new());
    if fixed {
        rows.close();
    }
}
