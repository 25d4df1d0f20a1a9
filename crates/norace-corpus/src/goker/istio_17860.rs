//! istio/istio#17860: a proxy's exit is reported to an agent that has gone.
//!
//! The agent starts its proxy anew with every configuration, as a new epoch, once the epoch before has gone live or was
//! waited for long enough; it holds its lock all that time. Each epoch reports its exit on a channel without buffer.
//! The agent's loop ends with its context, or when no epoch is active; it may see that while a restart is about to
//! begin the next one, whose report then finds nobody.
//!
//! Upstream registers an epoch before it waits, and waits without the lock; that hides the hang, but does not rule it
//! out. The smallest change that does, made here: a report is given up when the context is over.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go, sent};
use norace::chan::{after, tick};
use norace::context::Context;
use norace::select_blocking;
use norace::time::Duration;
use norace_prim::sync::Arc;
use std::collections::BTreeSet;

pub(super) const CASE: Case =
    Case { name: "istio_17860", class: "Channel", kinds: BLOCKS, blames: &["runWait"], program };

struct Agent {
    epochs: Lock<Epochs>,
    status_ch: Chan<u32>,
}

#[derive(Default)]
struct Epochs {
    current: u32,
    active: BTreeSet<u32>,
}

impl Agent {
    fn run(&self, context: &Context) {
        loop {
            select_blocking! {
                status = self.status_ch.receiver().recv() => {
                    let mut epochs = self.epochs.lock();
                    epochs.active.remove(&status.expect("a channel that nobody closes"));
                    if epochs.active.is_empty() {
                        return;
                    }
                }
                _ = context.cancelled() => return,
            }
        }
    }

    fn restart(self: &Arc<Self>, context: &Context, fixed: bool) {
        let mut epochs = self.epochs.lock();
        if !epochs.active.is_empty() {
            wait_until_live();
        }
        epochs.current += 1;
        let epoch = epochs.current;
        epochs.active.insert(epoch);
        let (agent, context) = (self.clone(), context.clone());
        go("runWait", move || agent.run_wait(epoch, &context, fixed));
    }

    /// Runs the proxy, which exits at once, and reports that.
    fn run_wait(&self, epoch: u32, context: &Context, fixed: bool) {
        if !fixed {
            return self.status_ch.send(epoch);
        }
        select_blocking! {
            done = self.status_ch.sender().send(epoch) => sent(done.is_ok()),
            _ = context.cancelled() => {}
        }
    }
}

/// How often a proxy is asked before the time for it to go live is over.
const CHECKS: u32 = 3;

/// Waits for a proxy that never goes live.
fn wait_until_live() {
    let timer = after(Duration::from_nanos(100));
    let interval = tick(Duration::from_nanos(30));
    for _ in 0..CHECKS {
        select_blocking! {
            _ = timer.recv() => return,
            _ = interval.recv() => {}
        }
    }
    drop(interval);
    timer.recv_blocking().expect("a timer is never closed");
}

fn program(fixed: bool) {
    let context = Context::new();
    let agent = Arc::new(Agent { epochs: Lock::new(Epochs::default()), status_ch: Chan::new(0) });
    let (running, until) = (agent.clone(), context.clone());
    go("run", move || running.run(&until));
    agent.restart(&context, fixed);
    let (again, until) = (agent.clone(), context.clone());
    go("restart", move || again.restart(&until, fixed));
    context.cancel();
}
