//! A reader that has read, and stalls, while values of 4 KiB are replaced: how much memory waits for it.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_utils::atomic::AtomicCell;
use norace::sync::Versioned;
use norace_bench_measure::usage::{Watch, resident_bytes};
use norace_bench_measure::{Done, Run};

/// Bytes of a value, and values of each millisecond.
const BYTES: usize = 4_096;
const EACH: u64 = 20;

type Value = [u8; BYTES];

fn value(number: u64) -> Value {
    [number as u8; BYTES]
}

/// `stalled`: the reader holds on from before the first value to after the last one.
pub fn stalled(run: Run, contender: &str) -> Option<Done> {
    Some(match contender {
        "norace" => {
            let cell = Versioned::new(Arc::new(value(0)));
            measure(run, |number| _ = cell.set(Arc::new(value(number))), || cell.load())
        }
        "arc-swap" => {
            let cell = ArcSwap::from_pointee(value(0));
            measure(run, |number| cell.store(Arc::new(value(number))), || cell.load())
        }
        "mutex" => {
            let cell = Mutex::new(Arc::new(value(0)));
            let replace = |number| {
                let new = Arc::new(value(number));
                let former = std::mem::replace(&mut *cell.lock().expect("nothing panics"), new);
                drop(former);
            };
            measure(run, replace, || cell.lock().expect("nothing panics").clone())
        }
        "crossbeam-epoch" => {
            // The reader is pinned, as who follows a pointer is; what is replaced waits until it is not.
            let cell = AtomicCell::new(Some(Box::new(value(0))));
            let replace = |number| {
                let guard = crossbeam_epoch::pin();
                let former = cell.swap(Some(Box::new(value(number))));
                guard.defer(move || drop(former));
            };
            measure(run, replace, crossbeam_epoch::pin)
        }
        _ => return None,
    })
}

fn measure<H>(run: Run, replace: impl Fn(u64), read: impl Fn() -> H + Sync) -> Done {
    let (begin, end) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _held = read();
            begin.wait();
            end.wait();
        });
        begin.wait();
        let (before, watch) = (resident_bytes(), Watch::start());
        let mut number = 0;
        while watch.wall() < run.limit {
            for _ in 0..EACH {
                number += 1;
                replace(number);
            }
            thread::sleep(Duration::from_millis(1));
        }
        let kept = (resident_bytes() - before).max(0.0);
        end.wait();
        let done = Done::timed(number, &watch).with("kept_mib", kept / f64::from(1 << 20));
        done.with("kept_percent", 100.0 * kept / (number * BYTES as u64) as f64)
    })
}
