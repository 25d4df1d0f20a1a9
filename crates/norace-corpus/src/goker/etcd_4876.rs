//! etcd-io/etcd#4876: a test shortens the interval of progress reports while a server's goroutine reads it.
//!
//! The interval is a variable of the package. Fixed by making it an atomic.

use super::RACES;
use crate::case::Case;
use crate::go::{WaitGroup, go};
use norace::chan::tick;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(super) const CASE: Case =
    Case { name: "etcd_4876", class: "Data race", kinds: RACES, blames: &["send loop"], program };

/// In milliseconds.
static PROGRESS_REPORT_INTERVAL: RaceCell<u64> = RaceCell::named("ProgressReportInterval", 10_000);

/// What it is since the fix.
static ATOMIC_INTERVAL: AtomicU64 = AtomicU64::new(10_000);

fn send_loop(fixed: bool) {
    let millis = if fixed {
        // Relaxed: a setting that stands for itself.
        ATOMIC_INTERVAL.load(Ordering::Relaxed)
    } else {
        PROGRESS_REPORT_INTERVAL.get()
    };
    // The loop itself is left out.
    drop(tick(Duration::from_millis(millis)));
}

/// Serves a watch.
fn watch(fixed: bool) {
    go("send loop", move || send_loop(fixed));
}

fn program(fixed: bool) {
    let wait_group = WaitGroup::new();
    wait_group.add(1);
    let served = wait_group.clone();
    go("server", move || {
        watch(fixed);
        served.done();
    });
    if fixed {
        // Relaxed: a setting that stands for itself.
        ATOMIC_INTERVAL.store(3_000, Ordering::Relaxed);
    } else {
        PROGRESS_REPORT_INTERVAL.set(3_000);
    }
    wait_group.wait();
}
