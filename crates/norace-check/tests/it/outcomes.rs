//! What a check comes to.

use std::sync::atomic::{AtomicU32, Ordering as StdOrdering};
use std::time::Duration;

use norace_check::{Builder, Misuse, Mode, Outcome, RaceCell, Status, Strategy, Tracked, choose};
use norace_explore::sync::atomic::{AtomicU32 as Word, Ordering};
use norace_explore::{probe, thread};

use crate::models;

struct Door;

impl probe::Kind for Door {
    const WORD: &'static str = "door";
    type Holds = ();
}

fn run(model: impl Fn()) -> Outcome {
    Builder::new().direct().budget(Duration::from_secs(2)).run(model)
}

fn kind(model: impl Fn()) -> &'static str {
    run(model).finding.map_or("nothing", |finding| finding.kind)
}

#[test]
fn every_kind_of_defect_is_found_and_named() {
    assert_eq!(kind(|| models::hand_over(Ordering::Relaxed, Ordering::Acquire)), "data-race");
    assert_eq!(kind(models::opposite_locks), "deadlock");
    assert_eq!(kind(models::lost_wake_up), "lost-wakeup");
    assert_eq!(kind(|| models::lost_update(2)), "panic");
    assert_eq!(kind(|| models::both_missed(Ordering::AcqRel)), "panic");
    assert_eq!(kind(models::leak), "leak");
    assert_eq!(kind(models::spin), "livelock");
    assert_eq!(kind(|| std::mem::forget(Tracked::new(1))), "leaked-value");
}

#[test]
fn a_panic_is_told_rather_than_who_waits_for_its_thread() {
    let outcome = run(|| {
        let work = || panic!("nothing to do, and nobody to tell");
        thread::Builder::new().name("worker".into()).spawn(work).unwrap();
        thread::park();
    });
    let finding = outcome.finding.unwrap();
    assert_eq!(finding.kind, "panic");
    assert!(finding.stacks.iter().any(|stack| finding.tasks[stack.task].name == "worker"));
}

#[test]
fn right_programs_are_complete() {
    let outcome = run(|| models::hand_over(Ordering::Release, Ordering::Acquire));
    assert_eq!((outcome.status, outcome.preemptions), (Status::Complete, None));
    assert!(outcome.is_ok() && outcome.failure().is_none());
    assert!(outcome.extent().starts_with("complete: "), "{}", outcome.extent());
    assert_eq!(kind(|| models::both_missed(Ordering::SeqCst)), "nothing");
}

#[test]
fn interleavings_alone_show_no_weak_memory() {
    let outcome =
        Builder::new().direct().mode(Mode::Sc).run(|| models::both_missed(Ordering::AcqRel));
    assert_eq!(outcome.status, Status::Complete);
}

#[test]
fn a_program_too_large_for_all_is_searched_within_a_bound_and_by_chance() {
    let many = || {
        let threads: Vec<_> = (0..5).map(|_| thread::spawn(|| choose(6))).collect();
        let counter = norace_explore::sync::atomic::AtomicU32::new(0);
        counter.store(choose(6) as u32, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| assert!(thread.join().unwrap() < 6));
    };
    let builder = Builder::new().direct().budget(Duration::from_millis(50));
    let outcome = builder.run(many);
    assert!(matches!(outcome.status, Status::Incomplete | Status::WithinBound), "{outcome:?}");
    assert!(outcome.is_ok());
    let outcome = builder.require_complete().run(many);
    assert!(!outcome.is_ok());
    let text = outcome.failure().unwrap();
    assert!(text.contains("was to be complete, and was not"), "{text}");
}

#[test]
fn the_number_of_executions_is_a_bound() {
    let strategy = Strategy::Random { seed: 1, executions: 1_000_000 };
    let builder = Builder::new().direct().executions(500);
    let outcome = builder.clone().strategy(strategy).run(|| drop(thread::spawn(|| {}).join()));
    assert_eq!((outcome.executions, outcome.status), (500, Status::Incomplete));
    let outcome = builder.preemptions(1).run(models::opposite_locks);
    assert_eq!(outcome.finding.unwrap().kind, "deadlock");
}

#[test]
fn the_same_seed_gives_the_same_executions() {
    let strategy = |seed| Strategy::Random { seed, executions: 2_000 };
    let executions = |seed| {
        let outcome =
            Builder::new().direct().strategy(strategy(seed)).run(|| models::lost_update(3));
        outcome.executions
    };
    assert_eq!(executions(5), executions(5));
}

#[test]
fn locks_in_opposite_orders_are_reported_unless_the_search_knows_better() {
    // Where chance alone decides, it may not strike; then it is suspected.
    let by_chance = Strategy::Pct { seed: 3, executions: 1, depth: 1 };
    let builder = Builder::new().direct().strategy(by_chance);
    assert_eq!(builder.run(models::opposite_locks).finding.unwrap().kind, "lock-order");
    assert!(builder.allow_lock_inversion().run(models::opposite_locks).finding.is_none());
    // A gate keeps both orders apart: all executions show it, and only they can.
    let gated = || {
        let locks = std::sync::Arc::new((
            norace_explore::sync::Mutex::new(()),
            norace_explore::sync::Mutex::new(()),
        ));
        let turn = std::sync::Arc::new(norace_explore::sync::atomic::AtomicBool::new(false));
        let (other, mine) = (locks.clone(), turn.clone());
        let thread = thread::spawn(move || {
            let first = other.0.lock().unwrap();
            drop((other.1.lock().unwrap(), first));
            mine.store(true, Ordering::SeqCst);
        });
        if turn.load(Ordering::SeqCst) {
            let first = locks.1.lock().unwrap();
            drop((locks.0.lock().unwrap(), first));
        }
        thread.join().unwrap();
    };
    assert_eq!(run(gated).status, Status::Complete);
}

#[test]
fn what_is_asked_for_is_reported() {
    let closes = || {
        let door = probe::Monitor::<Door>::new();
        door.closes(probe::Site::here());
        door.misused(Misuse::SecondClose, probe::Site::here());
    };
    assert_eq!(kind(closes), "nothing");
    let forbids = |misuse| Builder::new().direct().forbid(misuse).run(closes);
    assert_eq!(forbids(Misuse::SecondClose).finding.unwrap().kind, "second-close");
    assert_eq!(forbids(Misuse::SendAfterClose).status, Status::Complete);
    let aba = || {
        let value = std::sync::Arc::new(norace_explore::sync::atomic::AtomicU32::new(1));
        let other = value.clone();
        let thread = thread::spawn(move || {
            let seen = other.load(Ordering::SeqCst);
            let _ = other.compare_exchange(seen, 3, Ordering::SeqCst, Ordering::SeqCst);
        });
        value.store(2, Ordering::SeqCst);
        value.store(1, Ordering::SeqCst);
        thread.join().unwrap();
    };
    assert_eq!(kind(aba), "nothing");
    let finding = Builder::new().direct().suspect_aba().run(aba).finding.unwrap();
    assert_eq!(finding.kind, "aba");
    assert!(finding.title.contains("was 1, changed, and was 1 again"), "{}", finding.title);
}

#[test]
fn a_model_that_depends_on_something_else_is_told_from_a_defect() {
    let runs = AtomicU32::new(0);
    let outcome = run(|| {
        let run = runs.fetch_add(1, StdOrdering::Relaxed);
        let counter = norace_explore::sync::atomic::AtomicU32::new(0);
        for _ in 0..=run % 3 {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert_eq!(outcome.status, Status::Diverged);
    let finding = outcome.finding.unwrap();
    assert_eq!(finding.kind, "diverged");
    assert!(finding.why.iter().any(|line| line.contains("outcomes.rs")), "{:?}", finding.why);
}

#[test]
fn a_value_that_depends_on_something_else_is_seen_also_where_a_search_keeps_nothing() {
    let runs = AtomicU32::new(0);
    let strategy = Strategy::Random { seed: 1, executions: 200 };
    let outcome = Builder::new().direct().mode(Mode::Sc).strategy(strategy).run(|| {
        let run = runs.fetch_add(1, StdOrdering::Relaxed);
        norace_explore::sync::atomic::AtomicU32::new(0).store(run, Ordering::Relaxed);
    });
    assert_eq!(outcome.status, Status::Diverged);
}

#[test]
fn an_endless_model_is_given_up_and_shows_how_it_began() {
    let outcome = Builder::new().direct().steps(2_000).run(|| {
        let counter = norace_explore::sync::atomic::AtomicU32::new(0);
        loop {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let finding = outcome.finding.unwrap();
    assert_eq!(finding.kind, "too-long");
    assert!(finding.schedule.len() <= 90 && finding.rows_left_out > 0);
}

#[test]
fn a_model_with_too_many_threads_is_told_where_it_spawns_them() {
    let outcome = Builder::new().direct().run(|| {
        for _ in 0..100 {
            thread::spawn(thread::park);
        }
    });
    let text = outcome.failure().unwrap();
    let finding = outcome.finding.unwrap();
    assert_eq!(finding.kind, "too-many-threads");
    assert_eq!(finding.title, "TOO MANY THREADS: a model may have at most 64 threads at once");
    assert!(text.contains("spawns one more  by main  at crates/norace-check"), "{text}");
    assert!(outcome.executions <= 2, "{}", outcome.executions);
}

#[test]
fn every_choice_of_the_model_is_tried() {
    let outcome = run(|| assert_ne!(choose(50), 49));
    assert_eq!(outcome.finding.unwrap().kind, "panic");
}

#[test]
#[should_panic(expected = "DATA RACE on `slot.value`")]
fn check_panics_with_the_report() {
    let settings = Builder::new().direct().without_regressions();
    settings.check(|| models::hand_over(Ordering::Relaxed, Ordering::Relaxed));
}

#[test]
#[should_panic(expected = "run `cargo norace check`")]
#[cfg(not(norace))]
fn a_build_without_the_checker_refuses() {
    norace_check::check(|| {});
}

#[test]
#[should_panic(expected = "within a model")]
fn a_model_inside_a_model_is_refused() {
    Builder::new().direct().without_regressions().check(|| {
        Builder::new().direct().run(|| {});
    });
}

#[test]
fn the_json_of_an_outcome_has_the_fields_of_the_contract() {
    let outcome = run(|| models::hand_over(Ordering::Relaxed, Ordering::Relaxed));
    let json: serde_json::Value = serde_json::from_str(&outcome.to_json()).unwrap();
    assert_eq!(json["schema"], "norace.model/1");
    assert_eq!(json["status"], "found");
    let finding = &json["finding"];
    for field in ["kind", "test", "token", "tasks", "stacks"] {
        assert!(!finding[field].is_null(), "{field}");
    }
    assert_eq!(finding["tasks"][1]["name"], "producer");
    assert_eq!(finding["stacks"][0]["value"], "42");
    assert_eq!(finding["fix"]["result"], "found");
}

#[test]
#[should_panic(expected = "used inside models only")]
fn race_cells_are_for_models() {
    RaceCell::new(1).get();
}

#[test]
fn a_model_of_sequentially_consistent_accesses_repeats_itself() {
    // Each thread's accesses: whether it stores, and to which of two words.
    const ACCESSES: [[(bool, usize); 4]; 3] = [
        [(true, 1), (true, 0), (false, 1), (true, 0)],
        [(false, 1), (true, 1), (false, 1), (false, 0)],
        [(false, 1), (false, 1), (true, 0), (true, 0)],
    ];
    let outcome = run(|| {
        let words = std::sync::Arc::new([Word::new(0), Word::new(0)]);
        let threads = ACCESSES.map(|accesses| {
            let words = words.clone();
            thread::spawn(move || {
                for (stores, word) in accesses {
                    if stores {
                        words[word].store(1, Ordering::SeqCst);
                    } else {
                        words[word].load(Ordering::SeqCst);
                    }
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(outcome.status, Status::Complete, "{:?}", outcome.failure());
}

#[test]
fn pointers_that_lead_elsewhere_in_each_execution_are_the_same_pointers() {
    use norace_explore::sync::atomic::AtomicPtr;
    use std::sync::Arc;
    let outcome = run(|| {
        // Never freed, and so elsewhere each time, whatever the allocator does.
        let place = Box::leak(Box::new(7_u32));
        let shared = Arc::new(AtomicPtr::new(std::ptr::null_mut()));
        let other = shared.clone();
        let thread = thread::spawn(move || other.store(place, Ordering::Release));
        let seen: *mut u32 = shared.load(Ordering::Acquire);
        thread.join().unwrap();
        let stored = shared.load(Ordering::Relaxed);
        assert!(seen.is_null() || seen == stored);
        let mut shared = Arc::into_inner(shared).expect("the thread has ended");
        assert_eq!(*shared.get_mut(), stored);
    });
    assert_eq!(outcome.status, Status::Complete);
}
