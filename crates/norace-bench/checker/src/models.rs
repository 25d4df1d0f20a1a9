//! The models: one text, compiled against the types of each checker.

use std::sync::atomic::{AtomicU64, Ordering};

/// Executions begun; outside of what is explored.
static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

/// How many executions were begun since the last time.
pub fn executions() -> u64 {
    // Relaxed: counted on one thread at a time.
    EXECUTIONS.swap(0, Ordering::Relaxed)
}

fn begin() {
    // Relaxed: as above.
    EXECUTIONS.fetch_add(1, Ordering::Relaxed);
}

/// A model's name and its body for each checker.
pub struct Model {
    pub name: &'static str,
    pub norace: fn(),
    pub loom: fn(),
    pub shuttle: fn(),
}

macro_rules! models {
    ($($name:ident),* $(,)?) => {
        /// Every model.
        pub const MODELS: &[Model] = &[$(Model {
            name: stringify!($name),
            norace: on_norace::$name,
            loom: on_loom::$name,
            shuttle: on_shuttle::$name,
        }),*];
    };
}

models!(sb, fetch_add_3x2, fetch_add_4x1, fetch_add_4x2, fetch_add_4x10, mutex_3x2, readers_3);

macro_rules! bodies {
    ($module:ident, $checker:ident) => {
        mod $module {
            use ::$checker::sync::Mutex;
            use ::$checker::sync::atomic::{AtomicU64, Ordering};
            use ::$checker::thread;
            // The same for all: loom's own `Arc` is checked, the others' is not.
            use std::sync::Arc;

            /// Store buffering.
            pub(super) fn sb() {
                super::begin();
                let words = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
                let other = Arc::clone(&words);
                let thread = thread::spawn(move || {
                    // Relaxed: what is asked is what it allows.
                    other.0.store(1, Ordering::Relaxed);
                    other.1.load(Ordering::Relaxed)
                });
                // Relaxed: as above.
                words.1.store(1, Ordering::Relaxed);
                words.0.load(Ordering::Relaxed);
                thread.join().unwrap();
            }

            fn fetch_add(threads: u64, times: u64) {
                super::begin();
                let count = Arc::new(AtomicU64::new(0));
                let handles: Vec<_> = (0..threads)
                    .map(|_| {
                        let count = Arc::clone(&count);
                        thread::spawn(move || {
                            for _ in 0..times {
                                // AcqRel: the usual choice; nothing is read through it.
                                count.fetch_add(1, Ordering::AcqRel);
                            }
                        })
                    })
                    .collect();
                handles.into_iter().for_each(|handle| handle.join().unwrap());
                // Acquire: as above.
                assert_eq!(count.load(Ordering::Acquire), threads * times);
            }

            pub(super) fn fetch_add_3x2() {
                fetch_add(3, 2);
            }

            pub(super) fn fetch_add_4x1() {
                fetch_add(4, 1);
            }

            pub(super) fn fetch_add_4x2() {
                fetch_add(4, 2);
            }

            pub(super) fn fetch_add_4x10() {
                fetch_add(4, 10);
            }

            /// Three threads take one lock twice each.
            pub(super) fn mutex_3x2() {
                super::begin();
                let count = Arc::new(Mutex::new(0));
                let handles: Vec<_> = (0..3)
                    .map(|_| {
                        let count = Arc::clone(&count);
                        thread::spawn(move || (0..2).for_each(|_| *count.lock().unwrap() += 1))
                    })
                    .collect();
                handles.into_iter().for_each(|handle| handle.join().unwrap());
                assert_eq!(*count.lock().unwrap(), 6);
            }

            /// Three readers and a writer.
            pub(super) fn readers_3() {
                super::begin();
                let word = Arc::new(AtomicU64::new(0));
                let readers: Vec<_> = (0..3)
                    .map(|_| {
                        let word = Arc::clone(&word);
                        // SeqCst: what loom is known to treat as AcqRel.
                        thread::spawn(move || word.load(Ordering::SeqCst))
                    })
                    .collect();
                let writer = Arc::clone(&word);
                // SeqCst: as above.
                let writer = thread::spawn(move || writer.store(1, Ordering::SeqCst));
                for reader in readers {
                    assert!(reader.join().unwrap() <= 1);
                }
                writer.join().unwrap();
            }
        }
    };
}

bodies!(on_norace, norace_explore);
bodies!(on_loom, loom);
bodies!(on_shuttle, shuttle);
