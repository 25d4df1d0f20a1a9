//! cockroachdb/cockroach#35931: a flow is cancelled stream by stream, and the first one is full.
//!
//! Cancelling a flow pushes a message into each of its inbound streams. The processor behind them reads the right one
//! first; the left one is full until that is done, so the push into it hangs and the message that the processor waits
//! for is never sent. Fixed by pushing into each stream from a goroutine of its own.
//!
//! The registry keeps the streams in a map, which Go walks in any order.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go};
use norace_prim::rand;

pub(super) const CASE: Case =
    Case { name: "cockroach_35931", class: "Channel", kinds: BLOCKS, blames: &["main"], program };

#[derive(Clone)]
struct RowChannel {
    data: Chan<()>,
}

impl RowChannel {
    fn push(&self) {
        self.data.send(());
    }
}

/// The inbound streams of the one flow.
struct FlowRegistry {
    inbound_streams: Lock<Vec<RowChannel>>,
}

impl FlowRegistry {
    fn cancel_flow(&self, fixed: bool) {
        let mut receivers = self.inbound_streams.lock().clone();
        let first = rand::choose(receivers.len());
        receivers.rotate_left(first);
        for receiver in receivers {
            if fixed {
                go("canceller", move || receiver.push());
            } else {
                receiver.push();
            }
        }
    }
}

fn program(fixed: bool) {
    let left = RowChannel { data: Chan::new(1) };
    let right = RowChannel { data: Chan::new(1) };
    left.push();
    let registry = FlowRegistry { inbound_streams: Lock::new(vec![left.clone(), right.clone()]) };
    go("processor", move || {
        right.data.recv();
        for _ in 0..2 {
            left.data.recv();
        }
    });
    registry.cancel_flow(fixed);
}
