//! Operations that change nothing: failed attempts and looks commute, order nothing, and are held where they repeat.

use std::sync::Arc;

use norace_explore::cell::RaceCell;
use norace_explore::probe::{Effect, Holders, Kind, Monitor, Site};
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::sync::{Mutex, RwLock};
use norace_explore::{Finding, Mode, Report, thread};

use crate::counts::{ends, exhaust};

struct Store;

impl Kind for Store {
    const WORD: &'static str = "store";
    type Holds = u32;
}

/// A number of things behind a lock, from which who comes takes one, if there is one.
struct Stock {
    monitor: Monitor<Store>,
    count: Mutex<u32>,
}

impl Stock {
    fn new(count: u32) -> Arc<Self> {
        Arc::new(Self { monitor: Monitor::new(), count: Mutex::new(count) })
    }

    #[track_caller]
    fn put(&self) {
        self.monitor.enter("put into", Site::here(), || *self.count.lock().unwrap() += 1);
    }

    /// Takes one; where there is none, that is `empty`.
    #[track_caller]
    fn take(&self, empty: Effect) -> bool {
        self.monitor.attempt("take from", Site::here(), || {
            let mut count = self.count.lock().unwrap();
            let some = *count > 0;
            *count -= u32::from(some);
            (if some { Effect::Changed } else { empty }, some)
        })
    }

    #[track_caller]
    fn len(&self) -> u32 {
        self.monitor
            .attempt("look at", Site::here(), || (Effect::Nothing, *self.count.lock().unwrap()))
    }
}

/// Runs `body` in each of three threads.
fn three(body: impl Fn() + Clone + Send + 'static) {
    let threads = [(); 3].map(|()| thread::spawn(body.clone()));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[track_caller]
fn once(model: &dyn Fn()) {
    for mode in [Mode::Sc, Mode::Rc11] {
        let report = exhaust(mode, model);
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
        assert_eq!((report.executions, report.redundant), (1, 0), "{mode:?}");
    }
}

#[test]
fn what_changes_nothing_commutes() {
    once(&|| {
        let stock = Stock::new(0);
        three(move || assert!(stock.len() == 0 && !stock.take(Effect::Nothing)));
    });
    once(&|| {
        let lock = Arc::new(Mutex::new(()));
        let guard = lock.lock().unwrap();
        let other = lock.clone();
        three(move || assert!(other.try_lock().is_err() && other.try_lock().is_err()));
        drop(guard);
    });
    once(&|| {
        let lock = Arc::new(RwLock::new(()));
        let guard = lock.write().unwrap();
        let other = lock.clone();
        three(move || assert!(other.try_write().is_err() && other.try_read().is_err()));
        drop(guard);
    });
}

#[test]
fn looks_meet_every_change_in_both_orders() {
    let report = exhaust(Mode::Sc, &|| {
        let stock = Stock::new(0);
        let other = stock.clone();
        let thread = thread::spawn(move || {
            other.put();
            other.take(Effect::Nothing);
        });
        let seen = [(); 2].map(|()| stock.len());
        assert!(seen[0] < 2 && seen[1] < 2);
        thread.join().unwrap();
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    // Where among the two changes two looks stand.
    assert_eq!((report.executions, report.redundant), (6, 0));
}

#[test]
fn attempts_are_as_many_executions_as_they_have_outcomes() {
    // One of three gets it, and who comes too late is no different from another who does.
    let report = exhaust(Mode::Sc, &|| {
        let stock = Stock::new(1);
        three(move || _ = stock.take(Effect::Nothing));
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!(report.executions, 3);
}

#[test]
fn who_polls_what_others_change_gets_to_see_it() {
    ends(&|| {
        let stock = Stock::new(0);
        let other = stock.clone();
        let thread = thread::spawn(move || other.put());
        while !stock.take(Effect::Nothing) {
            thread::yield_now();
        }
        thread.join().unwrap();
    });
    ends(&|| {
        let stock = Stock::new(0);
        let other = stock.clone();
        let thread = thread::spawn(move || other.put());
        while stock.len() == 0 {}
        thread.join().unwrap();
    });
    ends(&|| {
        let lock = Arc::new(Mutex::new(0));
        let other = lock.clone();
        let add = |lock: &Mutex<u32>| loop {
            if let Ok(mut value) = lock.try_lock() {
                *value += 1;
                break;
            }
            thread::yield_now();
        };
        let thread = thread::spawn(move || add(&other));
        add(&lock);
        thread.join().unwrap();
    });
    ends(&|| {
        let lock = Arc::new(RwLock::new(0));
        let other = lock.clone();
        let thread = thread::spawn(move || {
            while other.try_write().map(|mut value| *value += 1).is_err() {
                thread::yield_now();
            }
        });
        while lock.try_read().is_err() {
            thread::yield_now();
        }
        thread.join().unwrap();
    });
}

#[test]
fn a_poll_of_two_objects_goes_on_with_news_of_either() {
    ends(&|| {
        let (stock, word) = (Stock::new(0), Arc::new(AtomicU32::new(0)));
        let (other, flag) = (stock.clone(), word.clone());
        let threads = [
            thread::spawn(move || other.put()),
            thread::spawn(move || flag.store(1, Ordering::Release)),
        ];
        while !(word.load(Ordering::Acquire) == 1 && stock.len() == 1) {
            stock.len();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn what_nobody_changes_is_polled_for_ever() {
    let report = exhaust(Mode::Sc, &|| {
        let stock = Stock::new(0);
        while !stock.take(Effect::Nothing) {}
    });
    let Finding::Livelock { blocked } = &report.findings[0].finding else { panic!("{report:?}") };
    assert_eq!(blocked[0].operation, norace_explore::Kind::Look);
}

/// Whether what one thread does before it changes the stock is ordered before what another does after `look`.
fn orders(mode: Mode, look: fn(&Stock) -> bool) -> bool {
    let report: Report = exhaust(mode, &|| {
        let shared = Arc::new((Stock::new(0), RaceCell::new(0)));
        let other = shared.clone();
        let thread = thread::spawn(move || {
            other.1.set(1);
            other.0.put();
            other.0.take(Effect::Nothing);
        });
        if look(&shared.0) {
            shared.1.get();
        }
        thread.join().unwrap();
    });
    assert!(report.findings.iter().all(|one| matches!(one.finding, Finding::DataRace { .. })));
    report.findings.is_empty()
}

#[test]
fn a_look_learns_what_it_says() {
    for mode in [Mode::Sc, Mode::Rc11] {
        assert!(orders(mode, |stock| stock.take(Effect::Nothing)));
        assert!(!orders(mode, |stock| stock.len() == 1));
        assert!(!orders(mode, |stock| {
            let full = stock.len() == 1;
            full && !stock.take(Effect::Nothing)
        }));
        assert!(orders(mode, |stock| {
            let full = stock.len() == 1;
            if full {
                stock.take(Effect::Learned);
            }
            full
        }));
    }
}

#[test]
fn a_look_is_not_seen_by_who_changes_something_later() {
    let report = exhaust(Mode::Rc11, &|| {
        let shared = Arc::new((Stock::new(0), RaceCell::new(0)));
        let other = shared.clone();
        let thread = thread::spawn(move || {
            other.1.set(1);
            other.0.len();
        });
        shared.0.put();
        shared.1.set(2);
        thread.join().unwrap();
    });
    assert!(matches!(report.findings[0].finding, Finding::DataRace { .. }));
}

/// A stock that some share, with a cell for each, and the last of them closes.
struct Shared {
    stock: Arc<Stock>,
    holders: Holders,
    left: Mutex<usize>,
    cells: [RaceCell<u32>; 3],
}

impl Shared {
    fn new(holders: usize) -> Arc<Self> {
        let (stock, cells) = (Stock::new(0), [0; 3].map(RaceCell::new));
        let shared = Self { stock, holders: Holders::new(), left: Mutex::new(holders), cells };
        (1..holders).for_each(|_| shared.holders.add());
        Arc::new(shared)
    }

    /// Whether it was the last.
    #[track_caller]
    fn let_go(&self) -> bool {
        self.stock.monitor.let_go(&self.holders, "let go of", Site::here(), || {
            let mut left = self.left.lock().unwrap();
            *left -= 1;
            *left == 0
        })
    }
}

#[test]
fn who_is_not_the_last_to_let_go_meets_nobody() {
    once(&|| {
        let shared = Shared::new(4);
        let other = shared.clone();
        three(move || {
            assert!(!other.let_go());
        });
        assert!(shared.let_go());
    });
    let report = exhaust(Mode::Sc, &|| {
        let shared = Shared::new(2);
        let other = shared.clone();
        let thread = thread::spawn(move || other.let_go());
        (0..3).for_each(|_| shared.stock.put());
        assert!(!thread.join().unwrap());
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!((report.executions, report.redundant), (1, 0));
}

#[test]
fn everybody_may_be_the_last_to_let_go_and_has_seen_the_others() {
    let last = std::sync::Mutex::new(std::collections::BTreeSet::new());
    for mode in [Mode::Sc, Mode::Rc11] {
        let report = exhaust(mode, &|| {
            let shared = Shared::new(3);
            let threads = [0, 1, 2].map(|index| {
                let shared = shared.clone();
                thread::spawn(move || {
                    shared.cells[index].set(1);
                    let last = shared.let_go();
                    if last {
                        assert!(shared.cells.iter().all(|cell| cell.get() == 1));
                    }
                    last
                })
            });
            let lasts = threads.map(|thread| thread.join().unwrap());
            last.lock().unwrap().insert(lasts);
        });
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
        assert_eq!(report.executions, 3, "{mode:?}");
        assert_eq!(std::mem::take(&mut *last.lock().unwrap()).len(), 3);
    }
}

#[test]
fn who_holds_a_side_alone_lets_go_of_it_in_the_step_that_closes() {
    let report = exhaust(Mode::Sc, &|| assert!(Shared::new(1).let_go()));
    let steps = exhaust(Mode::Sc, &|| Stock::new(0).put()).steps;
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!(report.steps, steps);
}
