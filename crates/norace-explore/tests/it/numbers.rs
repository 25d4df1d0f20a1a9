//! Numbers of threads that are used again, and what becomes of those who had them or get them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use norace_explore::cell::RaceCell;
use norace_explore::probe::{Alarm, Kind, Monitor, Site, Tracked};
use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::thread::{self, JoinHandle};
use norace_explore::time::Instant;
use norace_explore::{Config, Explorer, Finding, Kind as Event, Misuse, Mode, Plan, Report, Run};
use norace_explore::{Strategy, THREADS_MAX, ThreadInfo};

fn explore(strategy: Strategy, model: &dyn Fn()) -> Report {
    let config = Config { mode: Mode::Sc, stop_at_first: false, ..Config::default() };
    Explorer::new(config).explore(strategy, model)
}

/// Who runs goes on while it can.
fn usual(model: &dyn Fn()) -> Report {
    explore(Strategy::Bounded { preemptions: 0 }, model)
}

/// These threads, one after the other, each as long as it can.
fn in_turn(threads: &[u16], model: &dyn Fn()) -> Report {
    let runs = threads.iter().map(|&thread| Run { thread, steps: 1_000 }).collect();
    explore(Strategy::Guided(Plan { runs, labels: Vec::new() }), model)
}

#[track_caller]
fn finds_nothing(report: &Report) {
    let found = report.findings.first().map(|found| found.finding.to_string());
    assert_eq!(found, None);
}

fn later() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

/// Takes numbers until, with so many that are taken, none is left.
fn take_all_but(taken: usize) -> Vec<JoinHandle<()>> {
    (taken..THREADS_MAX).map(|_| thread::spawn(|| ())).collect()
}

/// Says when it goes.
struct Says<'a>(&'a StdMutex<Vec<&'static str>>, &'static str);

impl Drop for Says<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

#[test]
fn who_has_a_lower_number_than_what_it_borrows_from_is_unwound_before_it() {
    let order = StdMutex::new(Vec::new());
    let report = usual(&|| {
        let alarm = Alarm::set(later(), || ()).ok();
        let order = &order;
        thread::scope(|scope| {
            scope.spawn(move || {
                let _says = Says(order, "outer");
                drop(alarm);
                thread::scope(|scope| {
                    let inner = scope.spawn(|| {
                        let _says = Says(order, "inner");
                        thread::park();
                    });
                    assert!(inner.thread().model_id() < thread::current().model_id());
                });
            });
        });
    });
    assert_eq!(report.findings[0].finding.kind(), "deadlock");
    // What is found is run again to be told.
    let order = order.into_inner().unwrap();
    assert!(!order.is_empty() && order.chunks(2).all(|run| run == ["inner", "outer"]), "{order:?}");
}

#[test]
fn who_was_meant_by_an_unpark_and_has_ended_is_nobody() {
    let report = usual(&|| {
        let target = thread::spawn(|| ());
        let (id, thread) = (target.thread().model_id(), target.thread().clone());
        let unparks = thread::spawn(move || thread.unpark());
        let _others = take_all_but(3);
        target.join().unwrap();
        let parks = thread::spawn(thread::park);
        assert_eq!(parks.thread().model_id(), id);
        unparks.join().unwrap();
    });
    let Finding::Leak { blocked } = &report.findings[0].finding else { panic!("{report:?}") };
    assert_eq!(blocked.len(), 1);
}

/// An alarm goes off and another thread gets its number, while a third one, which is number 2, is about to `act` on it.
fn act_late_on_an_alarm(act: impl Fn(Arc<Alarm>) + Send + Copy + 'static) {
    // Main waits for the alarm, goes on, and waits for the third.
    let report = in_turn(&[0, 1, 0], &|| {
        let main = thread::current();
        let alarm = Alarm::set(later(), move || main.unpark()).ok().unwrap();
        let alarm = Arc::new(alarm);
        let acts = thread::spawn(move || act(alarm));
        let _others = take_all_but(3);
        thread::park();
        let follows = thread::spawn(|| 7);
        assert_eq!(follows.thread().model_id().unwrap().index(), 1);
        acts.join().unwrap();
        assert_eq!(follows.join().unwrap(), 7);
    });
    finds_nothing(&report);
}

#[test]
fn an_alarm_whose_number_another_has_went_off() {
    act_late_on_an_alarm(|alarm| assert!(alarm.has_fired()));
}

#[test]
fn to_cancel_an_alarm_whose_number_another_has_is_nothing_to_the_other() {
    act_late_on_an_alarm(drop);
}

struct Door;

impl Kind for Door {
    const WORD: &'static str = "door";
    type Holds = ();
}

#[test]
fn who_is_unwound_inside_a_section_runs_destructors() {
    struct Steps<'a>(AtomicU32, &'a StdMutex<u32>);
    impl Drop for Steps<'_> {
        fn drop(&mut self) {
            self.0.store(1, Ordering::Relaxed);
            *self.1.lock().unwrap() += 1;
        }
    }
    let (begun, unwound) = (StdMutex::new(0), StdMutex::new(0));
    let report = usual(&|| {
        *begun.lock().unwrap() += 1;
        let _steps = Steps(AtomicU32::new(0), &unwound);
        let _others = take_all_but(1);
        let door = Monitor::<Door>::new();
        door.enter("spawn from", Site::here(), || thread::spawn(|| ()));
    });
    assert_eq!(report.findings[0].finding.kind(), "too-many-threads");
    assert_eq!(begun.into_inner().unwrap(), unwound.into_inner().unwrap());
}

/// Runs a thread to its end, named `former`, and then one with the same number, named `follower`.
fn follow(former: impl FnOnce() + Send + 'static, follower: impl FnOnce() + Send + 'static) {
    let named = |name: &str| thread::Builder::new().name(name.to_owned());
    let first = named("former").spawn(former).unwrap();
    let id = first.thread().model_id();
    let _others = take_all_but(2);
    first.join().unwrap();
    let second = named("follower").spawn(follower).unwrap();
    assert_eq!(second.thread().model_id(), id);
    second.join().unwrap();
}

fn named(thread: &ThreadInfo) -> (&str, usize) {
    (thread.name.as_deref().unwrap_or_default(), thread.id.index())
}

#[test]
fn who_raced_and_whose_number_another_has_is_named() {
    let report = usual(&|| {
        let cell = Arc::new(RaceCell::new(0));
        let racer = Arc::clone(&cell);
        // Number 1: it goes on when the former has ended.
        let racer = thread::spawn(move || {
            thread::park();
            racer.set(1);
        });
        let (written, thread) = (Arc::clone(&cell), racer.thread().clone());
        let first = thread::Builder::new().name("former".to_owned());
        let first = first.spawn(move || written.set(2)).unwrap();
        let id = first.thread().model_id();
        let _others = take_all_but(3);
        thread.unpark();
        first.join().unwrap();
        let second = thread::Builder::new().name("follower".to_owned());
        let second = second.spawn(|| ()).unwrap();
        assert_eq!(second.thread().model_id(), id);
        racer.join().unwrap();
        second.join().unwrap();
    });
    let Finding::DataRace { first, .. } = &report.findings[0].finding else { panic!("{report:?}") };
    assert_eq!(named(&first.thread), ("former", 2));
}

#[test]
fn who_made_what_leaked_and_whose_number_another_has_is_named() {
    let report = usual(&|| {
        let leaks = || std::mem::forget(Tracked::new(()));
        follow(leaks, || ());
    });
    let Finding::LeakedValue { thread, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    assert_eq!(named(thread), ("former", 1));
}

#[test]
fn who_closed_and_whose_number_another_has_is_named() {
    let forbidden = vec![Misuse::SecondClose];
    let config = Config { mode: Mode::Sc, forbidden, ..Config::default() };
    let report = Explorer::new(config).explore(Strategy::Bounded { preemptions: 0 }, &|| {
        let door = Arc::new(Monitor::<Door>::new());
        let [first, second] = [Arc::clone(&door), door];
        let closes = move || second.misused(Misuse::SecondClose, Site::here());
        follow(move || first.closes(Site::here()), closes);
    });
    let Finding::Misused { thread, closed, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    assert_eq!([named(thread), named(&closed.0)], [("follower", THREADS_MAX), ("former", 1)]);
}

#[test]
fn a_trace_tells_apart_who_had_one_number() {
    let config = Config { mode: Mode::Sc, ..Config::default() };
    let mut seen = Vec::new();
    let model = || follow(thread::yield_now, thread::yield_now);
    Explorer::new(config).explore_with(Strategy::Replay(Vec::new()), &model, &mut |run| {
        let threads: Vec<_> = run.threads().collect();
        assert_eq!(threads.len(), THREADS_MAX + 1);
        for event in run.trace().events() {
            let own = &threads[event.thread.index()];
            assert_eq!(own.id, event.thread);
            let spawned = run.thread_of(event.object).filter(|_| event.kind == Event::Spawn);
            if event.kind == Event::Yield {
                seen.push(named(own).0.to_owned());
            }
            seen.extend(spawned.and_then(|spawned| threads[spawned.index()].name.clone()));
        }
        ControlFlow::Continue(())
    });
    assert_eq!(seen, ["former", "former", "follower", "follower"]);
}

#[test]
fn who_waits_for_ever_and_has_the_number_of_another_is_named() {
    let report = usual(&|| follow(|| (), thread::park));
    let Finding::Deadlock { blocked, .. } = &report.findings[0].finding else {
        panic!("{report:?}")
    };
    assert_eq!(named(&blocked[1].thread), ("follower", THREADS_MAX));
    assert_eq!(blocked[0].held_by, [blocked[1].thread.id]);
}

/// Spawns more threads, one after the other, than there may be at once.
fn many(spawn: impl Fn()) {
    (0..2 * THREADS_MAX).for_each(|_| spawn());
}

#[test]
fn threads_of_a_scope_that_is_over_make_room() {
    for strategy in [Strategy::Bounded { preemptions: 0 }, Strategy::Exhaustive] {
        let report = explore(strategy, &|| {
            many(|| thread::scope(|scope| _ = scope.spawn(|| ())));
        });
        finds_nothing(&report);
        assert_eq!(report.executions, 1);
    }
}

#[test]
fn detached_threads_make_room_when_what_they_did_is_known() {
    for strategy in [Strategy::Bounded { preemptions: 0 }, Strategy::Exhaustive] {
        let report = explore(strategy, &|| {
            many(|| {
                let main = thread::current();
                drop(thread::spawn(move || main.unpark()));
                thread::park();
            });
        });
        finds_nothing(&report);
        assert_eq!(report.executions, 1);
    }
}

#[test]
fn a_detached_thread_that_panicked_is_told_of() {
    let report = usual(&|| {
        many(|| {
            let main = thread::current();
            drop(thread::spawn(move || {
                main.unpark();
                panic!("lost");
            }));
            thread::park();
        });
    });
    let kinds: Vec<_> = report.findings.iter().map(|found| found.finding.kind()).collect();
    assert_eq!(kinds, ["too-many-threads", "panic"]);
}

#[test]
fn a_circle_that_a_join_closes_is_found_while_others_go_on() {
    for strategy in [Strategy::Bounded { preemptions: 0 }, Strategy::Exhaustive] {
        let config = Config { mode: Mode::Sc, steps_max: 2_000, ..Config::default() };
        let report = Explorer::new(config).explore(strategy, &|| {
            let lock = Arc::new(Mutex::new(()));
            let guard = lock.lock().unwrap();
            let other = Arc::clone(&lock);
            let waits = thread::spawn(move || drop(other.lock()));
            thread::spawn(loop_for_ever);
            // The others begin, so that the one waits when it is waited for.
            thread::current().unpark();
            waits.join().unwrap();
            drop(guard);
        });
        let Finding::Deadlock { cycle, .. } = &report.findings[0].finding else {
            panic!("{report:?}")
        };
        let cycle: Vec<_> = cycle.iter().map(|thread| thread.index()).collect();
        assert_eq!(cycle, [0, 1]);
    }
}

fn loop_for_ever() {
    let counter = AtomicU32::new(0);
    while counter.fetch_add(1, Ordering::Relaxed) < u32::MAX {}
}
