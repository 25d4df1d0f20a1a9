//! The same choices, the same execution; and what happens outside of models.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::{
    Choice, Completeness, Config, Explorer, Finding, Plan, Run, Strategy, in_model, pulse, thread,
};

fn lost_update() {
    let count = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let count = Arc::clone(&count);
            thread::spawn(move || {
                let seen = count.load(Ordering::SeqCst);
                count.store(seen + 1, Ordering::SeqCst);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    if count.load(Ordering::SeqCst) != 2 {
        std::panic::resume_unwind(Box::new("lost"));
    }
}

/// Every execution's choices and trace.
fn traces(strategy: Strategy) -> Vec<(Vec<Choice>, String)> {
    let config = Config { stop_at_first: false, ..Config::default() };
    let mut traces = Vec::new();
    Explorer::new(config).explore_with(strategy, &lost_update, &mut |execution| {
        traces.push((execution.choices().to_vec(), execution.trace().to_string()));
        ControlFlow::Continue(())
    });
    traces
}

#[test]
fn every_strategy_repeats_itself() {
    for strategy in [
        Strategy::Exhaustive,
        Strategy::Bounded { preemptions: 2 },
        Strategy::Random { seed: 7, executions: 50 },
        Strategy::Pct { seed: 7, executions: 50, depth: 3 },
        Strategy::Pos { seed: 7, executions: 50 },
        Strategy::Urw { seed: 7, executions: 50 },
    ] {
        let first = traces(strategy.clone());
        assert!(first.len() > 1);
        assert!(
            first.iter().all(|(choices, trace)| !choices.is_empty() && trace.contains("Store"))
        );
        assert_eq!(first, traces(strategy));
    }
}

#[test]
fn a_replay_repeats_the_execution_byte_for_byte() {
    for strategy in [
        Strategy::Exhaustive,
        Strategy::Bounded { preemptions: 2 },
        Strategy::Random { seed: 3, executions: 30 },
    ] {
        for (choices, trace) in traces(strategy) {
            let plan = Plan::of(&choices);
            assert_eq!(traces(Strategy::Guided(plan)), [(choices.clone(), trace.clone())]);
            assert_eq!(traces(Strategy::Replay(choices.clone())), [(choices, trace)]);
        }
    }
}

#[test]
fn a_plan_is_followed_as_far_as_it_can_be() {
    let plan = Plan {
        runs: vec![Run { thread: 9, steps: 3 }, Run { thread: 2, steps: 1 }],
        labels: vec![(2, 0, 700)],
    };
    let ran = traces(Strategy::Guided(plan));
    assert_eq!(ran.len(), 1);
    assert_eq!(ran[0].0[0], Choice { thread: 2, label: 0 });
}

#[test]
fn every_strategy_finds_the_lost_update() {
    for strategy in [
        Strategy::Exhaustive,
        Strategy::Bounded { preemptions: 1 },
        Strategy::Random { seed: 1, executions: 1_000 },
        Strategy::Pct { seed: 1, executions: 1_000, depth: 2 },
        Strategy::Pos { seed: 1, executions: 1_000 },
        Strategy::Urw { seed: 1, executions: 1_000 },
    ] {
        let report = Explorer::new(Config::default()).explore(strategy, &lost_update);
        let found = &report.findings[0];
        assert!(matches!(&found.finding, Finding::Panic { message, .. } if message == "lost"));
        let replay = Strategy::Replay(found.choices.clone());
        let again = Explorer::new(Config::default()).explore(replay, &lost_update);
        assert_eq!(again.findings[0].finding, found.finding);
    }
}

#[test]
fn a_bound_that_cuts_is_reported() {
    let explore = |preemptions| {
        let config = Config { stop_at_first: false, ..Config::default() };
        Explorer::new(config).explore(Strategy::Bounded { preemptions }, &lost_update)
    };
    assert_eq!(explore(0).completeness, Completeness::WithinBound(0));
    assert_eq!(explore(20).completeness, Completeness::Complete);
}

#[test]
fn a_script_that_does_not_fit_says_where() {
    let script = vec![Choice { thread: 1, label: 0 }, Choice { thread: 9, label: 0 }];
    let report = Explorer::new(Config::default()).explore(Strategy::Replay(script), &lost_update);
    assert_eq!(report.findings[0].finding, Finding::Diverged { step: 1 });
}

#[test]
fn a_model_that_does_not_repeat_itself_is_reported() {
    let runs = std::sync::atomic::AtomicU32::new(0);
    let report = Explorer::new(Config::default()).explore(Strategy::Exhaustive, &|| {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        let count = Arc::new(AtomicU32::new(0));
        let other = Arc::clone(&count);
        let thread =
            (run == 0).then(|| thread::spawn(move || other.fetch_add(1, Ordering::Relaxed)));
        count.fetch_add(1, Ordering::Relaxed);
        thread.into_iter().for_each(|thread| drop(thread.join()));
    });
    assert!(matches!(report.findings[0].finding, Finding::Diverged { .. }), "{report:?}");
}

#[test]
fn an_execution_leaves_the_threads_of_an_endless_search_unwound() {
    let alive = Arc::new(());
    let config = Config { stop_at_first: false, ..Config::default() };
    let report = Explorer::new(config).explore(Strategy::Exhaustive, &|| {
        let locks = Arc::new((Mutex::new(()), Mutex::new(())));
        let (one, kept) = (Arc::clone(&locks), Arc::clone(&alive));
        let thread = thread::spawn(move || {
            let _kept = kept;
            let _first = one.0.lock().unwrap();
            let _second = one.1.lock().unwrap();
        });
        let _first = locks.1.lock().unwrap();
        let _second = locks.0.lock().unwrap();
        drop((_first, _second));
        thread.join().unwrap();
    });
    assert_eq!(report.blocked, 1);
    assert_eq!(Arc::strong_count(&alive), 1);
}

static COUNT: AtomicU32 = AtomicU32::new(5);

#[test]
fn statics_start_every_execution_from_their_initial_value() {
    let report = Explorer::new(Config::default()).explore(Strategy::Exhaustive, &|| {
        let thread = thread::spawn(|| COUNT.fetch_add(1, Ordering::Relaxed));
        let seen = COUNT.fetch_add(1, Ordering::Relaxed);
        assert_eq!(seen + thread.join().unwrap(), 11);
    });
    assert!(report.findings.is_empty());
    assert_eq!(report.executions, 2);
    assert_eq!(COUNT.load(Ordering::Relaxed), 5);
}

static GUARDED: Mutex<[u32; 3]> = Mutex::new([1, 2, 3]);

#[test]
fn data_in_statics_starts_every_execution_from_its_first_value() {
    let work = || {
        let mut guard = GUARDED.lock().unwrap();
        guard[0] += 1;
        guard[0]
    };
    let model = || {
        let thread = thread::spawn(work);
        assert_eq!(work() + thread.join().unwrap(), 5);
    };
    for _ in 0..2 {
        let report = Explorer::new(Config::default()).explore(Strategy::Exhaustive, &model);
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
        assert_eq!(report.executions, 2);
    }
}

#[test]
fn outside_of_models_everything_is_as_in_std() {
    assert!(!in_model());
    let sums = Arc::new((Mutex::new(0_u64), AtomicU32::new(0)));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let sums = Arc::clone(&sums);
            thread::spawn(move || {
                for _ in 0..1_000 {
                    *sums.0.lock().unwrap() += 1;
                    sums.1.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*sums.0.lock().unwrap(), 4_000);
    assert_eq!(sums.1.load(Ordering::Relaxed), 4_000);
}

#[test]
fn random_executions_reach_every_outcome() {
    let outcomes = std::sync::Mutex::new(BTreeMap::new());
    let strategy = Strategy::Random { seed: 11, executions: 400 };
    Explorer::new(Config::default()).explore(strategy, &|| {
        let memory = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let other = Arc::clone(&memory);
        let thread = thread::spawn(move || {
            other.0.store(1, Ordering::Relaxed);
            other.1.load(Ordering::Relaxed)
        });
        memory.1.store(1, Ordering::Relaxed);
        let seen = memory.0.load(Ordering::Relaxed);
        let outcome = (seen, thread.join().unwrap());
        *outcomes.lock().unwrap().entry(outcome).or_insert(0) += 1;
    });
    let outcomes = outcomes.into_inner().unwrap();
    assert_eq!(outcomes.keys().copied().collect::<Vec<_>>(), [(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert!(outcomes.values().all(|&count| count >= 20), "{outcomes:?}");
}

#[test]
fn a_watchdog_sees_whether_a_model_moves() {
    let seen = std::sync::Mutex::new(Vec::new());
    Explorer::new(Config::default()).explore(Strategy::Exhaustive, &|| {
        let count = AtomicU32::new(0);
        for _ in 0..2 {
            count.store(1, Ordering::Relaxed);
            seen.lock().unwrap().push(pulse().unwrap());
        }
    });
    let seen = seen.into_inner().unwrap();
    assert_ne!(seen[0].beat, seen[1].beat);
    assert_eq!(seen[0].place, seen[1].place);
    assert!(seen[0].place.unwrap().file().ends_with("replay.rs"));
}

#[test]
fn the_same_execution_has_the_same_fingerprint() {
    let fingerprints = || {
        let mut all = Vec::new();
        let config = Config { stop_at_first: false, ..Config::default() };
        Explorer::new(config).explore_with(Strategy::Exhaustive, &lost_update, &mut |execution| {
            all.push(execution.fingerprint());
            ControlFlow::Continue(())
        });
        all
    };
    let first = fingerprints();
    assert_eq!(first, fingerprints());
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len());
}
