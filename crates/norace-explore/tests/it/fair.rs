//! Loops that only an unfair scheduler runs for ever come to their end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use norace_explore::probe::Alarm;
use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use norace_explore::time::Instant;
use norace_explore::{Completeness, Config, Explorer, Finding, Mode, Report, Strategy, thread};

/// All that are run: a search without reduction would not end.
const EXECUTIONS_MAX: u64 = 1_000;

fn strategies() -> Vec<Strategy> {
    let (seed, executions) = (7, 10);
    vec![
        Strategy::Random { seed, executions },
        Strategy::Pct { seed, executions, depth: 1 },
        Strategy::Pct { seed, executions, depth: 3 },
        Strategy::Pos { seed, executions },
        Strategy::Urw { seed, executions },
        Strategy::Bounded { preemptions: 0 },
    ]
}

fn explore(mode: Mode, strategy: Strategy, model: &dyn Fn()) -> Report {
    let config = Config { mode, stop_at_first: false, ..Config::default() };
    let max = if strategy == Strategy::Exhaustive { EXECUTIONS_MAX } else { 10 };
    let mut executions = 0;
    Explorer::new(config).explore_with(strategy, model, &mut |_| {
        executions += 1;
        if executions < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
}

/// Every strategy ends the model's executions without a finding.
#[track_caller]
fn ends(model: &dyn Fn()) {
    for mode in [Mode::Sc, Mode::Rc11] {
        for strategy in strategies() {
            let report = explore(mode, strategy.clone(), model);
            assert!(report.executions >= 1, "{mode:?} {strategy:?}");
            let found = report.findings.first().map(|found| found.finding.to_string());
            assert_eq!(found, None, "{mode:?} {strategy:?}");
            assert_ne!(report.completeness, Completeness::Complete, "{mode:?} {strategy:?}");
        }
    }
}

/// Counts until another thread, which does so much before, says that it is done.
fn count_until_done(work: usize) -> u64 {
    let shared = Arc::new((AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0)));
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        for _ in 0..work {
            other.2.fetch_add(1, Ordering::Relaxed);
        }
        other.0.store(true, Ordering::Release);
    });
    while !shared.0.load(Ordering::Acquire) {
        shared.1.fetch_add(1, Ordering::Relaxed);
    }
    thread.join().unwrap();
    shared.1.load(Ordering::Relaxed)
}

#[test]
fn who_could_go_on_for_long_does() {
    ends(&|| {
        count_until_done(0);
    });
}

#[test]
fn who_has_much_to_do_gets_it_done() {
    ends(&|| {
        count_until_done(200);
    });
}

#[test]
fn every_number_of_rounds_is_explored_but_those_beyond_patience() {
    for mode in [Mode::Sc, Mode::Rc11] {
        let most = std::sync::atomic::AtomicU64::new(0);
        let report = explore(mode, Strategy::Exhaustive, &|| {
            let counted = count_until_done(0);
            most.fetch_max(counted, Ordering::Relaxed);
        });
        assert_eq!(report.findings.len(), 0, "{}", report.findings[0].finding);
        assert_eq!(report.completeness, Completeness::UpToSpinning);
        let most = most.into_inner();
        assert!((500..1_000).contains(&most), "{most}");
        assert_eq!((report.executions, report.blocked), (most + 1, 0));
    }
}

#[test]
fn a_lock_that_is_tried_again_and_again_is_given_up_meanwhile() {
    ends(&|| {
        let lock = Arc::new((Mutex::new(()), AtomicU64::new(0)));
        let other = Arc::clone(&lock);
        let thread = thread::spawn(move || {
            let _guard = other.0.lock().unwrap();
            (0..3).for_each(|_| _ = other.1.fetch_add(1, Ordering::Relaxed));
        });
        while lock.0.try_lock().is_err() {
            lock.1.fetch_add(1, Ordering::Relaxed);
        }
        // Until the other one has had it.
        while lock.1.load(Ordering::Relaxed) < 3 {
            lock.1.fetch_sub(0, Ordering::Relaxed);
            let _tried = lock.0.try_lock();
        }
        thread.join().unwrap();
    });
}

#[test]
fn all_who_were_passed_over_go_on() {
    ends(&|| {
        let shared = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    shared.1.fetch_add(1, Ordering::Relaxed);
                    shared.0.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        while shared.0.load(Ordering::Relaxed) < 4 {
            shared.1.fetch_add(1, Ordering::Relaxed);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn time_passes_while_others_are_busy() {
    ends(&|| {
        let shared = Arc::new((AtomicBool::new(false), AtomicU64::new(0)));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            // More often than timers fire early.
            (0..20).for_each(|_| thread::sleep(Duration::from_secs(1)));
            other.0.store(true, Ordering::Relaxed);
        });
        while !shared.0.load(Ordering::Relaxed) {
            shared.1.fetch_add(1, Ordering::Relaxed);
        }
        thread.join().unwrap();
    });
}

/// A thread that waits for one timer after the other, as a ticker does.
fn tick(period: Duration) {
    loop {
        wait_for_alarm(period);
    }
}

fn wait_for_alarm(time: Duration) {
    let me = thread::current();
    let alarm = Alarm::set(Instant::now() + time, move || me.unpark()).ok().unwrap();
    while !alarm.has_fired() {
        thread::park();
    }
}

#[test]
fn a_ticker_that_outlives_main_is_cut_off() {
    ends(&|| _ = thread::spawn(|| tick(Duration::from_secs(1))));
    // One that sets itself again.
    fn again() {
        std::mem::forget(Alarm::set(Instant::now() + Duration::from_secs(1), again));
    }
    ends(&again);
}

#[test]
fn a_ticker_may_tick_more_often_than_there_may_be_threads() {
    ends(&|| (0..200).for_each(|_| wait_for_alarm(Duration::from_secs(1))));
}

#[test]
fn who_waits_for_a_timer_beside_a_ticker_is_not_given_up() {
    for (ticks, once) in [(1, 5), (1, 5_000), (5, 1), (1, 1)] {
        let [ticks, once] = [ticks, once].map(Duration::from_secs);
        ends(&|| {
            thread::spawn(move || {
                loop {
                    thread::sleep(ticks);
                }
            });
            let main = thread::current();
            thread::spawn(move || {
                thread::sleep(once);
                main.unpark();
            });
            thread::park();
        });
        ends(&|| {
            thread::spawn(move || tick(ticks));
            let main = thread::current();
            thread::spawn(move || {
                wait_for_alarm(once);
                wait_for_alarm(once);
                main.unpark();
            });
            thread::park();
        });
    }
}

#[test]
fn who_waits_for_one_that_sleeps_often_is_not_given_up() {
    let sleep = || (0..100).for_each(|_| thread::sleep(Duration::from_secs(1)));
    ends(&|| thread::spawn(sleep).join().unwrap());
    ends(&|| {
        let lock = Arc::new(Mutex::new(()));
        let (held, waited) = (Arc::clone(&lock), Arc::clone(&lock));
        let sleeps = thread::spawn(move || {
            let _guard = held.lock().unwrap();
            sleep();
        });
        let waits = thread::spawn(move || drop(waited.lock()));
        drop(lock.lock());
        [sleeps, waits].into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn who_waits_for_nothing_beside_one_that_main_waits_for_is_given_up() {
    for strategy in strategies() {
        let report = explore(Mode::Sc, strategy, &|| {
            thread::spawn(thread::park);
            thread::spawn(|| tick(Duration::from_secs(1))).join().unwrap();
        });
        let Finding::Deadlock { blocked, .. } = &report.findings[0].finding else {
            panic!("{report:?}")
        };
        let blocked: Vec<_> = blocked.iter().map(|one| one.thread.id.index()).collect();
        assert_eq!(blocked, [1], "{report:?}");
    }
}

#[test]
fn who_waits_for_nothing_beside_a_ticker_is_given_up() {
    for strategy in strategies() {
        let report = explore(Mode::Sc, strategy, &|| {
            thread::spawn(|| tick(Duration::from_secs(1)));
            thread::spawn(|| thread::sleep(Duration::from_secs(1_000)));
            thread::park();
        });
        let Finding::Deadlock { blocked, .. } = &report.findings[0].finding else {
            panic!("{report:?}")
        };
        assert_eq!(blocked.len(), 1, "{report:?}");
    }
}

#[test]
fn in_the_usual_execution_who_is_due_first_goes_first() {
    let order = std::sync::Mutex::new(Vec::new());
    let order: &'static _ = Box::leak(Box::new(order));
    let report = explore(Mode::Sc, Strategy::Replay(Vec::new()), &|| {
        for seconds in [3, 1, 2] {
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(seconds));
                order.lock().unwrap().push(seconds);
            });
        }
    });
    assert_eq!(report.findings.len(), 0);
    assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn a_loop_that_nobody_ends_is_too_long() {
    for strategy in strategies() {
        let report = explore(Mode::Sc, strategy, &|| {
            let counter = AtomicU64::new(0);
            while counter.load(Ordering::Relaxed) < u64::MAX {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert!(matches!(report.findings[0].finding, Finding::TooLong { .. }), "{report:?}");
    }
}

#[test]
fn what_is_found_after_a_thread_was_made_to_go_on_is_found_again() {
    let model = || assert_eq!(count_until_done(3), 0, "counted");
    let mut long = 0;
    for strategy in strategies() {
        let report = explore(Mode::Sc, strategy, &model);
        for found in &report.findings {
            // Nobody is made to go on before.
            long += u32::from(found.choices.len() > 1_000);
            let replay = Strategy::Replay(found.choices.clone());
            let again = explore(Mode::Sc, replay, &model);
            assert_eq!(again.findings[0].finding, found.finding);
        }
    }
    assert_ne!(long, 0);
}
