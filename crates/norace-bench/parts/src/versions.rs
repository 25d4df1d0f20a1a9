//! One value that several threads read, change and set if nobody was faster.

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use crossbeam_utils::atomic::AtomicCell;
use norace::sync::Versioned;
use norace_bench_measure::{Done, Run};

use crate::locks::on_threads;

mod reuse;
mod stalled;

pub use reuse::reuse;
pub use stalled::stalled;

/// A number with a version.
trait Cell: Sync {
    fn load(&self) -> (u64, u64);
    /// Sets it if the version is still that; whether it did.
    fn set(&self, version: u64, new: u64) -> bool;
}

impl Cell for Versioned<u64> {
    fn load(&self) -> (u64, u64) {
        let (value, version) = self.load();
        (value, version.get())
    }

    fn set(&self, version: u64, new: u64) -> bool {
        self.compare_set(norace::sync::Version::new(version), new).is_ok()
    }
}

impl Cell for Versioned<Arc<u64>> {
    fn load(&self) -> (u64, u64) {
        let (value, version) = self.load();
        (*value, version.get())
    }

    fn set(&self, version: u64, new: u64) -> bool {
        self.compare_set(norace::sync::Version::new(version), Arc::new(new)).is_ok()
    }
}

/// The version by hand, in a cell that compares both.
impl Cell for AtomicCell<(u64, u64)> {
    fn load(&self) -> (u64, u64) {
        self.load()
    }

    fn set(&self, version: u64, new: u64) -> bool {
        let found = self.load();
        found.1 == version && self.compare_exchange(found, (new, version + 1)).is_ok()
    }
}

impl Cell for Mutex<(u64, u64)> {
    fn load(&self) -> (u64, u64) {
        *self.lock().expect("nothing panics")
    }

    fn set(&self, version: u64, new: u64) -> bool {
        let mut both = self.lock().expect("nothing panics");
        let fresh = both.1 == version;
        if fresh {
            *both = (new, version + 1);
        }
        fresh
    }
}

/// Threads that read the number and set the next one, until they do.
pub fn update(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let threads = parameters.first()?.parse().ok()?;
    on_cell(contender, |cell| {
        on_threads(run, threads, || {
            loop {
                let (value, version) = cell.load();
                if cell.set(version, value + 1) {
                    break;
                }
            }
        })
    })
}

/// Threads that read a hundred times, or 99 times and set once.
pub fn read(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let threads = parameters.first()?.parse().ok()?;
    let done = on_cell(contender, |cell| {
        on_threads(run, threads, || {
            for _ in 0..99 {
                black_box(cell.load());
            }
            let (value, version) = cell.load();
            black_box(cell.set(version, value + 1));
        })
    })?;
    Some(Done { ops: done.ops * 100, ..done })
}

fn on_cell(contender: &str, task: impl Fn(&dyn Cell) -> Done) -> Option<Done> {
    Some(match contender {
        "norace" => task(&Versioned::new(0_u64)),
        "norace-arc" => task(&Versioned::new(Arc::new(0_u64))),
        "crossbeam" => task(&AtomicCell::new((0, 0))),
        "mutex" => task(&Mutex::new((0, 0))),
        _ => return None,
    })
}
