//! The end of a runtime.

use super::support::{Drops, PATIENCE, event, expect_event, runtime};
use norace::context::Cause;
use norace::rt::Builder;
use norace::task::{self, TaskError, TaskState};
use norace::time;
use std::future::pending;
use std::time::Duration;

#[test]
fn every_task_is_cancelled_dropped_and_told_the_cause() {
    let runtime = runtime(2);
    let drops = Drops::default();
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let guard = drops.guard();
            runtime.spawn(async move {
                let _guard = guard;
                match n % 3 {
                    0 => pending::<()>().await,
                    1 => time::sleep(Duration::from_secs(3600)).await,
                    _ => loop {
                        task::yield_now().await;
                    },
                }
            })
        })
        .collect();
    runtime.shutdown(PATIENCE).unwrap();
    assert_eq!(drops.count(), 100);
    for task in tasks {
        match task.join_blocking() {
            Err(TaskError::Cancelled { cause: Cause::Shutdown }) => {}
            other => panic!("expected a shutdown, not {other:?}"),
        }
    }
}

#[test]
fn dropping_the_runtime_ends_its_tasks_and_a_join_afterwards_says_so() {
    let drops = Drops::default();
    let guard = drops.guard();
    let runtime = runtime(1);
    let waiting = runtime.spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    let done = runtime.spawn(async { 4 });
    super::support::hog_until(|| done.is_finished());
    drop(runtime);
    assert_eq!(drops.count(), 1);
    assert!(waiting.join_blocking().unwrap_err().is_cancelled());
    assert_eq!(done.join_blocking().unwrap(), 4);
}

#[test]
fn a_spawn_after_the_end_is_refused() {
    let runtime = runtime(1);
    let handle = runtime.handle();
    drop(runtime);
    let drops = Drops::default();
    let guard = drops.guard();
    let refused = handle.spawn(async move {
        let _guard = guard;
    });
    assert!(refused.join_blocking().unwrap_err().is_cancelled());
    assert_eq!(drops.count(), 1);
    let pinned = task::Builder::new().on(&handle).spawn_pinned(|| async {});
    assert_eq!(pinned.unwrap_err(), task::SpawnError::Stopped);
    let blocking = task::Builder::new().on(&handle).spawn_blocking(|| ());
    assert_eq!(blocking.unwrap_err(), task::SpawnError::Stopped);
}

#[test]
fn a_task_that_does_not_stop_is_named() {
    let runtime = runtime(2);
    let (begun, has_begun) = event();
    let (free, freed) = event();
    let line = line!() + 3;
    let handle = runtime.handle();
    let stuck = task::Builder::new().on(&handle).name("stuck");
    let stuck = stuck.spawn(async move {
        begun.send(()).unwrap();
        expect_event(&freed, "the end of the test");
    });
    let stuck = stuck.unwrap();
    expect_event(&has_begun, "the stuck task");
    let error = runtime.shutdown(Duration::from_millis(20)).unwrap_err();
    let [report] = error.stuck() else { panic!("{error}") };
    assert_eq!(report.id, stuck.id());
    assert_eq!(report.name.as_deref(), Some("stuck"));
    assert_eq!((report.spawned_at.file(), report.spawned_at.line()), (file!(), line));
    assert_eq!(report.state, TaskState::Running);
    assert!(error.to_string().contains("(stuck)"), "{error}");
    free.send(()).unwrap();
    // It ends when it can, and its thread with it.
    assert!(stuck.join_blocking().is_ok());
}

#[test]
fn tasks_queued_behind_a_stuck_one_end_when_it_does() {
    let runtime = runtime(1);
    let (begun, has_begun) = event();
    let (free, freed) = event();
    let drops = Drops::default();
    let guard = drops.guard();
    let stuck = runtime.spawn(async move {
        begun.send(()).unwrap();
        expect_event(&freed, "the end of the test");
    });
    expect_event(&has_begun, "the stuck task");
    let behind = runtime.spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    let error = runtime.shutdown(Duration::from_millis(20)).unwrap_err();
    assert_eq!(error.stuck().len(), 2, "{error}");
    free.send(()).unwrap();
    stuck.join_blocking().unwrap();
    assert!(behind.join_blocking().unwrap_err().is_cancelled());
    assert_eq!(drops.count(), 1);
}

#[test]
fn blocking_jobs_that_run_are_waited_for_and_those_that_wait_are_dropped() {
    let runtime = Builder::new().workers(1).blocking_threads(1).build().unwrap();
    let handle = runtime.handle();
    let (begun, has_begun) = event();
    let (free, freed) = event();
    let running = handle.spawn_blocking(move || {
        begun.send(()).unwrap();
        expect_event(&freed, "the shutdown");
        8
    });
    let waiting = handle.spawn_blocking(|| unreachable!("begun during a shutdown"));
    expect_event(&has_begun, "the blocking job");
    let helper = std::thread::spawn(move || {
        let outcome = waiting.join_blocking();
        free.send(()).unwrap();
        outcome
    });
    runtime.shutdown(PATIENCE).unwrap();
    assert!(helper.join().unwrap().unwrap_err().is_cancelled());
    assert_eq!(running.join_blocking().unwrap(), 8);
}

#[test]
fn a_runtime_dropped_inside_its_own_task_does_not_wait_for_it() {
    let runtime = runtime(1);
    let (tx, rx) = norace::chan::bounded(1);
    let (done, is_done) = event();
    let task = runtime.spawn(async move {
        let own: norace::rt::Runtime = rx.recv().await.unwrap();
        drop(own);
        done.send(()).unwrap();
    });
    tx.send_blocking(runtime).unwrap();
    expect_event(&is_done, "the task that drops its runtime");
    drop(task);
}

#[test]
fn a_timer_that_outlives_its_runtime_still_fires() {
    // Started before: on a busy machine that takes longer than the sleep.
    let runtime = runtime(1);
    let mut sleep = time::sleep(Duration::from_millis(30));
    let armed = runtime.block_on(time::timeout(Duration::ZERO, &mut sleep));
    assert!(armed.is_err());
    drop(runtime);
    norace::block_on(sleep);
}

#[test]
fn a_future_dropped_at_the_end_may_spawn_and_wake() {
    struct Spawns;
    impl Drop for Spawns {
        fn drop(&mut self) {
            let late = task::spawn(async {});
            assert!(task::block_in_place(|| late.join_blocking()).unwrap_err().is_cancelled());
        }
    }
    let runtime = runtime(1);
    let (begun, has_begun) = event();
    let task = runtime.spawn(async move {
        let _spawns = Spawns;
        begun.send(()).unwrap();
        pending::<()>().await;
    });
    expect_event(&has_begun, "the task");
    runtime.shutdown(PATIENCE).unwrap();
    assert!(task.join_blocking().unwrap_err().is_cancelled());
}
