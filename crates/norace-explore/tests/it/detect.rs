//! What is found, and what is not called a defect.

use std::sync::Arc;
use std::time::Duration;

use norace_explore::cell::UnsafeCell;
use norace_explore::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use norace_explore::sync::{Condvar, Mutex, RwLock};
use norace_explore::{
    Completeness, Config, Explorer, Finding, Kind, Mode, Report, Strategy, ThreadId, Unordered,
    thread,
};

use crate::counts::exhaust;

/// Plain data that threads share without asking.
struct Shared(UnsafeCell<u32>);

#[expect(unsafe_code, reason = "racy on purpose: the explorer runs all threads on one OS thread")]
// SAFETY: only ever used inside models.
unsafe impl Sync for Shared {}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self(UnsafeCell::new(0)))
    }

    #[track_caller]
    fn set(&self, value: u32) {
        #[expect(unsafe_code, reason = "as above")]
        // SAFETY: no reference to the value is made anywhere.
        self.0.with_mut(|at| unsafe { at.write(value) });
    }

    #[track_caller]
    fn get(&self) -> u32 {
        #[expect(unsafe_code, reason = "as above")]
        // SAFETY: as above.
        self.0.with(|at| unsafe { at.read() })
    }
}

#[track_caller]
fn clean(model: &dyn Fn()) -> Report {
    let report = exhaust(Mode::Rc11, model);
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    report
}

#[track_caller]
fn finding(model: &dyn Fn()) -> Finding {
    let report = Explorer::new(Config::default()).explore(Strategy::Exhaustive, model);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    report.findings.into_iter().next().unwrap().finding
}

/// Publishes a value through a flag with these orderings.
fn publish(store: Ordering, load: Ordering, fences: Option<(Ordering, Ordering)>) {
    let shared = Arc::new((Shared::new(), AtomicBool::new(false)));
    let writer = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        writer.0.set(42);
        if let Some((release, _)) = fences {
            fence(release);
        }
        writer.1.store(true, store);
    });
    if shared.1.load(load) {
        if let Some((_, acquire)) = fences {
            fence(acquire);
        }
        assert_eq!(shared.0.get(), 42);
    }
    thread.join().unwrap();
}

#[test]
fn publication_is_ordered_by_release_and_acquire() {
    use Ordering::{Acquire, Relaxed, Release, SeqCst};
    clean(&|| publish(Release, Acquire, None));
    clean(&|| publish(SeqCst, SeqCst, None));
    clean(&|| publish(Relaxed, Relaxed, Some((Release, Acquire))));
    clean(&|| publish(Release, Relaxed, Some((Release, Acquire))));
}

#[test]
fn a_relaxed_publication_is_a_race_with_a_reason() {
    use Ordering::{Acquire, Relaxed, Release};
    for (store, load) in [(Relaxed, Acquire), (Release, Relaxed), (Relaxed, Relaxed)] {
        let Finding::DataRace { first, second, why, .. } = finding(&|| publish(store, load, None))
        else {
            panic!("no race with {store:?} and {load:?}");
        };
        assert!(first.write && !second.write);
        assert_eq!((first.thread.id.index(), second.thread.id.index()), (1, 0));
        assert!(first.thread.spawned_at.unwrap().file().ends_with("detect.rs"));
        let Unordered::Unsynchronised { store: at_store, load: at_load } = why else {
            panic!("{why:?}");
        };
        assert_eq!((at_store.1, at_load.1), (store, load));
    }
}

#[test]
fn a_relaxed_publication_is_a_race_under_interleaving_semantics_too() {
    let report = exhaust(Mode::Sc, &|| publish(Ordering::Relaxed, Ordering::Relaxed, None));
    assert!(matches!(report.findings[0].finding, Finding::DataRace { .. }));
}

#[test]
fn unordered_accesses_race_unless_both_read() {
    let race = |writes: [bool; 2]| {
        exhaust(Mode::Rc11, &|| {
            let shared = Shared::new();
            let other = Arc::clone(&shared);
            let act = |shared: &Shared, write| {
                if write {
                    shared.set(1);
                } else {
                    shared.get();
                }
            };
            let thread = thread::spawn(move || act(&other, writes[0]));
            act(&shared, writes[1]);
            thread.join().unwrap();
        })
    };
    assert!(race([false, false]).findings.is_empty());
    for writes in [[true, false], [false, true], [true, true]] {
        let report = race(writes);
        let Finding::DataRace { why, .. } = &report.findings[0].finding else {
            panic!("{report:?}")
        };
        assert_eq!(*why, Unordered::Nothing);
    }
}

#[test]
fn spawn_join_locks_and_park_order_accesses() {
    clean(&|| {
        let shared = Shared::new();
        shared.set(1);
        let other = Arc::clone(&shared);
        thread::spawn(move || other.set(2)).join().unwrap();
        assert_eq!(shared.get(), 2);
    });
    clean(&|| {
        let shared = Arc::new((Mutex::new(()), Shared::new()));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let _guard = other.0.lock().unwrap();
            other.1.set(1);
        });
        let guard = shared.0.lock().unwrap();
        shared.1.set(2);
        drop(guard);
        thread.join().unwrap();
    });
    clean(&|| {
        let shared = Shared::new();
        let other = Arc::clone(&shared);
        let main = thread::current();
        thread::spawn(move || {
            other.set(1);
            main.unpark();
        });
        thread::park();
        assert_eq!(shared.get(), 1);
    });
    clean(&|| {
        let shared = Arc::new((RwLock::new(()), Shared::new()));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let _guard = shared.0.read().unwrap();
                    shared.1.get();
                })
            })
            .collect();
        let guard = shared.0.write().unwrap();
        shared.1.set(1);
        drop(guard);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn locking_twice_is_a_deadlock_of_one() {
    let Finding::Deadlock { blocked, cycle } = finding(&|| {
        let lock = Mutex::new(());
        let _one = lock.lock().unwrap();
        let _two = lock.lock().unwrap();
    }) else {
        panic!("no deadlock");
    };
    assert_eq!((cycle.len(), blocked.len(), blocked[0].operation), (1, 1, Kind::Lock));
}

#[test]
fn a_second_read_behind_a_waiting_writer_is_a_deadlock() {
    let found = finding(&|| {
        let lock = Arc::new(RwLock::new(()));
        let writer = Arc::clone(&lock);
        let thread = thread::spawn(move || drop(writer.write().unwrap()));
        let one = lock.read().unwrap();
        drop(lock.read().unwrap());
        drop(one);
        thread.join().unwrap();
    });
    assert!(matches!(&found, Finding::Deadlock { blocked, .. } if blocked.len() == 2), "{found}");
}

/// The circle where one thread reads twice and another writes, while others read, and who holds what the two wait for.
fn read_behind_a_writer(others: usize) -> (Vec<u16>, Vec<Vec<usize>>) {
    let config = Config { mode: Mode::Sc, ..Config::default() };
    let found = Explorer::new(config).explore(Strategy::Exhaustive, &|| {
        let lock = Arc::new(RwLock::new(()));
        let of = Arc::clone(&lock);
        let reader = thread::spawn(move || {
            let _one = of.read().unwrap();
            drop(of.read().unwrap());
        });
        let of = Arc::clone(&lock);
        thread::spawn(move || drop(of.write().unwrap()));
        for _ in 0..others {
            let of = Arc::clone(&lock);
            thread::spawn(move || {
                let _one = of.read().unwrap();
                thread::sleep(Duration::from_secs(1));
            });
        }
        drop(reader);
    });
    let Finding::Deadlock { cycle, blocked } = &found.findings[0].finding else {
        panic!("{found:?}")
    };
    let indices = |threads: &[ThreadId]| threads.iter().map(|thread| thread.index()).collect();
    let held = blocked.iter().map(|one| indices(&one.held_by)).collect();
    (cycle.iter().map(|thread| thread.index() as u16).collect(), held)
}

#[test]
fn a_reader_and_a_writer_that_keep_each_other_out_are_told_at_once() {
    let (mut cycle, held) = read_behind_a_writer(0);
    cycle.sort_unstable();
    assert_eq!((cycle, held), (vec![1, 2], vec![vec![1], vec![1]]));
    // Whoever else reads, and whatever that one waits for.
    let (mut cycle, held) = read_behind_a_writer(1);
    cycle.sort_unstable();
    assert_eq!((cycle, held.len()), (vec![1, 2], 2));
}

#[test]
fn a_lock_asked_for_by_who_has_it_is_told_at_once() {
    let found = |model: &dyn Fn(&RwLock<()>)| {
        let found = finding(&|| {
            // Somebody who goes on for ever must not keep it from being told.
            thread::spawn(|| {
                loop {
                    thread::sleep(Duration::from_secs(1));
                }
            });
            model(&RwLock::new(()));
        });
        let Finding::Deadlock { cycle, blocked } = found else { panic!("{found}") };
        (cycle.len(), blocked.len(), blocked[0].operation)
    };
    let write_write = |lock: &RwLock<()>| {
        let _one = lock.write().unwrap();
        drop(lock.write().unwrap());
    };
    assert_eq!(found(&write_write), (1, 1, Kind::Write));
    let read_write = |lock: &RwLock<()>| {
        let _one = lock.read().unwrap();
        drop(lock.write().unwrap());
    };
    assert_eq!(found(&read_write), (1, 1, Kind::Write));
    let write_read = |lock: &RwLock<()>| {
        let _one = lock.write().unwrap();
        drop(lock.read().unwrap());
    };
    assert_eq!(found(&write_read), (1, 1, Kind::Read));
}

#[test]
fn readers_and_writers_that_only_wait_their_turn_are_no_circle() {
    clean(&|| {
        let lock = Arc::new((RwLock::new(()), Mutex::new(())));
        let threads: Vec<_> = (0..2)
            .map(|at| {
                let lock = Arc::clone(&lock);
                thread::spawn(move || {
                    let _mutex = (at == 0).then(|| lock.1.lock().unwrap());
                    let _one = lock.0.read().unwrap();
                })
            })
            .collect();
        drop(lock.0.write().unwrap());
        drop(lock.1.lock().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

fn wait_and_notify(check: bool) {
    let shared = Arc::new((Mutex::new(false), Condvar::new()));
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        *other.0.lock().unwrap() = true;
        other.1.notify_one();
    });
    let mut ready = shared.0.lock().unwrap();
    if check {
        while !*ready {
            ready = shared.1.wait(ready).unwrap();
        }
    } else {
        ready = shared.1.wait(ready).unwrap();
    }
    assert!(*ready);
    drop(ready);
    thread.join().unwrap();
}

#[test]
fn a_notification_before_the_wait_is_lost() {
    clean(&|| wait_and_notify(true));
    let found = finding(&|| wait_and_notify(false));
    assert!(
        matches!(&found, Finding::Deadlock { blocked, .. } if blocked[0].operation == Kind::Wake)
    );
}

#[test]
fn notify_one_wakes_any_one() {
    let woken = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let report = exhaust(Mode::Sc, &|| {
        let shared = Arc::new((Mutex::new((0, None)), Condvar::new(), Condvar::new()));
        let threads: Vec<_> = (0..2)
            .map(|index| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let mut state = shared.0.lock().unwrap();
                    state.0 += 1;
                    shared.2.notify_one();
                    let mut state = shared.1.wait(state).unwrap();
                    state.1.get_or_insert(index);
                })
            })
            .collect();
        let both = shared.0.lock().unwrap();
        drop(shared.2.wait_while(both, |state| state.0 < 2).unwrap());
        shared.1.notify_one();
        shared.1.notify_one();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        woken.lock().unwrap().insert(shared.0.lock().unwrap().1);
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!(woken.into_inner().unwrap().into_iter().collect::<Vec<_>>(), [Some(0), Some(1)]);
}

#[test]
fn a_thread_left_waiting_is_a_leak() {
    let found = finding(&|| {
        thread::spawn(thread::park);
    });
    let Finding::Leak { blocked } = found else { panic!("{found}") };
    assert_eq!(blocked[0].operation, Kind::Park);
    assert!(blocked[0].thread.spawned_at.is_some());
}

#[test]
fn panics_count_unless_they_are_joined() {
    clean(&|| {
        assert!(thread::spawn(|| std::panic::resume_unwind(Box::new("boom"))).join().is_err())
    });
    let found = finding(&|| drop(thread::spawn(|| std::panic::resume_unwind(Box::new("boom")))));
    assert!(
        matches!(&found, Finding::Panic { message, thread, .. } if message == "boom" && thread.id.index() == 1)
    );
    let found = finding(&|| std::panic::resume_unwind(Box::new("bang")));
    assert!(
        matches!(&found, Finding::Panic { message, thread, .. } if message == "bang" && thread.id.index() == 0)
    );
}

#[test]
fn a_spinning_reader_needs_no_annotation() {
    for mode in [Mode::Sc, Mode::Rc11] {
        let report = exhaust(mode, &|| {
            let shared = Arc::new((Shared::new(), AtomicBool::new(false)));
            let writer = Arc::clone(&shared);
            let thread = thread::spawn(move || {
                writer.0.set(1);
                writer.1.store(true, Ordering::Release);
            });
            while !shared.1.load(Ordering::Acquire) {
                thread::yield_now();
            }
            assert_eq!(shared.0.get(), 1);
            thread.join().unwrap();
        });
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
        assert_eq!(report.completeness, Completeness::UpToSpinning);
        assert!(report.executions < 10, "{report:?}");
    }
}

#[test]
fn a_look_before_a_loop_does_not_keep_it_going() {
    // Main goes on as long as it can.
    let config = Config { steps_max: 500, ..Config::default() };
    let report = Explorer::new(config).explore(Strategy::Bounded { preemptions: 0 }, &|| {
        let flags = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let setters = [0, 1].map(|at| {
            let flags = Arc::clone(&flags);
            thread::spawn(move || flags[at].store(true, Ordering::Release))
        });
        for flag in flags.iter() {
            let mut set = flag.load(Ordering::Acquire);
            while !set {
                thread::yield_now();
                set = flag.load(Ordering::Acquire);
            }
        }
        for setter in setters {
            setter.join().unwrap();
        }
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
}

#[test]
fn a_spin_lock_by_compare_exchange_excludes() {
    let report = clean(&|| {
        let shared = Arc::new((Shared::new(), AtomicBool::new(false)));
        let work = |shared: &(Arc<Shared>, AtomicBool)| {
            while shared
                .1
                .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
            {
                thread::spin_loop();
            }
            shared.0.set(shared.0.get() + 1);
            shared.1.store(false, Ordering::Release);
        };
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || work(&other));
        work(&shared);
        thread.join().unwrap();
        assert_eq!(shared.0.get(), 2);
    });
    assert_eq!(report.blocked, 0);
}

#[test]
fn a_spin_lock_by_swap_excludes_although_every_attempt_stores() {
    for (mode, threads) in [(Mode::Sc, 2), (Mode::Sc, 3), (Mode::Rc11, 2)] {
        let report = exhaust(mode, &|| {
            let shared = Arc::new((Shared::new(), AtomicBool::new(false)));
            let handles: Vec<_> = (0..threads)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || {
                        while shared.1.swap(true, Ordering::Acquire) {
                            thread::spin_loop();
                        }
                        shared.0.set(shared.0.get() + 1);
                        shared.1.store(false, Ordering::Release);
                    })
                })
                .collect();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
            assert_eq!(shared.0.get(), threads);
        });
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
        assert_eq!(report.completeness, Completeness::UpToSpinning);
    }
}

#[test]
fn waiting_for_a_flag_that_nobody_sets_is_a_livelock() {
    let found = finding(&|| {
        let flag = AtomicBool::new(false);
        while !flag.load(Ordering::Acquire) {
            thread::spin_loop();
        }
    });
    assert!(matches!(found, Finding::Livelock { .. }), "{found}");
}

#[test]
fn a_bounded_loop_of_equal_loads_is_no_livelock() {
    clean(&|| {
        let flag = AtomicBool::new(false);
        assert!((0..50).all(|_| !flag.load(Ordering::Relaxed)));
    });
}

#[test]
fn an_endless_execution_is_given_up() {
    let config = Config { steps_max: 500, ..Config::default() };
    let report = Explorer::new(config).explore(Strategy::Exhaustive, &|| {
        let count = AtomicU32::new(0);
        loop {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert!(matches!(report.findings[0].finding, Finding::TooLong { steps_max: 500 }));
    assert_eq!(report.completeness, Completeness::Incomplete);
}

#[test]
fn a_weak_compare_exchange_may_fail_spuriously() {
    let found = finding(&|| {
        let value = AtomicU32::new(0);
        let set = value.compare_exchange_weak(0, 1, Ordering::SeqCst, Ordering::SeqCst);
        if set.is_err() {
            std::panic::resume_unwind(Box::new("spurious"));
        }
    });
    assert!(matches!(found, Finding::Panic { message, .. } if message == "spurious"));
}

#[test]
fn a_time_limit_meets_the_notification_both_ways() {
    let outcomes = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let report = exhaust(Mode::Sc, &|| {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            *other.0.lock().unwrap() = true;
            other.1.notify_one();
        });
        let ready = shared.0.lock().unwrap();
        let before = *ready;
        let (ready, result) = shared.1.wait_timeout(ready, Duration::from_secs(1)).unwrap();
        outcomes.lock().unwrap().insert((before, *ready, result.timed_out()));
        drop(ready);
        thread.join().unwrap();
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    let outcomes: Vec<_> = outcomes.into_inner().unwrap().into_iter().collect();
    // (set before the wait, set after it, timed out)
    let possible = [
        (false, false, true),
        (false, true, false),
        (false, true, true),
        (true, true, false),
        (true, true, true),
    ];
    assert_eq!(outcomes, possible);
}

#[test]
fn a_park_with_a_time_limit_ends_both_ways() {
    let elapsed = std::sync::Mutex::new(std::collections::BTreeSet::new());
    exhaust(Mode::Sc, &|| {
        let main = thread::current();
        let thread = thread::spawn(move || main.unpark());
        let start = norace_explore::time::Instant::now();
        thread::park_timeout(Duration::from_millis(5));
        elapsed.lock().unwrap().insert(start.elapsed());
        thread.join().unwrap();
    });
    let elapsed: Vec<_> = elapsed.into_inner().unwrap().into_iter().collect();
    assert_eq!(elapsed, [Duration::ZERO, Duration::from_millis(5)]);
}

#[test]
fn sleeping_orders_nothing() {
    let orders = std::sync::Mutex::new(std::collections::BTreeSet::new());
    exhaust(Mode::Sc, &|| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let threads: Vec<_> = [20, 10]
            .into_iter()
            .map(|millis| {
                let log = Arc::clone(&log);
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(millis));
                    log.lock().unwrap().push(millis);
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        orders.lock().unwrap().insert(log.lock().unwrap().clone());
    });
    assert_eq!(orders.into_inner().unwrap().len(), 2);
}
