//! Executions of which nothing is kept against the same ones recorded: same choices, same fingerprints, same findings.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use norace_explore::cell::RaceCell;
use norace_explore::probe::{Alarm, Effect, Kind, Monitor, Site, Tracked};
use norace_explore::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use norace_explore::sync::{Condvar, Mutex, RwLock};
use norace_explore::time::Instant;
use norace_explore::{
    Choice, Config, Execution, Explorer, Finding, Misuse, Mode, Report, Strategy, Traces, thread,
};

/// What there is to know of an execution without its events.
#[derive(Debug, PartialEq)]
struct Seen {
    choices: Vec<Choice>,
    fingerprint: u64,
    findings: Vec<Finding>,
    suspicions: Vec<Finding>,
    threads: usize,
}

fn see(execution: &Execution<'_>) -> Seen {
    Seen {
        choices: execution.choices().to_vec(),
        fingerprint: execution.fingerprint(),
        findings: execution.findings().to_vec(),
        suspicions: execution.suspicions().to_vec(),
        threads: execution.threads().count(),
    }
}

fn config(traces: Traces) -> Config {
    let forbidden = vec![Misuse::SecondClose];
    let stop_at_first = false;
    Config {
        mode: Mode::Sc,
        stop_at_first,
        forbidden,
        idle_fires_max: 4,
        traces,
        ..Config::default()
    }
}

/// All executions, and how many of them had a trace.
fn run(traces: Traces, strategy: Strategy, model: &dyn Fn()) -> (Vec<Seen>, usize, Report) {
    let (mut seen, mut traced) = (Vec::new(), 0);
    let report = Explorer::new(config(traces)).explore_with(strategy, model, &mut |execution| {
        seen.push(see(execution));
        traced += usize::from(execution.trace().events().next().is_some());
        ControlFlow::Continue(())
    });
    (seen, traced, report)
}

fn told(report: &Report) -> String {
    format!("{report:?}")
}

/// Compares, for every strategy that does not need events; gives what was found.
fn compare(model: &dyn Fn()) -> Vec<&'static str> {
    let (seed, executions) = (5, 60);
    let strategies = [
        Strategy::Random { seed, executions },
        Strategy::Pct { seed, executions, depth: 3 },
        Strategy::Pos { seed, executions },
        Strategy::Urw { seed, executions },
        Strategy::Bounded { preemptions: 1 },
    ];
    compare_with(&strategies, model)
}

fn compare_with(strategies: &[Strategy], model: &dyn Fn()) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for strategy in strategies {
        let (recorded, traced, full) = run(Traces::All, strategy.clone(), model);
        assert_eq!(traced, recorded.len());
        for traces in [Traces::Nothing, Traces::OneIn(7)] {
            let (brief, _, report) = run(traces, strategy.clone(), model);
            assert_eq!(brief, recorded);
            assert_eq!(told(&report), told(&full));
        }
        let unobserved = Explorer::new(config(Traces::All)).explore(strategy.clone(), model);
        assert_eq!(told(&unobserved), told(&full));
        for found in full.findings.iter().chain(&full.suspicions) {
            kinds.push(found.finding.kind());
            let replay = Strategy::Replay(found.choices.clone());
            let again = Explorer::new(config(Traces::All)).explore(replay, model);
            let mut all = again.findings.iter().chain(&again.suspicions);
            assert!(all.any(|other| other.finding == found.finding), "{}", found.finding);
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn two(act: impl Fn(usize) + Send + Sync + 'static) {
    let act = Arc::new(act);
    let threads: Vec<_> = (0..2)
        .map(|index| {
            let act = act.clone();
            thread::spawn(move || act(index))
        })
        .collect();
    threads.into_iter().for_each(|thread| drop(thread.join()));
}

#[test]
fn atomics_of_all_orderings_are_the_same() {
    let found = compare(&|| {
        let (x, y) = (AtomicU32::new(0), AtomicU32::new(0));
        let sum = AtomicU32::new(0);
        two(move |index| {
            let (own, other) = if index == 0 { (&x, &y) } else { (&y, &x) };
            own.store(1, Ordering::Release);
            fence(Ordering::SeqCst);
            let seen = other.load(Ordering::Acquire);
            let _ = sum.compare_exchange_weak(seen, 7, Ordering::AcqRel, Ordering::Relaxed);
            sum.fetch_max(seen, Ordering::Relaxed);
            own.swap(seen, Ordering::AcqRel);
        });
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn races_are_told_with_their_reasons() {
    for (store, load) in
        [(Ordering::Relaxed, Ordering::Acquire), (Ordering::Release, Ordering::Acquire)]
    {
        let found = compare(&|| {
            let (flag, data) = (AtomicBool::new(false), RaceCell::named("data", 0));
            two(move |index| {
                if index == 0 {
                    data.set(1);
                    flag.store(true, store);
                } else if flag.load(load) {
                    data.get();
                }
            });
        });
        let expected: &[&str] = if store == Ordering::Release { &[] } else { &["data-race"] };
        assert_eq!(found, expected);
    }
}

#[test]
fn happens_before_is_known_through_everything_that_orders() {
    let found = compare(&|| {
        let lock = Arc::new((Mutex::new(()), RwLock::new(()), RaceCell::new(0)));
        let other = lock.clone();
        lock.2.set(1);
        let child = thread::spawn(move || {
            drop((other.0.lock().unwrap(), other.2.get()));
            drop((other.1.write().unwrap(), other.2.set(2)));
        });
        child.join().unwrap();
        lock.2.set(3);
        let (main, other) = (thread::current(), lock.clone());
        thread::spawn(move || {
            other.2.set(4);
            main.unpark();
        });
        thread::park();
        lock.2.set(5);
        let locked = lock.clone();
        two(move |_| {
            let _guard = locked.0.lock().unwrap();
            locked.2.set(6);
        });
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn more_threads_than_fit_a_chunk_of_a_clock_know_of_each_other() {
    for threads in [7, 8, 9, 20] {
        let strategy = Strategy::Random { seed: 1, executions: 30 };
        let found = compare_with(&[strategy], &|| {
            let shared = Arc::new((AtomicU32::new(0), RaceCell::new(0), Mutex::new(())));
            let all: Vec<_> = (0..threads)
                .map(|_| {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        let before = shared.0.fetch_add(1, Ordering::AcqRel);
                        if before.is_multiple_of(2) {
                            let _guard = shared.2.lock().unwrap();
                            shared.1.set(before);
                        }
                    })
                })
                .collect();
            all.into_iter().for_each(|thread| thread.join().unwrap());
            shared.1.get();
        });
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn of_many_threads_those_that_race_are_found() {
    let strategy = Strategy::Random { seed: 1, executions: 30 };
    let found = compare_with(&[strategy], &|| {
        let shared = Arc::new((AtomicU32::new(0), RaceCell::new(0)));
        let all: Vec<_> = (0..11)
            .map(|index| {
                let shared = shared.clone();
                thread::spawn(move || {
                    shared.0.fetch_add(1, Ordering::Relaxed);
                    if index >= 9 {
                        shared.1.set(index);
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(found, ["data-race"]);
}

#[test]
fn locks_in_opposite_orders_are_told() {
    let found = compare(&|| {
        let locks = [Mutex::new(0), Mutex::new(0)];
        two(move |index| {
            let _one = locks[index].lock().unwrap();
            let _two = locks[1 - index].lock().unwrap();
        });
    });
    assert_eq!(found, ["deadlock", "lock-order"]);
}

#[test]
fn what_ends_badly_is_told() {
    let found = compare(&|| {
        thread::spawn(|| std::panic::resume_unwind(Box::new("nobody joins")));
    });
    assert_eq!(found, ["panic"]);
    let found = compare(&|| drop(thread::spawn(|| std::mem::forget(Tracked::new(0_u8))).join()));
    assert_eq!(found, ["leaked-value"]);
    let found = compare(&|| {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let other = pair.clone();
        thread::spawn(move || other.1.notify_one());
        drop(pair.1.wait(pair.0.lock().unwrap()).unwrap());
    });
    assert_eq!(found, ["lost-wakeup"]);
    let found = compare(&|| {
        let flag = AtomicBool::new(false);
        while !flag.load(Ordering::Acquire) {
            thread::spin_loop();
        }
    });
    assert_eq!(found, ["livelock"]);
}

#[test]
fn loads_that_repeat_are_held_as_long() {
    let found = compare(&|| {
        let (flag, tries) = (AtomicBool::new(false), AtomicU32::new(0));
        two(move |index| {
            if index == 0 {
                while flag.swap(true, Ordering::Acquire) {
                    tries.fetch_add(1, Ordering::Relaxed);
                }
                flag.store(false, Ordering::Release);
            } else {
                while flag
                    .compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst)
                    .is_err()
                {
                    thread::yield_now();
                }
                flag.store(false, Ordering::Release);
                while tries.load(Ordering::Relaxed) == 1 {
                    thread::spin_loop();
                }
            }
        });
    });
    assert!(found.iter().all(|kind| *kind == "livelock"), "{found:?}");
}

struct Door;

impl Kind for Door {
    const WORD: &'static str = "door";
    type Holds = ();
}

#[test]
fn libraries_and_time_are_the_same() {
    let found = compare(&|| {
        let shared = Arc::new((Monitor::<Door>::new(), AtomicU32::new(0), RaceCell::new(0)));
        let (other, main) = (shared.clone(), thread::current());
        let alarm = Alarm::set(Instant::now() + Duration::from_secs(1), move || {
            other.0.enter("add to", Site::here(), || {
                other.2.set(other.1.fetch_add(1, Ordering::SeqCst));
            });
            main.unpark();
        });
        shared.0.closes(Site::here());
        thread::park_timeout(Duration::from_millis(1));
        shared.0.enter("store in", Site::here(), || {
            shared.1.store(5, Ordering::SeqCst);
            shared.2.set(5);
        });
        shared.0.misused(Misuse::SecondClose, Site::here());
        drop(alarm);
    });
    assert_eq!(found, ["second-close"]);
}

#[test]
fn who_looks_in_vain_learns_nothing_inside() {
    for (effect, expected) in [(Effect::Nothing, &["data-race"][..]), (Effect::Learned, &[])] {
        let found = compare(&|| {
            let shared = (AtomicBool::new(false), RaceCell::new(0));
            let door = Monitor::<Door>::new();
            two(move |index| {
                let (flag, data) = (&shared.0, &shared.1);
                if index == 0 {
                    data.set(1);
                    flag.store(true, Ordering::Release);
                    return;
                }
                let look = || (effect, flag.load(Ordering::Acquire));
                if door.attempt("look at", Site::here(), look) {
                    data.get();
                }
            });
        });
        assert_eq!(found, expected);
    }
}

#[test]
fn nothing_is_recorded_of_executions_that_show_nothing() {
    let strategy = Strategy::Random { seed: 1, executions: 20 };
    let clean = || two(|_| thread::yield_now());
    assert_eq!(run(Traces::Nothing, strategy.clone(), &clean).1, 0);
    // The first access to plain data asks for clocks, and the execution is run again.
    let plain = || {
        let data = RaceCell::new(0);
        data.set(1);
    };
    assert_eq!(run(Traces::Nothing, strategy, &plain).1, 1);
}

#[test]
fn one_in_so_many_is_recorded_whatever_the_others_need() {
    let strategy = Strategy::Random { seed: 1, executions: 20 };
    let clean = || two(|_| thread::yield_now());
    assert_eq!(run(Traces::OneIn(7), strategy.clone(), &clean).1, 3);
    // The second execution asks for clocks, and is run again.
    let plain = || RaceCell::new(0).set(1);
    assert_eq!(run(Traces::OneIn(7), strategy, &plain).1, 4);
}

#[test]
fn a_model_that_does_not_show_it_again_is_told_of_both() {
    let runs = Cell::new(0);
    let strategy = Strategy::Random { seed: 1, executions: 3 };
    let report = Explorer::new(config(Traces::All)).explore(strategy, &|| {
        runs.set(runs.get() + 1);
        if runs.get() == 2 {
            std::panic::resume_unwind(Box::new("once"));
        }
    });
    let kinds: Vec<_> = report.findings.iter().map(|found| found.finding.kind()).collect();
    assert_eq!(kinds, ["panic", "diverged"]);
    assert_eq!((report.executions + report.blocked, runs.get()), (3, 4));
}
