//! The inbox itself: putters, takers and the one who closes.

use crate::models::{all, join, spawn};
use crate::raw::inbox::Inbox;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicBool, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread::{self, JoinHandle};

/// A value that only those may look at who see how it was made.
type Value = Box<RaceCell<u32>>;

fn value(number: u32) -> Value {
    let value = Box::new(RaceCell::new(0));
    value.set(number);
    value
}

fn see(values: impl IntoIterator<Item = Value>) -> Vec<u32> {
    let see = |value: Value| match value.replace(0) {
        0 => panic!("a value was taken twice"),
        number => number,
    };
    values.into_iter().map(see).collect()
}

type Queue = Arc<Inbox<Value>>;

fn put(queue: &Queue, numbers: &[u32]) {
    assert!(queue.put(numbers.iter().map(|number| value(*number))).is_ok(), "it is open");
}

fn take(queue: &Queue, count: usize) -> Vec<u32> {
    let mut taken = Vec::new();
    queue.take(|len| len.min(count), &mut taken);
    see(taken)
}

/// Threads that put in batches, each its own.
fn putters(queue: &Queue, batches: &'static [&'static [u32]]) -> Vec<JoinHandle<()>> {
    spawn(u32::try_from(batches.len()).expect("few"), |index| {
        let queue = queue.clone();
        move || put(&queue, batches[index as usize])
    })
}

#[track_caller]
fn assert_once(queue: &Queue, taken: Vec<Vec<u32>>, count: u32) {
    let mut taken: Vec<u32> = taken.into_iter().flatten().collect();
    let rest = take(queue, usize::MAX);
    taken.extend(rest);
    assert!(!queue.has_work() && queue.len() == 0);
    taken.sort_unstable();
    assert_eq!(taken, (1..=count).collect::<Vec<_>>(), "each comes out once");
}

#[test]
fn what_many_put_in_is_taken_once_and_each_putters_in_order() {
    all(|| {
        let queue = Queue::new(Inbox::new());
        let threads = putters(&queue, &[&[1, 2], &[3]]);
        let first = take(&queue, 2);
        join(threads);
        let rest = take(&queue, 3);
        let taken = [first, rest].concat();
        let place = |number| taken.iter().position(|taken| *taken == number);
        assert!(place(1) < place(2), "{taken:?}");
        assert_once(&queue, vec![taken], 3);
    });
}

#[test]
fn two_who_take_do_not_get_the_same() {
    all(|| {
        let queue = Queue::new(Inbox::new());
        put(&queue, &[1, 2]);
        let takers = spawn(2, |_| {
            let queue = queue.clone();
            move || take(&queue, 1)
        });
        put(&queue, &[3]);
        assert_once(&queue, join(takers), 3);
    });
}

#[test]
fn what_comes_before_the_end_is_left_or_taken_and_later_is_given_back() {
    all(|| {
        let queue = Queue::new(Inbox::new());
        put(&queue, &[1, 2]);
        let putters = spawn(2, |index| {
            let queue = queue.clone();
            move || see(queue.put(std::iter::once(value(3 + index))).err().unwrap_or_default())
        });
        let taken = take(&queue, 1);
        let left = see(queue.close());
        assert_eq!(see(queue.put(std::iter::once(value(5))).unwrap_err()), [5]);
        assert_once(&queue, vec![taken, left, join(putters).concat()], 4);
    });
}

#[test]
fn what_is_left_goes_with_the_queue() {
    all(|| {
        let whole = Arc::new(());
        let queue = Inbox::new();
        let batch = || vec![whole.clone(), whole.clone()].into_iter();
        assert!(queue.put(batch()).is_ok());
        let mut taken = Vec::new();
        queue.take(|len| len - 1, &mut taken);
        assert_eq!(taken.len(), 1);
        assert!(queue.put(batch()).is_ok());
        drop((queue, taken));
        assert_eq!(Arc::strong_count(&whole), 1);
    });
}

/// A taker that leaves something, somebody who puts something in, and a sleeper.
#[test]
fn whoever_goes_to_sleep_is_woken_for_what_is_left() {
    all(|| {
        let queue = Queue::new(Inbox::new());
        let asleep = Arc::new(AtomicBool::new(false));
        put(&queue, &[1, 2]);
        let wake = {
            let asleep = asleep.clone();
            move || {
                // SeqCst: P2 of the sleep protocol.
                if asleep.load(Ordering::SeqCst) {
                    // Relaxed: who wakes and who sleeps are done when it is read.
                    asleep.store(false, Ordering::Relaxed);
                }
            }
        };
        let taker = {
            let (queue, wake) = (queue.clone(), wake.clone());
            thread::spawn(move || {
                let taken = take(&queue, 1);
                if queue.has_work() {
                    wake();
                }
                taken
            })
        };
        let putter = {
            let queue = queue.clone();
            thread::spawn(move || {
                put(&queue, &[3]);
                wake();
            })
        };
        // SeqCst: S1.
        asleep.store(true, Ordering::SeqCst);
        let awake = queue.has_work();
        let taken = join([taker]);
        join([putter]);
        // Relaxed: all are done.
        let asleep = asleep.load(Ordering::Relaxed) && !awake;
        assert!(!(queue.has_work() && asleep), "work is left and everybody sleeps");
        assert_once(&queue, taken, 3);
    });
}
