//! Many publications under readers, on real threads.

use crate::support::LiveCount;
use norace::config::Hot;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const PUBLISHES: u64 = if cfg!(miri) { 200 } else { 100_000 };
const DEAD: u64 = u64::MAX;

/// Every word is the version; none is, once it is dropped.
struct Value {
    words: [u64; 9],
    _live: crate::support::Live,
}

impl Value {
    fn new(version: u64, live: &LiveCount) -> Self {
        Self { words: [version; 9], _live: live.value() }
    }

    #[track_caller]
    fn assert_is(&self, version: u64) {
        assert_eq!(self.words, [version; 9], "a mixed or freed value");
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.words = [DEAD; 9];
    }
}

/// Reads until told to stop, in all three ways.
fn read(hot: &Hot<Value>, stop: &AtomicBool) -> u64 {
    let mut reader = hot.reader();
    let (mut last, mut reads) = (0, 0);
    let mut kept = hot.snapshot();
    // Relaxed: it carries nothing.
    while !stop.load(Ordering::Relaxed) {
        let loaded = hot.load();
        loaded.assert_is(loaded.version());
        assert!(loaded.version() >= last, "{} after {last}", loaded.version());
        last = loaded.version();
        let read = reader.snapshot();
        read.assert_is(read.version());
        assert!(read.version() >= last, "{} after {last}", read.version());
        last = read.version();
        if reads % 64 == 0 {
            kept.assert_is(kept.version());
            kept = loaded.snapshot();
        }
        loaded.assert_is(loaded.version());
        reads += 1;
    }
    reads
}

#[test]
fn no_reader_sees_a_mixed_or_freed_value() {
    let live = LiveCount::default();
    let hot = Hot::new(Value::new(1, &live));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(|| read(&hot, &stop))).collect();
        let publishers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..PUBLISHES / 2 {
                        // The version this one gets if nobody else publishes before.
                        let Ok(_) = hot.update(|old| Value::new(old.words[0] + 1, &live));
                    }
                })
            })
            .collect();
        for publisher in publishers {
            publisher.join().unwrap();
        }
        // Relaxed: it carries nothing.
        stop.store(true, Ordering::Relaxed);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
    });
    assert_eq!(hot.version(), 1 + PUBLISHES);
    hot.load().assert_is(1 + PUBLISHES);
    assert_eq!(live.get(), 1, "every former value is gone");
}

#[test]
fn loans_that_end_on_other_threads_give_their_values_back() {
    let live = LiveCount::default();
    let hot = Hot::new(Value::new(1, &live));
    for _ in 0..if cfg!(miri) { 5 } else { 200 } {
        let loans: Vec<_> = (0..12).map(|_| hot.load()).collect();
        thread::scope(|scope| {
            for loan in loans {
                scope.spawn(move || loan.assert_is(loan.version()));
            }
            let Ok(_) = hot.update(|old| Value::new(old.words[0] + 1, &live));
        });
        assert_eq!(live.get(), 1);
    }
}

#[test]
fn every_waiter_sees_the_last_change() {
    let hot = Hot::new(0u64);
    thread::scope(|scope| {
        for part in 0..2 {
            let mut changes = hot.subscribe(move |value| value / (1 + part));
            scope.spawn(move || {
                let mut last = 0;
                while let Ok(part) = changes.changed_blocking() {
                    assert!(*part > last, "each change of the part is told once, in order");
                    last = *part;
                }
                assert_eq!(last, 1000 / (1 + part));
            });
        }
        for value in 1..=1000 {
            let Ok(_) = hot.publish(value);
        }
        drop(hot);
    });
}
