//! What everybody has: one number behind a lock, or in one word.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use norace_bench_measure::{Done, Run};

const EACH: u64 = 100_000;

/// Threads that count, all of them the same number.
pub fn count(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let threads: u64 = parameters.first()?.parse().ok()?;
    Some(match contender {
        "atomic" => {
            let number = AtomicU64::new(0);
            // Relaxed: nothing else depends on it.
            on_threads(run, threads, || _ = number.fetch_add(1, Ordering::Relaxed))
        }
        "mutex" => {
            let number = Mutex::new(0_u64);
            on_threads(run, threads, || *number.lock().expect("nothing panics") += 1)
        }
        _ => return None,
    })
}

/// Passes in which each of `threads` does `step` many times.
pub fn on_threads(run: Run, threads: u64, step: impl Fn() + Sync) -> Done {
    run.passes(|| {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..EACH).for_each(|_| step()));
            }
        });
        threads * EACH
    })
}
