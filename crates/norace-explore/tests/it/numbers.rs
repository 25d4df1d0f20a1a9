//! Numbers of threads that are used again, and what becomes of those who had them or get them.

use std::sync::Arc;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use norace_explore::probe::{Alarm, Kind, Monitor, Site};
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::thread::{self, JoinHandle};
use norace_explore::time::Instant;
use norace_explore::{Config, Explorer, Finding, Mode, Plan, Report, Run, Strategy, THREADS_MAX};

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
    act_late_on_an_alarm(|alarm| drop(alarm));
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
