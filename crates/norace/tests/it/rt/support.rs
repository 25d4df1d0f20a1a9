//! What the tests of the runtime share.

use norace::rt::{Builder, Runtime};
use norace::time::{Duration, Instant};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// How long a test waits for something that has to happen before it fails: generous, because machines are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn runtime(workers: usize) -> Runtime {
    Builder::new().workers(workers).build().expect("start a runtime")
}

/// A number that any thread adds to.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicU64>);

impl Count {
    pub(crate) fn add_one(&self) {
        // SeqCst: tests compare counts with events of all kinds; speed is no matter.
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        // SeqCst: as in add_one.
        self.0.load(Ordering::SeqCst)
    }
}

/// Something that is said once.
#[derive(Clone, Default)]
pub(crate) struct Flag(Count);

impl Flag {
    pub(crate) fn set(&self) {
        self.0.add_one();
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.get() > 0
    }
}

/// Counts its drops.
#[derive(Clone, Default)]
pub(crate) struct Drops(Count);

impl Drops {
    pub(crate) fn count(&self) -> u64 {
        self.0.get()
    }

    pub(crate) fn guard(&self) -> DropGuard {
        DropGuard(self.clone())
    }
}

pub(crate) struct DropGuard(Drops);

impl Drop for DropGuard {
    fn drop(&mut self) {
        self.0.0.add_one();
    }
}

/// Something that a test waits for, said from anywhere.
pub(crate) fn event() -> (Sender<()>, Receiver<()>) {
    channel()
}

/// Blocks this thread until the event was said.
pub(crate) fn expect_event(event: &Receiver<()>, what: &str) {
    event.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("waited for {what}: {error}"));
}

/// Computes without an await until `done`; fails when that takes too long.
pub(crate) fn hog_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "nobody ran what a hogged worker had queued");
        std::hint::spin_loop();
    }
}
