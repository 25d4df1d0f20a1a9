//! Ending tasks from outside.

use super::support::{Drops, event, expect_event, runtime};
use norace::context::Cause;
use norace::task::{self, TaskError};
use std::future::pending;

fn cause<T: std::fmt::Debug>(outcome: Result<T, TaskError>) -> Cause {
    match outcome {
        Err(TaskError::Cancelled { cause }) => cause,
        other => panic!("expected a cancelled task, not {other:?}"),
    }
}

#[test]
fn a_waiting_task_ends_and_its_future_is_dropped_before_the_joiner_knows() {
    let runtime = runtime(1);
    let drops = Drops::default();
    let guard = drops.guard();
    let (begun, has_begun) = event();
    let task = runtime.spawn(async move {
        let _guard = guard;
        begun.send(()).unwrap();
        pending::<()>().await;
    });
    expect_event(&has_begun, "the task");
    task.cancel();
    assert_eq!(cause(task.join_blocking()), Cause::Cancelled);
    assert_eq!(drops.count(), 1);
    assert_eq!(runtime.handle().metrics().tasks_cancelled, 1);
}

#[test]
fn a_task_cancelled_before_its_first_poll_never_begins() {
    let runtime = runtime(1);
    let drops = Drops::default();
    runtime.block_on(async {
        // The only worker is inside this task until the other one has been cancelled.
        let guard = drops.guard();
        let outer = task::spawn(async move {
            let inner = task::spawn(async move {
                let _guard = guard;
                unreachable!("polled");
            });
            inner.cancel();
            [inner]
        });
        let [inner] = outer.await.unwrap();
        assert_eq!(cause(inner.await), Cause::Cancelled);
    });
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_running_poll_ends_at_its_next_await() {
    let runtime = runtime(1);
    let (begun, has_begun) = event();
    let (go_on, may_go_on) = event();
    let (passed, has_passed) = event();
    let task = runtime.spawn(async move {
        begun.send(()).unwrap();
        expect_event(&may_go_on, "the cancel");
        passed.send(()).unwrap();
        task::yield_now().await;
        unreachable!("went on after the await");
    });
    expect_event(&has_begun, "the task");
    task.cancel();
    go_on.send(()).unwrap();
    assert_eq!(cause(task.join_blocking()), Cause::Cancelled);
    expect_event(&has_passed, "the rest of the poll");
}

#[test]
fn a_task_that_ends_in_the_poll_during_which_it_is_cancelled_keeps_its_value() {
    let runtime = runtime(1);
    let (begun, has_begun) = event();
    let (go_on, may_go_on) = event();
    let task = runtime.spawn(async move {
        begun.send(()).unwrap();
        expect_event(&may_go_on, "the cancel");
        3
    });
    expect_event(&has_begun, "the task");
    task.cancel();
    go_on.send(()).unwrap();
    assert_eq!(task.join_blocking().unwrap(), 3);
}

#[test]
fn the_first_cause_stands() {
    let runtime = runtime(1);
    let task = runtime.spawn(pending::<()>());
    task.cancel_with(Cause::DeadlineExceeded);
    task.cancel();
    assert_eq!(cause(task.join_blocking()), Cause::DeadlineExceeded);
}

#[test]
fn cancelling_a_task_that_is_done_changes_nothing() {
    let runtime = runtime(1);
    let task = runtime.spawn(async { 3 });
    super::support::hog_until(|| task.is_finished());
    task.cancel();
    assert_eq!(task.join_blocking().unwrap(), 3);
}

#[test]
fn a_joiner_that_gives_up_leaves_the_outcome_to_the_next() {
    let runtime = runtime(1);
    let (open, gate) = norace::chan::bounded::<()>(1);
    let mut task = runtime.spawn(async move {
        let _ = gate.recv().await;
        9
    });
    runtime.block_on(async {
        let limit = std::time::Duration::from_millis(1);
        assert!(norace::time::timeout(limit, &mut task).await.is_err());
        drop(open);
        assert_eq!(task.await.unwrap(), 9);
    });
}
