//! Scoped threads in models.

use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;

use norace_prim::atomic::{AtomicU32, Ordering};
use norace_prim::sync::{Mutex, lock};
use norace_prim::thread;

use crate::{explore, finds, passes};

#[test]
fn threads_borrow_and_every_order_of_them_is_run() {
    let orders = StdMutex::new(BTreeSet::new());
    passes(|| {
        let order = Mutex::new(Vec::new());
        let third = thread::scope(|scope| {
            scope.spawn(|| lock(&order).push(1));
            scope.spawn(|| {
                // One that the scope learns of while it may be waiting already.
                scope.spawn(|| lock(&order).push(2));
            });
            scope.spawn(|| 3).join().unwrap()
        });
        lock(&order).push(third);
        orders.lock().unwrap().insert(order.into_inner().unwrap());
    });
    let expected = BTreeSet::from([vec![1, 2, 3], vec![2, 1, 3]]);
    assert_eq!(orders.into_inner().unwrap(), expected);
}

#[test]
fn the_end_of_a_scope_orders_what_its_threads_did() {
    passes(|| {
        let mut count = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..2 {
                // Relaxed: a count.
                scope.spawn(|| count.fetch_add(1, Ordering::Relaxed));
            }
        });
        // Relaxed: ordered by the end of the scope.
        assert_eq!(count.load(Ordering::Relaxed), 2);
        assert_eq!(*count.get_mut(), 2);
    });
}

#[test]
fn a_panic_that_nobody_joined_is_found_with_its_message() {
    let found = finds(|| {
        let text = "borrowed".to_owned();
        thread::scope(|scope| {
            scope.spawn(|| panic!("with {text}"));
        });
    });
    let expected = "panic in thread 0: a scoped thread panicked: with borrowed, at ";
    assert!(found.starts_with(expected), "{found}");
    passes(|| {
        let ended = thread::scope(|scope| scope.spawn(|| panic!("told")).join());
        assert_eq!(*ended.unwrap_err().downcast_ref::<&str>().unwrap(), "told");
    });
}

/// Touches what it borrows when it is dropped.
struct Touch<'a>(&'a StdMutex<Vec<u32>>);

impl Drop for Touch<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(1);
    }
}

#[test]
fn threads_that_are_stuck_are_unwound_before_what_they_borrow() {
    let report = explore(|| {
        let touched = StdMutex::new(vec![0]);
        let locks = (Mutex::new(()), Mutex::new(()));
        thread::scope(|scope| {
            scope.spawn(|| {
                let _touch = Touch(&touched);
                let _second = lock(&locks.1);
                let _first = lock(&locks.0);
            });
            let inner = scope.spawn(|| {
                let _touch = Touch(&touched);
                let _first = lock(&locks.0);
                let _second = lock(&locks.1);
            });
            inner.join().unwrap();
        });
        assert_eq!(touched.into_inner().unwrap().len(), 3);
    });
    assert!(report.findings[0].finding.to_string().starts_with("deadlock"));
}

#[test]
fn closures_that_never_ran_are_dropped_before_what_they_borrow() {
    let drops = StdMutex::new(BTreeSet::new());
    let found = finds(|| {
        // Looks at the end of the frame that the closure borrows from.
        struct Frame<'a>(StdMutex<Vec<u32>>, &'a StdMutex<BTreeSet<usize>>);
        impl Drop for Frame<'_> {
            fn drop(&mut self) {
                self.1.lock().unwrap().insert(self.0.lock().unwrap().len());
            }
        }
        let frame = Frame(StdMutex::new(Vec::new()), &drops);
        let locks = (Mutex::new(()), Mutex::new(()), Mutex::new(()));
        thread::scope(|scope| {
            let first = lock(&locks.0);
            scope.spawn(|| {
                let _second = lock(&locks.1);
                let _first = lock(&locks.0);
            });
            // A step at which the other thread may run.
            drop(lock(&locks.2));
            let touch = Touch(&frame.0);
            let last = scope.spawn(move || drop(touch));
            // Where the other thread has the second lock, this closes a cycle and ends the execution.
            drop((lock(&locks.1), first));
            last.join().unwrap();
        });
    });
    assert!(found.starts_with("deadlock, a cycle"), "{found}");
    assert_eq!(drops.into_inner().unwrap(), BTreeSet::from([1]));
}
