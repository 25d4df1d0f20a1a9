//! Whole runtimes that shut down while something happens, and what outlives them.

use super::{Runtime, ShutdownError};
use crate::context::{Cause, Context};
use crate::models::{FAR, Said, some};
use crate::rt::Builder;
use crate::task::{self, TaskError};
use crate::time::{Duration, Instant, sleep};
use crate::wait::block_on;
use norace_check::Tracked;
use norace_prim::thread;
use std::future::pending;

fn runtime(workers: usize) -> Runtime {
    Builder::new().workers(workers).blocking_threads(1).build().expect("a model refuses nothing")
}

/// Shuts down; every task has ended then, unless the time was up.
fn shut_down(runtime: Runtime) {
    let deadline = Instant::now() + FAR;
    let stopped: Result<(), ShutdownError> = runtime.shutdown(FAR);
    assert!(stopped.is_ok() || Instant::now() >= deadline, "{stopped:?}");
}

/// How a task may end when its runtime does.
fn may_be_shut_down<T>(outcome: Result<T, TaskError>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(TaskError::Cancelled { cause }) => {
            assert_eq!(cause, Cause::Shutdown);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn tasks_that_wait_are_ended() {
    for workers in [1, 2] {
        some(|| {
            let runtime = runtime(workers);
            let held = Tracked::new(());
            let waiting = runtime.spawn(async move {
                let _held = held;
                pending::<()>().await;
            });
            shut_down(runtime);
            assert_eq!(may_be_shut_down(waiting.join_blocking()), None);
        });
    }
}

#[test]
fn a_task_that_is_spawned_meanwhile_ends_or_is_refused() {
    some(|| {
        let runtime = runtime(1);
        let handle = runtime.handle();
        let spawner = thread::spawn(move || {
            let spawned = task::Builder::new().on(&handle).spawn(async { 42 });
            spawned.map(|task| may_be_shut_down(task.join_blocking()))
        });
        shut_down(runtime);
        if let Ok(ended) = spawner.join().unwrap() {
            assert!(ended.is_none_or(|value| value == 42));
        }
    });
}

#[test]
fn a_blocking_job_that_is_spawned_meanwhile_ends_or_is_refused() {
    some(|| {
        let runtime = runtime(1);
        let handle = runtime.handle();
        let spawner = thread::spawn(move || {
            let spawned = task::Builder::new().on(&handle).spawn_blocking(|| 42);
            spawned.map(|job| may_be_shut_down(job.join_blocking()))
        });
        shut_down(runtime);
        if let Ok(ended) = spawner.join().unwrap() {
            assert!(ended.is_none_or(|value| value == 42));
        }
    });
}

#[test]
fn a_pinned_task_that_is_spawned_meanwhile_ends_or_is_refused() {
    some(|| {
        let runtime = runtime(1);
        let handle = runtime.handle();
        let spawner = thread::spawn(move || {
            let spawned = task::Builder::new().on(&handle).spawn_pinned(|| async {
                task::yield_now().await;
                42
            });
            spawned.map(|task| may_be_shut_down(task.join_blocking()))
        });
        shut_down(runtime);
        if let Ok(ended) = spawner.join().unwrap() {
            assert!(ended.is_none_or(|value| value == 42));
        }
    });
}

#[test]
fn a_task_that_is_woken_meanwhile_ends_once() {
    some(|| {
        let runtime = runtime(1);
        let (tx, rx) = crate::chan::bounded(0);
        let task = runtime.spawn(async move {
            let _held = Tracked::new(());
            rx.recv().await
        });
        let sender = thread::spawn(move || tx.send_blocking(42).is_ok());
        shut_down(runtime);
        let got = may_be_shut_down(task.join_blocking());
        let sent = sender.join().unwrap();
        // A value may have been handed to a receive that was dropped then, with its channel.
        assert!(got.is_none_or(|got| got == Ok(42)) && (sent || got.is_none()));
    });
}

#[test]
fn a_task_that_is_looked_at_and_woken_at_once_runs() {
    some(|| {
        let runtime = runtime(1);
        let said = Said::default();
        let task = {
            let said = said.clone();
            runtime.spawn(async move { said.hear().await })
        };
        let report = {
            let handle = runtime.handle();
            thread::spawn(move || handle.tasks().len())
        };
        said.say();
        task.join_blocking().unwrap();
        assert!(report.join().unwrap() <= 1);
        shut_down(runtime);
    });
}

#[test]
fn a_task_that_makes_others_while_it_ends_is_ended_with_them() {
    some(|| {
        let runtime = runtime(2);
        let outer = runtime.spawn(async {
            let inner = task::spawn(async {
                let _held = Tracked::new(());
                pending::<()>().await;
            });
            inner.await.is_err()
        });
        shut_down(runtime);
        let inner_ended = may_be_shut_down(outer.join_blocking());
        assert!(inner_ended.is_none_or(|ended| ended));
    });
}

#[test]
fn a_deadline_outlives_the_runtime_that_was_to_meet_it() {
    some(|| {
        let runtime = runtime(1);
        let context =
            runtime.handle().enter(|| Context::new().with_timeout(Duration::from_millis(1)));
        shut_down(runtime);
        assert_eq!(block_on(context.cancelled()), Cause::DeadlineExceeded);
    });
}

#[test]
fn a_nap_that_outlives_its_runtime_ends() {
    some(|| {
        let runtime = runtime(1);
        let begun = Instant::now();
        let mut nap = sleep(Duration::from_millis(1));
        let early = runtime.handle().enter(|| crate::models::poll(&mut nap).is_ready());
        let other = thread::spawn(move || {
            if !early {
                block_on(nap);
            }
            assert!(begun.elapsed() >= Duration::from_millis(1));
        });
        shut_down(runtime);
        other.join().unwrap();
    });
}
