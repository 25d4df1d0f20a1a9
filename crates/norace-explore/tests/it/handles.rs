//! What becomes of a thread's result.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU32 as Count;

use norace_explore::cell::RaceCell;
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::thread::{self, JoinHandle};
use norace_explore::{Finding, Mode, Report};

use crate::counts::{ends, exhaust};

/// Counts its drops, each of which is a step.
struct Dropped {
    step: AtomicU32,
    count: Arc<Count>,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.step.store(1, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Explores what `dispose` does with a thread that leaves something; how often that was dropped, per execution.
fn drops(dispose: impl Fn(JoinHandle<Dropped>)) -> u64 {
    let count = Arc::new(Count::new(0));
    let report = exhaust(Mode::Sc, &|| {
        let count = count.clone();
        dispose(thread::spawn(move || Dropped { step: AtomicU32::new(0), count }));
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    u64::from(count.load(Ordering::Relaxed)) / report.executions
}

#[test]
fn a_result_is_dropped_by_who_has_it_last() {
    assert_eq!(drops(|handle| drop(handle.join().unwrap())), 1);
    assert_eq!(drops(drop), 1);
    assert_eq!(drops(|handle| thread::spawn(|| drop(handle)).join().unwrap()), 1);
    let wait = |handle: JoinHandle<Dropped>| {
        while !handle.is_finished() {
            thread::sleep(std::time::Duration::from_secs(1));
        }
    };
    assert_eq!(drops(wait), 1);
    assert_eq!(drops(|handle| drop(Rc::new(Cell::new(Some(handle))))), 1);
    assert_eq!(drops(std::mem::forget), 0);
}

#[test]
fn a_result_that_panics_as_it_is_dropped_is_the_panic_of_its_thread() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("dropped"));
        }
    }
    let report = exhaust(Mode::Sc, &|| drop(thread::spawn(|| Bomb)));
    assert_eq!(report.findings.len(), 1);
    let Finding::Panic { message, thread, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    assert_eq!((message.as_str(), thread.id.index()), ("dropped", 1));
}

#[test]
fn who_waits_as_it_drops_its_result_is_unwound_at_the_end() {
    struct Parks(Arc<Count>);
    impl Drop for Parks {
        fn drop(&mut self) {
            thread::park();
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let count = Arc::new(Count::new(0));
    let report = exhaust(Mode::Sc, &|| {
        let count = count.clone();
        drop(thread::spawn(move || Parks(count)));
    });
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].finding.kind(), "leak");
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[test]
fn a_payload_is_a_result() {
    let fails = |message: &'static str| {
        let handle: JoinHandle<u8> =
            thread::spawn(move || std::panic::resume_unwind(Box::new(message)));
        *handle.join().unwrap_err().downcast::<&str>().unwrap()
    };
    let report: Report = exhaust(Mode::Rc11, &|| assert_eq!(fails("one"), "one"));
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
}

#[test]
fn a_handle_outlives_its_execution_but_the_result_does_not() {
    let kept = Cell::new(None);
    for _ in 0..2 {
        let report = exhaust(Mode::Sc, &|| {
            // It is of the execution before.
            let former: Option<JoinHandle<u8>> = kept.replace(Some(thread::spawn(|| 7)));
            if let Some(former) = former {
                assert!(former.is_finished());
            }
        });
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    }
    let handle = kept.take().unwrap();
    assert!(handle.is_finished() && handle.join().is_err());
}

#[test]
fn handles_go_from_thread_to_thread() {
    fn send_and_share<T: Send + Sync>() {}
    send_and_share::<JoinHandle<Cell<u8>>>();
    let report = exhaust(Mode::Sc, &|| {
        let inner = thread::spawn(|| 3);
        let outer = thread::spawn(|| inner.join().unwrap() + 1);
        assert_eq!(outer.join().unwrap(), 4);
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
}

#[test]
fn a_thread_is_seen_finished_and_not_finished() {
    for mode in [Mode::Sc, Mode::Rc11] {
        let seen = std::sync::Mutex::new(BTreeSet::new());
        let report = exhaust(mode, &|| {
            let word = Arc::new(AtomicU32::new(0));
            let other = word.clone();
            let handle = thread::spawn(move || other.store(1, Ordering::Relaxed));
            seen.lock().unwrap().insert((handle.is_finished(), handle.is_finished()));
            handle.join().unwrap();
        });
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
        let seen: Vec<_> = seen.into_inner().unwrap().into_iter().collect();
        assert_eq!(seen, [(false, false), (false, true), (true, true)], "{mode:?}");
        assert_eq!((report.executions, report.redundant), (3, 0), "{mode:?}");
    }
}

#[test]
fn looks_at_who_has_not_finished_add_no_executions() {
    let report = exhaust(Mode::Sc, &|| {
        let words = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let other = words.clone();
        // Its last step comes after the looks in any case.
        let handle = Arc::new(thread::spawn(move || {
            (0..3).for_each(|_| other[0].store(1, Ordering::Relaxed));
            thread::park();
        }));
        let lookers = [(), ()].map(|()| {
            let handle = handle.clone();
            thread::spawn(move || assert!(!handle.is_finished()))
        });
        lookers.into_iter().for_each(|looker| looker.join().unwrap());
        handle.thread().unpark();
        Arc::into_inner(handle).unwrap().join().unwrap();
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!((report.executions, report.redundant), (1, 0));
}

#[test]
fn who_polls_for_the_end_of_a_thread_gets_to_see_it() {
    ends(&|| {
        let word = Arc::new(AtomicU32::new(0));
        let other = word.clone();
        let handle = thread::spawn(move || other.store(1, Ordering::Relaxed));
        while !handle.is_finished() {
            thread::yield_now();
        }
    });
}

#[test]
fn the_end_of_a_thread_may_be_polled_beside_a_load() {
    ends(&|| {
        let word = Arc::new(AtomicU32::new(0));
        let other = word.clone();
        let handle = thread::spawn(move || other.load(Ordering::Relaxed));
        while !handle.is_finished() {
            assert_eq!(word.load(Ordering::Relaxed), 0);
        }
        assert_eq!(handle.join().unwrap(), 0);
    });
}

#[test]
fn to_see_that_a_thread_has_finished_orders_nothing() {
    let report = exhaust(Mode::Rc11, &|| {
        let cell = Arc::new(RaceCell::new(0));
        let other = cell.clone();
        let handle = thread::spawn(move || {
            thread::sleep(std::time::Duration::from_secs(1));
            other.set(1);
        });
        if handle.is_finished() {
            cell.get();
        }
        handle.join().unwrap();
        cell.get();
    });
    assert_eq!(report.findings.len(), 1);
    assert!(matches!(report.findings[0].finding, Finding::DataRace { .. }));
}

#[test]
fn who_waits_for_the_end_of_a_thread_that_waits_spins_for_ever() {
    let report = exhaust(Mode::Sc, &|| {
        let handle = thread::spawn(thread::park);
        while !handle.is_finished() {
            thread::yield_now();
        }
    });
    assert!(matches!(report.findings[0].finding, Finding::Livelock { .. }));
}

#[test]
fn who_looks_sees_each_end_of_a_step_that_ends_its_thread_or_not() {
    let seen = std::sync::Mutex::new(BTreeSet::new());
    let seen = &seen;
    let report = exhaust(Mode::Rc11, &|| {
        let shared = Arc::new([(); 2].map(|()| AtomicU32::new(0)));
        let read = Arc::new(Count::new(0));
        thread::scope(|scope| {
            let [one, two] = [(); 2].map(|()| Arc::clone(&shared));
            let reads = Arc::clone(&read);
            let handle = thread::spawn(move || {
                reads.store(one[0].load(Ordering::Relaxed), Ordering::Relaxed);
                if reads.load(Ordering::Relaxed) == 1 {
                    one[1].load(Ordering::Relaxed);
                }
            });
            let looks = scope.spawn(move || (handle.is_finished(), handle));
            scope.spawn(move || two[0].store(1, Ordering::Relaxed));
            let (finished, handle) = looks.join().unwrap();
            handle.join().unwrap();
            seen.lock().unwrap().insert((read.load(Ordering::Relaxed), finished));
        });
    });
    assert_eq!(report.findings.len(), 0);
    assert_eq!(seen.lock().unwrap().len(), 4);
    // One of them comes twice: the step wakes as a whole.
    assert_eq!((report.executions, report.redundant), (5, 0));
}
