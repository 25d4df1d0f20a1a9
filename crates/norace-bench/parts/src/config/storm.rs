//! Many writes: what one costs while other threads have read, and how many versions are there meanwhile and after it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, RwLock};
use std::thread;

use arc_swap::{ArcSwap, Cache};
use norace::config::Hot;
use norace_bench_measure::{Done, Run};

use super::{Holder, Settings};

/// Writes of a pass.
const WRITES: u64 = 1_000;

/// Writes while so many threads sleep that have read, and would read again.
pub(super) fn store(run: Run, readers: usize, holder: &impl Holder) -> Done {
    let (begin, end) = (Barrier::new(readers + 1), Barrier::new(readers + 1));
    let sleep = || {
        let mut read = holder.reader();
        read();
        begin.wait();
        end.wait();
        read();
    };
    thread::scope(|scope| {
        (0..readers).for_each(|_| _ = scope.spawn(sleep));
        begin.wait();
        let done = run.passes(|| {
            (0..WRITES).for_each(|number| holder.publish(Settings::new(number)));
            WRITES
        });
        end.wait();
        done
    })
}

/// How many [`Counted`] there are.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// A value that is counted while it lives.
struct Counted([u64; 8]);

impl Counted {
    fn new(number: u64) -> Self {
        // Relaxed: a count.
        LIVE.fetch_add(1, Ordering::Relaxed);
        Self([number; 8])
    }

    fn see(&self) {
        assert_eq!(self.0[0], self.0[7], "a mixed value");
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // Relaxed: a count.
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `storm:VERSIONS`: so many versions as fast as it goes, beside a thread that reads all the time and a reader that has
/// read the first one and never reads again.
pub fn storm(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let versions = parameters.first()?.parse().ok()?;
    let first = Counted::new(0);
    Some(match contender {
        "norace" => {
            let hot = Hot::new(first);
            let mut kept = hot.reader();
            kept.get().see();
            let publish = |value| {
                let Ok(_) = hot.publish(value);
            };
            measure(run, versions, publish, || hot.load().see(), kept)
        }
        "arc-swap" => {
            let swap = ArcSwap::from_pointee(first);
            let mut kept = Cache::new(&swap);
            kept.load().see();
            let publish = |value| swap.store(Arc::new(value));
            measure(run, versions, publish, || swap.load().see(), kept)
        }
        "rwlock" => {
            let lock = RwLock::new(Arc::new(first));
            let read = || lock.read().expect("nothing panics").clone();
            let kept = read();
            let publish = |value| {
                let former =
                    std::mem::replace(&mut *lock.write().expect("nothing panics"), Arc::new(value));
                drop(former);
            };
            measure(run, versions, publish, || read().see(), kept)
        }
        _ => return None,
    })
}

fn measure<K>(
    run: Run,
    versions: u64,
    publish: impl Fn(Counted),
    read: impl Fn() + Sync,
    kept: K,
) -> Done {
    let (ended, mut most) = (AtomicBool::new(false), 0);
    // Relaxed: it carries nothing.
    let read_on = || {
        while !ended.load(Ordering::Relaxed) {
            read()
        }
    };
    let done = thread::scope(|scope| {
        scope.spawn(read_on);
        let done = run.passes(|| {
            for version in 1..=versions {
                publish(Counted::new(version));
                // Relaxed: a count.
                most = most.max(LIVE.load(Ordering::Relaxed));
            }
            versions
        });
        // Relaxed: as above.
        ended.store(true, Ordering::Relaxed);
        done
    });
    // Relaxed: a count; the reader was joined.
    let after = LIVE.load(Ordering::Relaxed);
    drop(kept);
    // Relaxed: the same.
    let last = LIVE.load(Ordering::Relaxed);
    // One is in force, and one kept. None may be lost.
    let wrong = f64::from(u8::from(last != 1));
    done.with("live_most", most as f64).with("live_after", after as f64).with("wrong", wrong)
}
