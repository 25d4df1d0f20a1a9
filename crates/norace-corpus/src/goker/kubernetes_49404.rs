//! kubernetes/kubernetes#49404: a test of a proxy asks whether its backend was called while it is being called.
//!
//! The backend notes the call in a variable of the test, from the goroutine that serves the connection. Fixed by
//! counting the calls atomically.

use super::RACES;
use crate::case::Case;
use crate::go::{WaitGroup, Word, go};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_49404",
    class: "Data race",
    kinds: RACES,
    blames: &["connection"],
    program,
};

type Handler = Arc<dyn Fn() + Send + Sync>;

/// An HTTP server, which serves each connection in a goroutine.
struct Server {
    handler: Handler,
    accepting: WaitGroup,
}

impl Server {
    fn start(&self) {
        self.accepting.add(1);
        let (handler, accepted) = (self.handler.clone(), self.accepting.clone());
        go("server", move || {
            go("connection", move || handler());
            accepted.done();
        });
    }
}

fn program(fixed: bool) {
    let called = Arc::new(Word::named("called", 0));
    let counted = called.clone();
    let handler = move || {
        if fixed {
            counted.atomic_add(1);
        } else {
            counted.set(1);
        }
    };
    let backend = Server { handler: Arc::new(handler), accepting: WaitGroup::new() };
    backend.start();
    // What the test makes of it does not matter here.
    if fixed {
        called.atomic_load()
    } else {
        called.get()
    };
}
