//! moby/moby#33781: a health check under way is left alone when its monitor stops.
//!
//! The monitor starts a probe at each interval and waits for its result, for its time-out, or for the order to stop. In
//! the first two cases it receives the result; ordered to stop it cancels the probe and returns, and the probe hangs on
//! its result. Fixed by receiving it in that case, too.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, go};
use norace::chan::after;
use norace::context::Context;
use norace::select_blocking;
use norace::time::Duration;

pub(super) const CASE: Case = Case {
    name: "moby_33781",
    class: "Channel & Context",
    kinds: BLOCKS,
    blames: &["probe"],
    program,
};

const PROBE_INTERVAL: Duration = Duration::from_nanos(50);
const PROBE_TIMEOUT: Duration = Duration::from_nanos(50);

/// Probes before somebody has to stop the monitor, so that the model has an end.
const PROBES: usize = 2;

fn monitor(stop: &Chan<()>, fixed: bool) {
    for _ in 0..PROBES {
        select_blocking! {
            _ = stop.receiver().recv() => return,
            _ = after(PROBE_INTERVAL).recv() => {}
        }
        let results = Chan::new(0);
        let context = Context::new().with_timeout(PROBE_TIMEOUT);
        let result = results.clone();
        go("probe", move || {
            result.send(true);
            result.close();
        });
        select_blocking! {
            _ = stop.receiver().recv() => {
                context.cancel();
                if fixed {
                    results.recv();
                }
                return;
            }
            _ = results.receiver().recv() => {}
            _ = context.cancelled() => {
                results.recv();
            }
        }
        context.cancel();
    }
    stop.recv();
}

fn program(fixed: bool) {
    let stop = Chan::new(0);
    let stops = stop.clone();
    go("monitor", move || monitor(&stops, fixed));
    stop.send(());
}
