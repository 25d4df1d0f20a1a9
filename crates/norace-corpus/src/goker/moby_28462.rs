//! moby/moby#28462: a container that stops waits for its health monitor, which waits for the container's lock.
//!
//! The monitor of a container's health probes it until it is told to stop, and writes down each result under the
//! container's lock. A change of the container's state, which has that lock, tells it to stop by sending into a channel
//! without buffer. Fixed by closing the channel instead.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go, settle};
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "moby_28462",
    class: "Channel & Lock",
    kinds: BLOCKS,
    blames: &["monitor"],
    program,
};

/// Probes before the monitor does nothing but wait, so that the model has an end.
const PROBES: usize = 2;

struct Health {
    stop: Chan<()>,
}

impl Health {
    fn close_monitor_channel(&self, fixed: bool) {
        if fixed {
            self.stop.close();
        } else {
            self.stop.send(());
        }
    }
}

struct Container {
    /// Guards how often the probe has failed.
    failing_streak: Lock<usize>,
    health: Health,
}

impl Container {
    fn handle_probe_result(&self) {
        *self.failing_streak.lock() += 1;
    }

    fn monitor(&self) {
        for _ in 0..PROBES {
            select_blocking! {
                _ = self.health.stop.receiver().recv() => return,
                default => self.handle_probe_result(),
            }
        }
        self.health.stop.recv();
    }

    /// The daemon's `StateChanged`.
    fn state_changed(&self, fixed: bool) {
        let _locked = self.failing_streak.lock();
        self.health.close_monitor_channel(fixed);
    }
}

fn program(fixed: bool) {
    let health = Health { stop: Chan::new(0) };
    let container = Arc::new(Container { failing_streak: Lock::new(0), health });
    let monitored = container.clone();
    go("monitor", move || monitored.monitor());
    go("daemon", move || container.state_changed(fixed));
    settle();
}
