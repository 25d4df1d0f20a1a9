//! grpc/grpc-go#795: a server that is told to stop gracefully for a second time keeps its lock.
//!
//! The second call finds that the server drains already and returns, without unlocking. Whoever comes next hangs: a
//! third call, and the goroutine that serves. Fixed by unlocking there.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Lock, go};
use norace_prim::sync::Arc;

pub(super) const CASE: Case =
    Case { name: "grpc_795", class: "Double locking", kinds: BLOCKS, blames: &["main"], program };

#[derive(Default)]
struct State {
    drain: bool,
    listeners: usize,
}

struct Server {
    mu: Lock<State>,
}

impl Server {
    fn serve(&self) {
        self.mu.lock().listeners += 1;
    }

    fn graceful_stop(&self, fixed: bool) {
        let mut state = self.mu.lock();
        if state.drain {
            if !fixed {
                std::mem::forget(state);
            }
            return;
        }
        state.drain = true;
        state.listeners = 0;
    }
}

fn program(fixed: bool) {
    let server = Arc::new(Server { mu: Lock::new(State::default()) });
    let serving = server.clone();
    go("serve", move || serving.serve());
    for _ in 0..3 {
        server.graceful_stop(fixed);
    }
}
