//! cockroachdb/cockroach#2448: the Raft loop and the store each send what the other one is too busy sending to take.
//!
//! MultiRaft tells the store of every committed entry through one channel, and the store answers a membership change
//! with a callback for MultiRaft's loop through another one. Neither has a buffer, and neither side takes anything
//! while it sends: the loop hangs on the event of a second entry, the store on the callback of the first. Fixed by a
//! queue of events that the loop sends from where it also takes callbacks.
//!
//! Entries come from a task that writes them; there are two, and everything is stopped when both are applied.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, go, sent};
use norace::select_blocking;
use norace_prim::sync::Arc;
use std::collections::VecDeque;

pub(super) const CASE: Case = Case {
    name: "cockroach_2448",
    class: "Channel",
    kinds: BLOCKS,
    blames: &["state", "store"],
    program,
};

const ENTRIES: usize = 2;

struct MembershipChangeCommitted;

/// What is to be done in MultiRaft's loop once the store has applied a change.
type Callback = Box<dyn FnOnce() + Send>;

struct MultiRaft {
    stopper: Chan<()>,
    written: Chan<()>,
    events: Chan<MembershipChangeCommitted>,
    callback_chan: Chan<Callback>,
    applied: Chan<()>,
}

impl MultiRaft {
    /// The loop of MultiRaft's state.
    fn start(&self, fixed: bool) {
        let mut pending = VecDeque::new();
        loop {
            select_blocking! {
                _ = self.stopper.receiver().recv() => return,
                callback = self.callback_chan.receiver().recv() => {
                    callback.expect("a channel that nobody closes")();
                }
                _ = self.written.receiver().recv() => {
                    if fixed {
                        pending.push_back(MembershipChangeCommitted);
                    } else {
                        self.send_event();
                    }
                }
                done = self.events.sender().send(MembershipChangeCommitted), if !pending.is_empty() => {
                    sent(done.is_ok());
                    pending.pop_front();
                }
            }
        }
    }

    fn send_event(&self) {
        select_blocking! {
            done = self.events.sender().send(MembershipChangeCommitted) => sent(done.is_ok()),
            _ = self.stopper.receiver().recv() => {}
        }
    }

    /// The store's loop.
    fn process_raft(&self) {
        loop {
            select_blocking! {
                _ = self.events.receiver().recv() => self.apply_change(),
                _ = self.stopper.receiver().recv() => return,
            }
        }
    }

    fn apply_change(&self) {
        let applied = self.applied.clone();
        let callback: Callback = Box::new(move || applied.send(()));
        select_blocking! {
            done = self.callback_chan.sender().send(callback) => sent(done.is_ok()),
            _ = self.stopper.receiver().recv() => {}
        }
    }
}

fn program(fixed: bool) {
    let multi_raft = Arc::new(MultiRaft {
        stopper: Chan::new(0),
        written: Chan::new(ENTRIES),
        events: Chan::new(0),
        callback_chan: Chan::new(0),
        applied: Chan::new(ENTRIES),
    });
    let (store, state) = (multi_raft.clone(), multi_raft.clone());
    go("store", move || store.process_raft());
    go("state", move || state.start(fixed));
    for _ in 0..ENTRIES {
        multi_raft.written.send(());
    }
    for _ in 0..ENTRIES {
        multi_raft.applied.recv();
    }
    multi_raft.stopper.close();
}
