//! What the process has used so far.

use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Times from its start: that of the wall, and that of all processors for this process.
pub struct Watch {
    wall: Instant,
    processor: Duration,
}

impl Watch {
    pub fn start() -> Self {
        Self { wall: Instant::now(), processor: processor_time() }
    }

    pub fn wall(&self) -> Duration {
        self.wall.elapsed()
    }

    pub fn processor(&self) -> Duration {
        processor_time() - self.processor
    }
}

fn processor_time() -> Duration {
    used(ClockId::ProcessCPUTime)
}

/// What this thread has had of the processors.
pub fn thread_time() -> Duration {
    used(ClockId::ThreadCPUTime)
}

fn used(clock: ClockId) -> Duration {
    clock_gettime(clock).try_into().expect("time that was used is not negative")
}

/// The size of a page on the machines that are measured.
const PAGE_BYTES: f64 = 4096.0;

/// Memory of the process that is in use, as Linux tells it.
pub fn resident_bytes() -> f64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(0.0) * PAGE_BYTES
}
