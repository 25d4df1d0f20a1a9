//! moby/moby#22941: goroutines that a loop starts all read the loop's one variable, which goes on to the next value.
//!
//! The test of a rewritten header writes each request into a pipe, from a goroutine of its own that captures the pair
//! of request and expectation. Before Go 1.22 there is one such variable for the whole loop. Fixed by handing the
//! request over as an argument.

use super::RACES;
use crate::case::Case;
use crate::go::{Lock, go, settle};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "moby_22941",
    class: "Anonymous function",
    kinds: RACES,
    blames: &["writer"],
    program,
};

/// What is sent, and what is to arrive.
type Pair = [&'static str; 2];

const TESTS: [Pair; 2] = [
    ["Host: /var/run/docker.sock", "Host:"],
    ["Host: /var/run/docker.sock; Foo: Bar", "Host:; Foo: Bar"],
];

#[derive(Default)]
struct Pipe {
    written: Lock<Vec<u8>>,
}

impl Pipe {
    fn write(&self, bytes: &str) {
        self.written.lock().extend(bytes.as_bytes());
    }
}

fn program(fixed: bool) {
    let server = Arc::new(Pipe::default());
    let pair = Arc::new(RaceCell::named("pair", ["", ""]));
    for test in TESTS {
        pair.set(test);
        let (server, captured) = (server.clone(), pair.clone());
        go("writer", move || {
            let [request, _] = if fixed { test } else { captured.get() };
            server.write(request);
        });
    }
    settle();
}
