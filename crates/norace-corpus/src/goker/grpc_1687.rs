//! grpc/grpc-go#1687: a handler writes to its stream after it has sent the status, which closed the channel of writes.
//!
//! Writes are closures that a handler sends to the goroutine that serves the request. Sending the status ends the
//! stream and closes that channel; a write that follows sends into it and panics. Fixed by closing the transport first,
//! which every write asks about. (A write at the very same time still met the closed channel: grpc/grpc-go#2695.)

use crate::case::Case;
use crate::go::{Chan, go, sent};
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "grpc_1687",
    class: "Misuse channel",
    kinds: &["panic"],
    blames: &["handler"],
    program,
};

struct Transport {
    closed: Chan<()>,
    writes: Chan<&'static str>,
}

impl Transport {
    fn perform(&self, write: &'static str) {
        if self.closed.try_recv().is_some() {
            return;
        }
        select_blocking! {
            result = self.writes.sender().send(write) => sent(result.is_ok()),
            _ = self.closed.receiver().recv() => {}
        }
    }

    fn write_status(&self, fixed: bool) {
        self.perform("status");
        if fixed {
            self.closed.close();
        }
        self.writes.close();
    }

    /// Performs what handlers write until the stream ends.
    fn run_stream(&self) {
        loop {
            select_blocking! {
                write = self.writes.receiver().recv() => if write.is_err() { return },
                _ = self.closed.receiver().recv() => return,
            }
        }
    }
}

fn program(fixed: bool) {
    let transport = Arc::new(Transport { closed: Chan::new(0), writes: Chan::new(0) });
    let stream = transport.clone();
    go("handler", move || {
        stream.write_status(fixed);
        stream.perform("data");
    });
    transport.run_stream();
}
