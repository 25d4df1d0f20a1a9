//! The cell itself: readers and publishers.

use crate::config::Snapshot;
use crate::models::{all, join, spawn};
use crate::raw::lent::Lender;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU32, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;

/// A value whose reading and whose end the checker sees, and that counts its kind.
struct Value {
    number: RaceCell<u32>,
    live: Arc<AtomicU32>,
}

impl Value {
    fn see(&self) -> u32 {
        match self.number.get() {
            0 => panic!("the value was dropped"),
            number => number,
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.number.set(0);
        // Relaxed: looked at after the threads have ended.
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Values are numbered by their versions.
#[derive(Default)]
struct Source(Arc<AtomicU32>);

impl Source {
    fn value(&self, number: u32) -> Snapshot<Value> {
        // Relaxed: looked at after the threads have ended.
        self.0.fetch_add(1, Ordering::Relaxed);
        let value = Value { number: RaceCell::new(0), live: self.0.clone() };
        value.number.set(number);
        Snapshot::new(number.into(), Arc::new(value))
    }

    #[track_caller]
    fn assert_live(&self, expect: u32) {
        // Relaxed: the threads have ended.
        assert_eq!(self.0.load(Ordering::Relaxed), expect, "values that live");
    }
}

fn cell() -> (Source, Arc<Lender<Value>>) {
    let source = Source::default();
    let cell = Arc::new(Lender::new(source.value(1)));
    (source, cell)
}

/// Reads as often as asked, and what is read never gets older.
fn read(cell: &Lender<Value>, times: u32) -> u32 {
    (0..times).fold(0, |last, _| {
        let loan = cell.load();
        let number = loan.see();
        assert_eq!(u64::from(number), loan.version());
        assert!(number >= last, "{number} after {last}");
        number
    })
}

/// Readers beside one who publishes.
fn readers(count: u32, reads: u32, publishes: u32) {
    let (source, cell) = cell();
    let threads = spawn(count, |_| {
        let cell = cell.clone();
        move || read(&cell, reads)
    });
    for number in 0..publishes {
        cell.publish(source.value(2 + number));
        // Whoever has published reads it.
        assert_eq!(cell.load().see(), 2 + number);
    }
    join(threads);
    assert_eq!(cell.live(), 1);
    source.assert_live(1);
    assert_eq!(read(&cell, 1), 1 + publishes);
    drop(cell);
    source.assert_live(0);
}

#[test]
fn readers_see_whole_values_and_former_ones_go() {
    all(|| readers(1, 1, 2));
    all(|| readers(1, 2, 1));
}

#[test]
fn readers_share_slots() {
    all(|| readers(2, 1, 1));
}

#[test]
fn publishers_take_turns() {
    all(|| {
        let (source, cell) = cell();
        let publisher = {
            let (cell, value) = (cell.clone(), source.value(2));
            thread::spawn(move || drop(cell.publish(value)))
        };
        drop(cell.publish(source.value(3)));
        let seen = cell.load().see();
        publisher.join().expect("it does not panic");
        assert!(seen == 2 || seen == 3);
        assert_eq!(cell.live(), 1);
        source.assert_live(1);
    });
}

#[test]
fn a_loan_keeps_its_value_wherever_it_ends() {
    all(|| {
        let (source, cell) = cell();
        let publisher = {
            let (cell, value) = (cell.clone(), source.value(2));
            thread::spawn(move || drop(cell.publish(value)))
        };
        thread::scope(|scope| {
            // The second finds no slot.
            let (first, second) = (cell.load(), cell.load());
            scope.spawn(move || assert!(first.see() <= 2));
            assert!(second.see() <= 2);
        });
        publisher.join().expect("it does not panic");
        assert_eq!(cell.live(), 1);
        source.assert_live(1);
    });
}

/// As in arc-swap's issues 210, where one instance ended another's loans when memory was used again, and 214, where two
/// instances held the same thing and one counted for the other.
#[test]
fn cells_do_not_meddle_with_each_other() {
    all(|| {
        let source = Source::default();
        let shared = source.value(1);
        let (one, other) = (Arc::new(Lender::new(shared.clone())), Lender::new(shared));
        let reader = {
            let one = one.clone();
            thread::spawn(move || read(&one, 1))
        };
        drop(other.publish(source.value(9)));
        drop(one.publish(source.value(2)));
        drop(other.publish(source.value(10)));
        assert!(reader.join().expect("it does not panic") <= 2);
        assert_eq!((one.live(), other.live()), (1, 1));
        source.assert_live(2);
    });
}
