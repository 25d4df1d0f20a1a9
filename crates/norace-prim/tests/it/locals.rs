//! Thread-local values in models.

use std::cell::{Cell, RefCell};

use norace_prim::atomic::{AtomicU32, Ordering};
use norace_prim::sync::{Mutex, lock};
use norace_prim::thread;

use crate::{explore, finds, passes};

static DROPPED: AtomicU32 = AtomicU32::new(0);

/// Counts its end.
struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        // Relaxed: read after a join.
        DROPPED.fetch_add(1, Ordering::Relaxed);
        // Without drop glue, so that it stays, whichever was made first.
        assert_eq!(DEPTH.get(), 3);
    }
}

norace_prim::thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static COUNTED: Counted = Counted;
    static WORDS: RefCell<Vec<u32>> = RefCell::new(vec![DEPTH.get()]);
    static EARLY: Late = const { Late(false) };
    static LATE: Late = const { Late(true) };
}

/// Looks for the value that is dropped before it.
struct Late(bool);

impl Drop for Late {
    fn drop(&mut self) {
        let gone = LATE.try_with(|_| {}).is_err();
        assert!(gone, "dropped first");
        assert_eq!(EARLY.try_with(|_| {}).is_ok(), self.0);
    }
}

#[test]
fn the_last_made_value_is_dropped_first_and_then_gone() {
    passes(|| EARLY.with(|_| LATE.with(|_| {})));
}

#[test]
fn each_thread_of_each_execution_has_its_own() {
    let report = passes(|| {
        let lock = Mutex::new(());
        let run = |depth| {
            assert_eq!(DEPTH.replace(depth), 0);
            drop(lock.lock());
            WORDS.with_borrow_mut(|words| words.push(7));
            assert_eq!(WORDS.take(), [depth, 7]);
            assert_eq!(DEPTH.get(), depth);
        };
        thread::scope(|scope| {
            scope.spawn(|| run(1));
            run(2);
        });
    });
    assert_eq!(report.executions, 2);
}

#[test]
fn values_are_dropped_before_the_join() {
    passes(|| {
        let thread = thread::spawn(|| {
            DEPTH.set(3);
            COUNTED.with(|_| {});
        });
        thread.join().unwrap();
        // Relaxed: after the join.
        assert_eq!(DROPPED.load(Ordering::Relaxed), 1);
        COUNTED.with(|_| DEPTH.set(3));
    });
}

#[test]
fn a_panic_in_a_destructor_is_found() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }
    norace_prim::thread_local! {
        static PANICS: Panics = const { Panics };
    }
    let found = finds(|| PANICS.with(|_| {}));
    assert!(found.starts_with("panic in thread 0: while dropping, at "), "{found}");
}

/// Waits for ever, also where a thread is being unwound.
struct Forever;

impl Drop for Forever {
    fn drop(&mut self) {
        let never = AtomicU32::new(0);
        // Relaxed: nobody stores.
        while never.load(Ordering::Relaxed) == 0 {}
    }
}

#[test]
fn what_a_stuck_thread_leaves_disturbs_nobody() {
    static STUCK: Mutex<()> = Mutex::new(());
    let report = explore(|| {
        let thread = thread::spawn(|| {
            DEPTH.set(3);
            let _forever = Forever;
            COUNTED.with(|_| drop((lock(&STUCK), lock(&STUCK))));
        });
        thread.join().unwrap();
    });
    assert!(report.findings[0].finding.to_string().starts_with("deadlock"));
    passes(|| assert_eq!(thread::spawn(|| DEPTH.get()).join().unwrap(), 0));
}
