//! One-time initialisation in models.

use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;

use norace_prim::atomic::{AtomicU32, Ordering};
use norace_prim::sync::{Arc, LazyLock, Once, OnceLock};
use norace_prim::thread;

use crate::{finds, passes};

#[test]
fn a_once_runs_once_and_everybody_sees_what_it_did() {
    passes(|| {
        let once = Arc::new((Once::new(), AtomicU32::new(0)));
        let other = once.clone();
        let run = |once: &(Once, AtomicU32)| {
            once.0.call_once(|| {
                // Relaxed: ordered by the once.
                once.1.fetch_add(1, Ordering::Relaxed);
            });
            // Relaxed: as above.
            assert_eq!(once.1.load(Ordering::Relaxed), 1);
        };
        let thread = thread::spawn(move || run(&other));
        run(&once);
        thread.join().unwrap();
    });
}

#[test]
fn either_thread_may_be_the_one_that_sets_a_value() {
    let winners = StdMutex::new(BTreeSet::new());
    passes(|| {
        let value = Arc::new(OnceLock::new());
        let other = value.clone();
        let thread = thread::spawn(move || other.set(1).is_ok());
        let mine = value.set(2).is_ok();
        assert_ne!(mine, thread.join().unwrap());
        winners.lock().unwrap().insert(*value.get().unwrap());
    });
    assert_eq!(winners.into_inner().unwrap(), BTreeSet::from([1, 2]));
}

#[test]
fn statics_are_made_anew_in_each_execution() {
    static NAME: OnceLock<String> = OnceLock::new();
    static NUMBERS: LazyLock<Vec<u32>> = LazyLock::new(|| vec![1, 2, 3]);
    static MADE: StdMutex<u64> = StdMutex::new(0);
    let report = passes(|| {
        assert_eq!(NAME.get(), None);
        let thread = thread::spawn(|| {
            assert_eq!(NUMBERS.len(), 3);
            NAME.get_or_init(|| "theirs".to_owned()).len()
        });
        let name = NAME.get_or_init(|| {
            *MADE.lock().unwrap() += 1;
            "mine".to_owned()
        });
        assert_eq!(NUMBERS.iter().sum::<u32>(), 6);
        assert_eq!(thread.join().unwrap(), name.len());
    });
    let mine = *MADE.lock().unwrap();
    assert!(mine > 0 && mine < report.executions, "{mine} of {}", report.executions);
    assert_eq!(NAME.get(), None);
}

#[test]
fn values_made_outside_models_stay() {
    static NAME: OnceLock<u32> = OnceLock::new();
    static LAZY: LazyLock<u32> = LazyLock::new(|| 8);
    assert_eq!((NAME.set(7), *LAZY), (Ok(()), 8));
    passes(|| assert_eq!((NAME.get(), NAME.set(9), *LAZY), (Some(&7), Err(9), 8)));
    assert_eq!(NAME.get(), Some(&7));
}

#[test]
fn a_panicking_initialiser_poisons_a_once() {
    let found = finds(|| {
        let once = Arc::new(Once::new());
        let other = once.clone();
        let thread = thread::spawn(move || other.call_once(|| panic!("not made")));
        assert!(thread.join().is_err());
        once.call_once_force(|state| assert!(state.is_poisoned()));
        once.call_once(|| unreachable!("it has run"));
        let poisoned = Once::new();
        poisoned.call_once(|| panic!("told"));
    });
    assert!(found.starts_with("panic in thread 0: told, at "), "{found}");
}

#[test]
fn who_waits_for_a_once_sees_what_it_did() {
    passes(|| {
        let once = Arc::new((Once::new(), AtomicU32::new(0)));
        let other = once.clone();
        let thread = thread::spawn(move || {
            // Relaxed: ordered by the once.
            other.0.call_once(|| other.1.store(1, Ordering::Relaxed));
        });
        once.0.wait();
        // Relaxed: as above.
        assert_eq!(once.1.load(Ordering::Relaxed), 1);
        once.0.wait_force();
        thread.join().unwrap();
    });
}

#[test]
fn who_waits_for_a_value_gets_the_one_that_was_set() {
    passes(|| {
        let value = Arc::new(OnceLock::new());
        let others = [1, 2].map(|_| {
            let value = value.clone();
            thread::spawn(move || *value.wait())
        });
        assert_eq!(value.set(7), Ok(()));
        assert!(others.into_iter().all(|other| other.join().unwrap() == 7));
    });
}

#[test]
fn who_waits_for_what_nobody_makes_is_a_deadlock() {
    let found = finds(|| _ = OnceLock::<u32>::new().wait());
    assert!(found.starts_with("deadlock"), "{found}");
}

#[test]
fn a_wait_ends_with_the_panic_of_the_closure_unless_it_looks_past_that() {
    passes(|| {
        let once = Arc::new(Once::new());
        let [waits, forces] = [once.clone(), once.clone()];
        let waits = thread::spawn(move || waits.wait());
        let forces = thread::spawn(move || forces.wait_force());
        let fails = once.clone();
        let fails = thread::spawn(move || fails.call_once(|| panic!("not made")));
        assert!(fails.join().is_err() && waits.join().is_err());
        once.call_once_force(|_| {});
        forces.join().unwrap();
    });
}

#[test]
fn a_lazy_value_is_looked_at_and_changed_by_who_owns_it() {
    passes(|| {
        let mut lazy = LazyLock::new(|| 6);
        assert_eq!(LazyLock::get(&lazy), None);
        assert_eq!(LazyLock::get_mut(&mut lazy), None);
        *lazy += 1;
        *LazyLock::force_mut(&mut lazy) *= 6;
        assert_eq!(LazyLock::get(&lazy), Some(&42));
    });
}
