//! grpc/grpc-go#660: a benchmark's client stops listening while a call is under way, whose end then reaches nobody.
//!
//! Each call runs in a goroutine that reports its end on a channel without buffer. The client waits for that or for the
//! order to stop; when it stops, the last call hangs on its report. Fixed by a buffer of one.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, go, settle};
use norace::select_blocking;
use norace_prim::rand;

pub(super) const CASE: Case =
    Case { name: "grpc_660", class: "Channel", kinds: BLOCKS, blames: &["call"], program };

/// Calls made before somebody has to stop the client, so that the model has an end.
const CALLS: usize = 2;

fn close_loop_unary(stop: &Chan<bool>, fixed: bool) {
    for _ in 0..CALLS {
        let done = Chan::new(usize::from(fixed));
        let reports = done.clone();
        go("call", move || reports.send(rand::choose(2) == 0));
        select_blocking! {
            _ = stop.receiver().recv() => return,
            _ = done.receiver().recv() => {}
        }
    }
    stop.recv();
}

fn program(fixed: bool) {
    let stop = Chan::new(0);
    let stopped = stop.clone();
    go("client", move || close_loop_unary(&stopped, fixed));
    go("stopper", move || stop.send(true));
    settle();
}
