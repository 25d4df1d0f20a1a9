//! Numbers of executions that are known.

use std::sync::Arc;

use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::{AtomicU64, Ordering};
use norace_explore::{Completeness, Config, Explorer, Finding, Mode, Report, Strategy, thread};

pub(crate) fn exhaust(mode: Mode, model: &dyn Fn()) -> Report {
    let config = Config { mode, stop_at_first: false, ..Config::default() };
    Explorer::new(config).explore(Strategy::Exhaustive, model)
}

/// Every strategy gets to the end of `model`, and finds nothing.
#[track_caller]
pub(crate) fn ends(model: &dyn Fn()) {
    for mode in [Mode::Sc, Mode::Rc11] {
        for strategy in [
            Strategy::Exhaustive,
            // Main goes on as long as it can.
            Strategy::Bounded { preemptions: 0 },
            Strategy::Random { seed: 1, executions: 20 },
        ] {
            let config = Config { mode, steps_max: 500, stop_at_first: false, ..Config::default() };
            let report = Explorer::new(config).explore(strategy.clone(), model);
            let finding = report.findings.first().map(|found| &found.finding);
            assert!(finding.is_none(), "{mode:?}, {strategy:?}: {}", finding.unwrap());
            let exhaustive = matches!(strategy, Strategy::Exhaustive);
            assert!(!exhaustive || report.completeness == Completeness::UpToSpinning);
        }
    }
}

#[track_caller]
fn expect(mode: Mode, executions: u64, model: &dyn Fn()) {
    let report = exhaust(mode, model);
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!(report.completeness, Completeness::Complete);
    assert_eq!((report.executions, report.redundant), (executions, 0), "{mode:?}");
}

fn adders(threads: usize, times: usize) {
    let sum = Arc::new(AtomicU64::new(0));
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let sum = Arc::clone(&sum);
            thread::spawn(move || {
                for _ in 0..times {
                    sum.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    assert_eq!(sum.load(Ordering::Relaxed), (threads * times) as u64);
}

fn lockers(threads: usize, times: usize) {
    let sum = Arc::new(Mutex::new(0));
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let sum = Arc::clone(&sum);
            thread::spawn(move || {
                for _ in 0..times {
                    *sum.lock().unwrap() += 1;
                }
            })
        })
        .collect();
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    assert_eq!(*sum.lock().unwrap(), threads * times);
}

#[test]
fn read_modify_writes_have_one_execution_per_order() {
    for mode in [Mode::Sc, Mode::Rc11] {
        for (threads, times, orders) in [(2, 2, 6), (3, 1, 6), (3, 2, 90), (4, 1, 24), (5, 1, 120)]
        {
            expect(mode, orders, &|| adders(threads, times));
        }
        expect(mode, 2_520, &|| adders(4, 2));
    }
}

#[test]
fn critical_sections_have_one_execution_per_order() {
    for (threads, times, orders) in [(2, 2, 6), (3, 1, 6), (3, 2, 90), (4, 1, 24)] {
        expect(Mode::Rc11, orders, &|| lockers(threads, times));
    }
}

#[test]
fn one_writer_and_n_readers_have_two_to_the_n_executions() {
    for mode in [Mode::Sc, Mode::Rc11] {
        for (readers, executions) in [(1, 2), (2, 4), (3, 8), (5, 32)] {
            expect(mode, executions, &|| {
                let flag = Arc::new(AtomicU64::new(0));
                let handles: Vec<_> = (0..=readers)
                    .map(|index| {
                        let flag = Arc::clone(&flag);
                        thread::spawn(move || match index {
                            0 => flag.store(1, Ordering::Relaxed),
                            _ => drop(flag.load(Ordering::Relaxed)),
                        })
                    })
                    .collect();
                handles.into_iter().for_each(|handle| handle.join().unwrap());
            });
        }
    }
}

#[test]
fn private_objects_add_no_executions() {
    for mode in [Mode::Sc, Mode::Rc11] {
        expect(mode, 6, &|| {
            let shared = Arc::new(AtomicU64::new(0));
            let handles: Vec<_> = (0..3)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || {
                        let own = AtomicU64::new(0);
                        for _ in 0..4 {
                            own.fetch_add(1, Ordering::Relaxed);
                        }
                        shared.fetch_add(1, Ordering::Relaxed);
                    })
                })
                .collect();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        });
    }
}

#[test]
fn opposite_lock_orders_have_two_executions_and_a_deadlock() {
    let report = exhaust(Mode::Sc, &|| {
        let locks = Arc::new((Mutex::new(()), Mutex::new(())));
        let other = Arc::clone(&locks);
        let one = thread::spawn(move || {
            let _first = other.0.lock().unwrap();
            let _second = other.1.lock().unwrap();
        });
        let two = thread::spawn(move || {
            let _first = locks.1.lock().unwrap();
            let _second = locks.0.lock().unwrap();
        });
        one.join().unwrap();
        two.join().unwrap();
    });
    assert_eq!((report.executions, report.blocked, report.redundant), (2, 1, 0));
    assert!(
        matches!(&report.findings[0].finding, Finding::Deadlock { cycle, .. } if cycle.len() == 2)
    );
}
