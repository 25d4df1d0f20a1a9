//! What one execution shows to be possible in another, and what is only said when it is asked for.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use norace_explore::cell::RaceCell;
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::sync::{Condvar, Mutex, RwLock};
use norace_explore::{
    Completeness, Config, Explorer, Finding, Kind, Mode, Report, Strategy, Strengthen, THREADS_MAX,
    thread,
};

type Locks = Arc<[Mutex<()>; 3]>;

/// Two threads that take locks in these orders, the second one after the first when `joined`.
fn orders(one: &'static [usize], two: &'static [usize], joined: bool) {
    let locks: Locks = Arc::default();
    let take = |locks: &Locks, order: &[usize]| {
        let guards: Vec<_> = order.iter().map(|&at| locks[at].lock().unwrap()).collect();
        drop(guards);
    };
    let other = locks.clone();
    let first = thread::spawn(move || take(&other, one));
    let mut first = Some(first);
    if joined {
        first.take().unwrap().join().unwrap();
    }
    take(&locks, two);
    first.into_iter().for_each(|first| first.join().unwrap());
}

/// One execution in which nothing is preempted.
fn once(model: &dyn Fn()) -> Report {
    let config = Config { stop_at_first: false, ..Config::default() };
    Explorer::new(config).explore(Strategy::Bounded { preemptions: 0 }, model)
}

#[test]
fn opposite_orders_are_suspicious_although_nothing_happened() {
    let report = once(&|| orders(&[0, 1], &[1, 0], false));
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!(report.suspicions.len(), 1);
    let Finding::LockOrder { cycle } = &report.suspicions[0].finding else { panic!("{report:?}") };
    assert_eq!(cycle.len(), 2);
    assert_ne!(cycle[0].thread.id, cycle[1].thread.id);
}

#[test]
fn equal_orders_a_common_gate_and_a_join_are_not_suspicious() {
    for (one, two, joined) in [
        (&[0, 1][..], &[0, 1][..], false),
        (&[2, 0, 1], &[2, 1, 0], false),
        (&[0, 1], &[1, 0], true),
    ] {
        let report = once(&|| orders(one, two, joined));
        assert!(report.suspicions.is_empty(), "{}", report.suspicions[0].finding);
    }
}

#[test]
fn three_locks_in_a_circle_are_suspicious() {
    let report = once(&|| {
        let locks: Locks = Arc::default();
        let threads: Vec<_> = (0..3)
            .map(|at| {
                let locks = locks.clone();
                thread::spawn(move || {
                    let _one = locks[at].lock().unwrap();
                    let _two = locks[(at + 1) % 3].lock().unwrap();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert!(
        matches!(&report.suspicions[0].finding, Finding::LockOrder { cycle } if cycle.len() == 3)
    );
}

#[test]
fn two_readers_keep_nobody_from_anything() {
    let report = once(&|| {
        let locks = Arc::new([RwLock::new(()), RwLock::new(())]);
        let other = locks.clone();
        let thread = thread::spawn(move || {
            let _one = other[0].read().unwrap();
            let _two = other[1].read().unwrap();
        });
        let one = locks[1].read().unwrap();
        drop((locks[0].read().unwrap(), one));
        thread.join().unwrap();
    });
    assert!(report.suspicions.is_empty(), "{}", report.suspicions[0].finding);
}

#[test]
fn a_notification_that_finds_nobody_makes_a_deadlock_a_lost_wake_up() {
    let model = || {
        let shared = Arc::new((Mutex::new(()), Condvar::new()));
        let other = shared.clone();
        let thread = thread::spawn(move || other.1.notify_one());
        drop(shared.1.wait(shared.0.lock().unwrap()).unwrap());
        thread.join().unwrap();
    };
    let found = Explorer::new(Config::default()).explore(Strategy::Exhaustive, &model).findings;
    assert_eq!(found[0].finding.kind(), "lost-wakeup");
    assert!(found[0].finding.to_string().contains("found nobody waiting"));
}

/// Takes 1, gives 2, gives 1 back: who loaded 1 before may exchange it for 3 afterwards.
fn come_back(between: bool) {
    let value = Arc::new(AtomicU32::new(1));
    let other = value.clone();
    let thread = thread::spawn(move || {
        let seen = other.load(Ordering::SeqCst);
        let _ = other.compare_exchange(seen, 3, Ordering::SeqCst, Ordering::SeqCst);
    });
    if between {
        value.store(2, Ordering::SeqCst);
        value.store(1, Ordering::SeqCst);
    }
    thread.join().unwrap();
}

#[test]
fn a_value_that_came_back_is_suspicious_where_that_is_asked() {
    for (suspect_aba, between, found) in [(false, true, 0), (true, false, 0), (true, true, 1)] {
        for mode in [Mode::Sc, Mode::Rc11] {
            let config = Config { suspect_aba, mode, ..Config::default() };
            let report =
                Explorer::new(config).explore(Strategy::Exhaustive, &|| come_back(between));
            assert!(report.findings.is_empty());
            assert_eq!(report.suspicions.len(), found, "{mode:?}");
        }
    }
}

/// Publishes a number through a flag, with nothing to order them.
fn publish() {
    let shared = Arc::new((AtomicU32::new(0), RaceCell::new(0)));
    let other = shared.clone();
    let thread = thread::spawn(move || {
        other.1.set(1);
        other.0.store(1, Ordering::Relaxed);
    });
    if shared.0.load(Ordering::Relaxed) == 1 {
        shared.1.get();
    }
    thread.join().unwrap();
}

#[test]
fn orderings_can_be_strengthened_from_outside() {
    let mut places = [None; 2];
    Explorer::new(Config::default()).explore_with(Strategy::Exhaustive, &publish, &mut |run| {
        for (place, kind) in places.iter_mut().zip([Kind::Store, Kind::Load]) {
            let event = run.trace().events().find(|event| event.kind == kind);
            *place = place.or(event.map(|event| event.location));
        }
        ControlFlow::Continue(())
    });
    let strengthen = |at: usize, order| {
        let place = places[at].unwrap();
        let (file, line, column) = (place.file().to_owned(), place.line(), place.column());
        Strengthen { file, line, column, order }
    };
    let (store, load) = (strengthen(0, Ordering::Release), strengthen(1, Ordering::Acquire));
    for (strengthened, races) in
        [(vec![], 1), (vec![store.clone()], 1), (vec![load.clone()], 1), (vec![store, load], 0)]
    {
        let config = Config { strengthened: strengthened.clone(), ..Config::default() };
        let report = Explorer::new(config).explore(Strategy::Exhaustive, &publish);
        assert_eq!(report.findings.len(), races, "{strengthened:?}");
    }
}

#[test]
fn more_threads_than_there_may_be_are_told_once_and_with_the_place() {
    for strategy in [Strategy::Exhaustive, Strategy::Random { seed: 1, executions: 3 }] {
        let config = Config { mode: Mode::Sc, stop_at_first: false, ..Config::default() };
        let report = Explorer::new(config).explore(strategy, &|| {
            thread::spawn(|| {
                for _ in 0..THREADS_MAX {
                    thread::spawn(thread::park);
                }
            });
            thread::park();
        });
        assert_eq!(report.findings.len(), 1, "{report:?}");
        let Finding::TooManyThreads { thread, spawned_at } = &report.findings[0].finding else {
            panic!("{report:?}")
        };
        assert_eq!(thread.id.index(), 1);
        assert!(spawned_at.file().ends_with("suspect.rs"));
        assert_eq!((report.executions, report.blocked, report.redundant), (0, 1, 0));
        assert_eq!(report.completeness, Completeness::Incomplete);
    }
}

#[test]
fn threads_that_were_joined_make_room() {
    for strategy in [Strategy::Bounded { preemptions: 0 }, Strategy::Exhaustive] {
        for mode in [Mode::Sc, Mode::Rc11] {
            let config = Config { mode, ..Config::default() };
            let report = Explorer::new(config).explore(strategy.clone(), &|| {
                let sum = Arc::new(AtomicU32::new(0));
                let mut former = None;
                let mut ids = BTreeSet::new();
                for _ in 0..2 * THREADS_MAX {
                    let sum = Arc::clone(&sum);
                    let thread = thread::spawn(move || sum.fetch_add(1, Ordering::Relaxed));
                    assert!(ids.insert(format!("{:?}", thread.thread().id())));
                    if let Some(former) = former.replace(thread.thread().clone()) {
                        // It is not the one that has its number now.
                        former.unpark();
                    }
                    thread.join().unwrap();
                }
                assert_eq!(sum.load(Ordering::Relaxed), 128);
            });
            assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
            assert_eq!(report.executions, 1);
        }
    }
}
