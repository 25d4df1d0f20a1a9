//! Threads that unwind while others run.

use std::sync::Arc;
use std::sync::atomic::AtomicU32 as Count;

use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::{Config, Explorer, Mode, Strategy, thread};

use crate::counts::exhaust;

/// Others can run in between while it is dropped.
struct Steps(AtomicU32);

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.store(1, Ordering::Relaxed);
        self.0.store(2, Ordering::Relaxed);
    }
}

/// Takes a lock, and gives it up.
fn lock_and_unlock(lock: &Mutex<()>) {
    let guard = lock.lock().unwrap();
    assert!(!thread::panicking());
    drop(guard);
    assert!(!thread::panicking());
}

#[test]
fn who_runs_while_another_unwinds_does_not_unwind() {
    let report = exhaust(Mode::Sc, &|| {
        let locks = Arc::new([(); 2].map(|()| Mutex::new(())));
        let [own, other] = [(); 2].map(|()| Arc::clone(&locks));
        let panics = thread::spawn(move || {
            let _steps = Steps(AtomicU32::new(0));
            let _guard = own[0].lock().unwrap();
            panic!("while it holds a lock");
        });
        let locks_other = thread::spawn(move || lock_and_unlock(&other[1]));
        assert!(panics.join().is_err());
        locks_other.join().unwrap();
        assert_eq!([0, 1].map(|at: usize| locks[at].is_poisoned()), [true, false]);
    });
    let found = report.findings.first().map(|found| found.finding.to_string());
    assert_eq!(found, None);
}

#[test]
fn who_waits_for_ever_while_another_unwinds_does_not_go_on_at_the_end() {
    struct Parks;
    impl Drop for Parks {
        fn drop(&mut self) {
            thread::park();
        }
    }
    let went_on = Arc::new(Count::new(0));
    let report = exhaust(Mode::Sc, &|| {
        let went_on = Arc::clone(&went_on);
        thread::spawn(|| {
            let _parks = Parks;
            panic!("before it parks");
        });
        thread::spawn(move || {
            thread::park();
            went_on.fetch_add(1, Ordering::Relaxed);
        });
    });
    let kinds: Vec<_> = report.findings.iter().map(|found| found.finding.kind()).collect();
    assert_eq!(kinds, ["leak"]);
    assert_eq!(went_on.load(Ordering::Relaxed), 0);
}

#[test]
fn who_is_given_up_while_it_unwinds_is_nothing_to_later_executions() {
    struct Waits(AtomicU32);
    impl Drop for Waits {
        fn drop(&mut self) {
            while self.0.load(Ordering::Relaxed) == 0 {}
        }
    }
    let waits = || {
        thread::spawn(|| {
            let _waits = Waits(AtomicU32::new(0));
            panic!("before it waits");
        });
    };
    let locks = || {
        let lock = Arc::new(Mutex::new(()));
        let other = Arc::clone(&lock);
        let thread = thread::spawn(move || lock_and_unlock(&other));
        lock_and_unlock(&lock);
        thread.join().unwrap();
        assert!(!lock.is_poisoned());
    };
    // To `std` this thread unwinds from then on.
    let here = std::thread::spawn(move || {
        let mut explorer = Explorer::new(Config { mode: Mode::Sc, ..Config::default() });
        let report = explorer.explore(Strategy::Bounded { preemptions: 0 }, &waits);
        let first = report.findings[0].finding.kind();
        let report = explorer.explore(Strategy::Exhaustive, &locks);
        (first, report.findings.first().map(|found| found.finding.to_string()))
    });
    assert_eq!(here.join().unwrap(), ("livelock", None));
}
