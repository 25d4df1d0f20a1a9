//! What libraries tell the explorer: monitors, waits, alarms, choices, tracked values.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use norace_explore::cell::RaceCell;
use norace_explore::probe::{self, Alarm, Kind, Monitor, Site, Tracked};
use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::time::Instant;
use norace_explore::{Config, Explorer, Finding, Level, Misuse, Mode, Report, Strategy, thread};

use crate::counts::exhaust;

struct Counter;

impl Kind for Counter {
    const WORD: &'static str = "counter";
    type Holds = u32;
}

/// A number behind a lock, each of whose operations is a critical section.
struct Guarded {
    monitor: Monitor<Counter>,
    value: Mutex<u32>,
}

impl Guarded {
    fn new() -> Arc<Self> {
        Arc::new(Self { monitor: Monitor::new(), value: Mutex::new(0) })
    }

    #[track_caller]
    fn add(&self) -> u32 {
        self.monitor.enter("count with", Site::here(), || {
            let mut value = self.value.lock().unwrap();
            *value += 1;
            *value
        })
    }
}

fn adders() {
    let shared = Guarded::new();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.add();
                shared.add();
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(shared.add(), 5);
}

fn at(level: Level, model: &dyn Fn()) -> Report {
    let config = Config { level, stop_at_first: false, ..Config::default() };
    Explorer::new(config).explore(Strategy::Exhaustive, model)
}

#[test]
fn a_section_is_one_step_for_applications_and_many_for_the_library() {
    let [app, rt] = [Level::App, Level::Rt].map(|level| at(level, &adders));
    for report in [&app, &rt] {
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
        assert_eq!(report.executions, 6);
    }
    assert!(app.steps * 3 < rt.steps * 2, "{} and {}", app.steps, rt.steps);
}

#[test]
fn sections_order_what_is_around_them() {
    let report = exhaust(Mode::Rc11, &|| {
        let shared = Arc::new((Guarded::new(), RaceCell::new(0)));
        let other = shared.clone();
        let thread = thread::spawn(move || {
            other.1.set(1);
            other.0.add();
        });
        if shared.0.add() == 2 {
            assert_eq!(shared.1.get(), 1);
        }
        thread.join().unwrap();
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!(report.executions, 2);
}

#[test]
fn atomics_inside_a_section_are_seen_from_outside() {
    let seen = std::sync::Mutex::new(BTreeSet::new());
    let report = exhaust(Mode::Sc, &|| {
        let shared = Arc::new((Guarded::new(), AtomicU32::new(0)));
        let other = shared.clone();
        let thread = thread::spawn(move || {
            other.0.monitor.enter("count with", Site::here(), || {
                other.1.store(1, Ordering::Relaxed);
                other.1.store(2, Ordering::Relaxed);
            });
        });
        seen.lock().unwrap().insert(shared.1.load(Ordering::Relaxed));
        thread.join().unwrap();
    });
    assert!(report.findings.is_empty());
    assert_eq!(seen.into_inner().unwrap(), BTreeSet::from([0, 2]));
}

#[test]
fn a_section_that_waits_is_refused() {
    let report = exhaust(Mode::Sc, &|| {
        Guarded::new().monitor.enter("count with", Site::here(), thread::park);
    });
    let Finding::Panic { message, .. } = &report.findings[0].finding else { panic!("{report:?}") };
    assert!(message.starts_with("a critical section waits: Park"), "{message}");
}

#[test]
fn who_parks_waits_for_what_the_library_said() {
    let report = exhaust(Mode::Sc, &|| {
        let shared = Guarded::new();
        shared.monitor.waits("forget", Site::here());
        thread::yield_now();
        shared.monitor.waits("count", Site::here());
        thread::park();
    });
    let Finding::Deadlock { blocked, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    let waits: Vec<_> = blocked[0].waits.iter().map(|wait| (wait.what, wait.object.word)).collect();
    assert_eq!(waits, [("forget", "counter"), ("count", "counter")]);
    assert_eq!(blocked[0].waits[0].object.type_name, Some("u32"));
}

#[test]
fn what_a_thread_waited_for_before_it_went_on_is_forgotten() {
    let report = exhaust(Mode::Sc, &|| {
        let shared = Guarded::new();
        shared.monitor.waits("count", Site::here());
        thread::current().unpark();
        thread::park();
        thread::park();
    });
    let Finding::Deadlock { blocked, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    assert!(blocked[0].waits.is_empty());
}

#[test]
fn who_gave_a_wait_up_does_not_wait_for_it() {
    let report = exhaust(Mode::Sc, &|| {
        let (one, two) = (Guarded::new(), Guarded::new());
        one.monitor.waits("count", Site::here());
        two.monitor.waits("fill", Site::here());
        one.monitor.enter("give up", Site::here(), || ());
        thread::park();
    });
    let Finding::Deadlock { blocked, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    let waits: Vec<_> = blocked[0].waits.iter().map(|wait| wait.what).collect();
    assert_eq!(waits, ["fill"]);
}

#[test]
fn misuse_is_a_finding_only_where_it_is_forbidden() {
    let model = || {
        let shared = Guarded::new();
        shared.monitor.misused(Misuse::SecondClose, Site::here());
        shared.monitor.closes(Site::here());
        shared.monitor.misused(Misuse::SecondClose, Site::here());
    };
    assert!(exhaust(Mode::Sc, &model).findings.is_empty());
    for (forbidden, found) in [(Misuse::SecondClose, 1), (Misuse::SendAfterClose, 0)] {
        let config = Config { forbidden: vec![forbidden], ..Config::default() };
        let report = Explorer::new(config).explore(Strategy::Exhaustive, &model);
        assert_eq!(report.findings.len(), found);
        assert!(report.findings.iter().all(|found| found.finding.kind() == "second-close"));
    }
}

#[test]
fn every_choice_is_tried() {
    let chosen = std::sync::Mutex::new(Vec::new());
    let report = exhaust(Mode::Rc11, &|| {
        let pair = (probe::choose(2).unwrap(), probe::choose(3).unwrap());
        chosen.lock().unwrap().push(pair);
    });
    assert_eq!(report.executions, 6);
    let mut chosen = chosen.into_inner().unwrap();
    chosen.sort_unstable();
    assert_eq!(chosen, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    assert_eq!(probe::choose(2), None);
}

#[test]
fn choices_in_threads_multiply_only_by_themselves() {
    let report = exhaust(Mode::Rc11, &|| {
        let thread = thread::spawn(|| probe::choose(3));
        probe::choose(2);
        thread.join().unwrap();
    });
    assert_eq!((report.executions, report.redundant), (6, 0));
}

fn later(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// Sets an alarm and cancels it; whether it went off meanwhile.
fn alarm(cancel: bool) -> bool {
    let fired = Rc::new(Cell::new(false));
    let inner = fired.clone();
    let alarm = Alarm::set(later(1), move || inner.set(true)).ok().unwrap();
    let fence = AtomicU32::new(0);
    fence.store(1, Ordering::SeqCst);
    if cancel {
        drop(alarm);
        assert_eq!(fired.get(), Rc::strong_count(&fired) == 1 && fired.get());
    } else {
        std::mem::forget(alarm);
    }
    fired.get()
}

#[test]
fn an_alarm_goes_off_or_is_cancelled() {
    let ends = std::sync::Mutex::new(BTreeSet::new());
    let report = exhaust(Mode::Sc, &|| {
        ends.lock().unwrap().insert(alarm(true));
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!(ends.into_inner().unwrap(), BTreeSet::from([false, true]));
    assert_eq!((report.executions, report.redundant), (2, 0));
}

/// Whether an alarm that one thread cancels went off, and the time that another saw. Where `again`, a thread that gets
/// the alarm's number sleeps afterwards.
fn times_seen(strategy: Strategy, again: bool) -> BTreeSet<(bool, Duration)> {
    let ends = std::sync::Mutex::new(BTreeSet::new());
    let config = Config { mode: Mode::Sc, ..Config::default() };
    let report = Explorer::new(config).explore(strategy, &|| {
        let fired = Rc::new(Cell::new(false));
        let inner = fired.clone();
        let start = Instant::now();
        let alarm = Alarm::set(later(5), move || inner.set(true)).ok().unwrap();
        let watch = thread::spawn(move || start.elapsed());
        let canceller = thread::spawn(move || {
            drop(alarm);
            if again {
                thread::spawn(|| thread::sleep(Duration::from_secs(1))).join().unwrap();
            }
        });
        let seen = watch.join().unwrap();
        canceller.join().unwrap();
        ends.lock().unwrap().insert((fired.get(), seen));
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    ends.into_inner().unwrap()
}

#[test]
fn a_cancelled_alarm_does_not_sleep_and_neither_does_who_gets_its_number() {
    for again in [false, true] {
        let all = times_seen(Strategy::Bounded { preemptions: 100 }, again);
        assert_eq!(times_seen(Strategy::Exhaustive, again), all);
    }
}

#[test]
fn an_alarm_that_nobody_cancels_goes_off() {
    let fired = Rc::new(Cell::new(0_u64));
    let report = exhaust(Mode::Sc, &|| {
        let fired = fired.clone();
        let act = move || fired.set(fired.get() + 1);
        std::mem::forget(Alarm::set(later(1), act));
    });
    assert_eq!(fired.get(), report.executions);
    assert!(report.findings.is_empty());
}

#[test]
fn cancelled_alarms_take_no_thread() {
    let strategy = Strategy::Bounded { preemptions: 0 };
    let report = Explorer::new(Config::default()).explore(strategy, &|| {
        for _ in 0..100 {
            drop(Alarm::set(later(1), || {}));
        }
    });
    assert_eq!(report.executions, 1);
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
}

#[test]
fn an_alarm_wakes_who_waits_and_time_has_passed() {
    let report = exhaust(Mode::Sc, &|| {
        let start = Instant::now();
        let me = thread::current();
        let alarm = Alarm::set(later(5), move || me.unpark());
        thread::park();
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        drop(alarm);
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
}

#[test]
fn time_passes_early_so_often_and_no_more() {
    let most = std::sync::atomic::AtomicUsize::new(0);
    let config = Config { mode: Mode::Sc, early_fires_max: 3, ..Config::default() };
    let report = Explorer::new(config).explore(Strategy::Exhaustive, &|| {
        let flag = Arc::new(AtomicU32::new(0));
        let (set, main) = (flag.clone(), thread::current());
        let other = thread::spawn(move || {
            set.store(1, Ordering::SeqCst);
            main.unpark();
        });
        let mut waits = 0;
        while flag.load(Ordering::SeqCst) == 0 {
            thread::park_timeout(Duration::from_millis(1));
            waits += 1;
        }
        most.fetch_max(waits, Ordering::Relaxed);
        other.join().unwrap();
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    // Once more when it has to wait for the wake-up.
    assert_eq!(most.into_inner(), 4);
}

#[test]
fn threads_that_wait_while_only_timers_go_on_are_given_up() {
    let blocked_names = |main_waits: bool| {
        let config = Config { idle_fires_max: 5, ..Config::default() };
        let strategy = Strategy::Random { seed: 1, executions: 1 };
        let report = Explorer::new(config).explore(strategy, &|| {
            thread::spawn(|| {
                loop {
                    thread::sleep(Duration::from_secs(1));
                }
            });
            thread::Builder::new().name("stuck".into()).spawn(thread::park).unwrap();
            if main_waits {
                thread::park();
            }
        });
        let finding = report.findings[0].finding.clone();
        let (Finding::Leak { blocked } | Finding::Deadlock { blocked, .. }) = &finding else {
            panic!("{finding}")
        };
        let names: Vec<_> = blocked.iter().map(|one| one.thread.name.clone()).collect();
        (finding.kind(), names)
    };
    assert_eq!(blocked_names(false), ("leak", vec![Some("stuck".to_owned())]));
    assert_eq!(blocked_names(true), ("deadlock", vec![None, Some("stuck".to_owned())]));
}

#[test]
fn timers_that_go_on_for_ever_end_with_the_main_thread() {
    let config = Config { idle_fires_max: 5, ..Config::default() };
    let strategy = Strategy::Random { seed: 1, executions: 3 };
    let report = Explorer::new(config).explore(strategy, &|| {
        thread::spawn(|| {
            loop {
                thread::sleep(Duration::from_secs(1));
            }
        });
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    assert_eq!(report.executions, 3);
}

#[test]
fn a_tracked_value_that_is_forgotten_is_found() {
    let report = exhaust(Mode::Sc, &|| drop(Tracked::new(7_u8)));
    assert!(report.findings.is_empty());
    let report = exhaust(Mode::Sc, &|| {
        let thread = thread::spawn(|| std::mem::forget(Tracked::new(7_u8)));
        thread.join().unwrap();
    });
    let Finding::LeakedValue { type_name, thread, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    assert_eq!((*type_name, thread.id.index()), ("u8", 1));
    assert_eq!(*Tracked::new(7), 7);
}

#[test]
fn a_race_cell_shows_its_name_and_both_values() {
    let model = || {
        let cell = Arc::new(RaceCell::named("balance", 5_u64));
        let other = cell.clone();
        let thread = thread::spawn(move || other.set(9));
        cell.get();
        thread.join().unwrap();
    };
    let config = Config { detail: true, ..Config::default() };
    let mut shown = Vec::new();
    let report = Explorer::new(config).explore_with(Strategy::Exhaustive, &model, &mut |run| {
        for finding in run.findings() {
            let Finding::DataRace { object, first, second, .. } = finding else { panic!() };
            assert_eq!((object.name, object.type_name), (Some("balance"), Some("u64")));
            for access in [first, second] {
                let stack = run.stack(access.event).unwrap().to_string();
                assert!(stack.contains("a_race_cell_shows_its_name_and_both_values"), "{stack}");
                shown.push((access.write, run.value(access.event).unwrap().to_owned()));
            }
        }
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(report.findings.len(), 1);
    shown.sort();
    // The exploration runs until the race shows: the write may come first, and the read then sees it.
    assert!(shown.contains(&(true, "9".to_owned())), "{shown:?}");
    assert_eq!(shown.len(), 2);
}

#[test]
#[should_panic(expected = "used inside models only")]
fn a_race_cell_is_of_no_use_outside() {
    RaceCell::new(0).set(1);
}

#[test]
fn a_model_refuses_what_it_does_not_control() {
    probe::refuse("open a socket");
    let report = exhaust(Mode::Sc, &|| probe::refuse("open a socket"));
    let Finding::Panic { message, location, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    assert_eq!(message, "a model cannot open a socket: the checker does not control it");
    assert!(location.as_ref().unwrap().contains("tests/it/probe.rs"));
}

#[test]
fn a_sleeping_alarm_may_be_cancelled() {
    for set_again in [false, true] {
        let report = exhaust(Mode::Rc11, &|| {
            let door = Arc::new(Monitor::<Counter>::new());
            let set = |door: &Arc<Monitor<Counter>>| {
                let door = Arc::clone(door);
                Alarm::set(later(1), move || door.enter("open", Site::here(), || ()))
            };
            let alarm = set(&door).ok();
            let threads = [alarm, None, None].map(|alarm| {
                let door = Arc::clone(&door);
                thread::spawn(move || {
                    let cancels = alarm.is_some();
                    door.enter("close", Site::here(), || ());
                    drop(alarm);
                    drop((cancels && set_again).then(|| set(&door)));
                })
            });
            for thread in threads {
                thread.join().unwrap();
            }
        });
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
    }
}
