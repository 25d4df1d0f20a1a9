//! Groups: every schedule of their tasks, and some of all steps of the scheduler beneath.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::poll;
use norace::chan;
use norace::context::{Cause, Context};
use norace::group::Group;
use norace::prim::sync::{Arc, Mutex, lock};
use norace::task::{self, TaskError};
use std::future::pending;
use std::task::Poll;

/// The cause with which a task was cancelled.
fn cause<T>(outcome: Result<T, TaskError>) -> Option<Cause> {
    match outcome {
        Err(TaskError::Cancelled { cause }) => Some(cause),
        _ => None,
    }
}

async fn the_first_failure_ends_the_others() {
    let group = Group::fail_fast(&Context::new());
    group.spawn(async { panic!("on purpose") }).await;
    group.spawn(pending::<()>()).await;
    let [first, second] = group.join().await.try_into().unwrap();
    let Cause::Failed(reason) = cause(second).expect("it waits for ever") else {
        panic!("nothing else ends it")
    };
    assert!(first.unwrap_err().is_panic() && reason.ends_with("panicked"), "{reason}");
}

async fn an_error_is_a_failure_and_a_value_that_came_before_it_stands() {
    let group = Group::fail_fast(&Context::new());
    group.spawn_try(async { Err::<u32, _>("no luck") }).await;
    group.spawn_try(async { Ok(42) }).await;
    let [first, second] = group.join().await.try_into().unwrap();
    // It may have been cancelled before it began.
    assert!(matches!(first, Ok(Err("no luck"))));
    match second {
        Ok(value) => assert_eq!(value, Ok(42)),
        Err(TaskError::Cancelled { cause }) => assert_eq!(cause, Cause::Failed("no luck".into())),
        Err(error) => panic!("{error}"),
    }
}

async fn each_task_is_for_itself() {
    let group = Group::isolate(&Context::new());
    group.spawn(async { panic!("on purpose") }).await;
    group.spawn(async { 42 }).await;
    let [first, second] = group.join().await.try_into().unwrap();
    assert!(first.unwrap_err().is_panic());
    assert_eq!(second.unwrap(), 42);
}

async fn no_more_run_than_there_are_slots() {
    let group = Group::isolate(&Context::new()).limit(1);
    let running = Arc::new(Mutex::new(0));
    for _ in 0..2 {
        let running = running.clone();
        group
            .spawn(async move {
                {
                    let mut running = lock(&running);
                    *running += 1;
                    assert_eq!(*running, 1, "two run at once");
                }
                task::yield_now().await;
                *lock(&running) -= 1;
            })
            .await;
    }
    assert!(group.join().await.iter().all(Result::is_ok));
}

async fn a_slot_is_free_or_not_and_free_in_the_end() {
    let group = Group::isolate(&Context::new()).limit(1);
    group.spawn(async { 1 }).await;
    let second = group.try_spawn(async { 2 });
    let started = second.is_ok();
    let mut sum = 0;
    while let Some((_, outcome)) = group.next().await {
        sum += outcome.unwrap();
    }
    assert_eq!(sum, if started { 3 } else { 1 });
    assert!(group.try_spawn(async { 3 }).is_ok() && group.len() == 1);
}

async fn no_more_are_in_a_group_than_its_budget_allows() {
    let group = Arc::new(Group::isolate(&Context::new()).max_tasks(1));
    group.spawn(async { 1 }).await;
    let starts = group.clone();
    let starter = task::spawn(async move {
        starts.spawn(async { 2 }).await;
        assert_eq!(starts.len(), 1, "the first one was collected before");
    });
    assert_eq!(group.next().await.unwrap().1.unwrap(), 1);
    starter.await.unwrap();
    assert!(group.try_spawn(async { 3 }).is_err());
    assert_eq!(group.next().await.unwrap().1.unwrap(), 2);
    assert!(group.next().await.is_none());
}

async fn one_starts_while_another_collects() {
    let group = Arc::new(Group::isolate(&Context::new()));
    let starts = group.clone();
    let starter = task::spawn(async move { starts.spawn(async { 1 }).await });
    let before = group.next().await;
    let id = starter.await.unwrap();
    let after = group.next().await;
    let collected: Vec<_> = before.into_iter().chain(after).collect();
    assert!(matches!(&collected[..], [(task, Ok(1))] if *task == id));
}

async fn two_collect_and_neither_waits_for_what_the_other_took() {
    let group = Arc::new(Group::isolate(&Context::new()));
    group.spawn(async { 1 }).await;
    let other = group.clone();
    let other = task::spawn(async move { other.next().await.map(|(_, outcome)| outcome.unwrap()) });
    let here = group.next().await.map(|(_, outcome)| outcome.unwrap());
    let there = other.await.unwrap();
    assert!(matches!((here, there), (Some(1), None) | (None, Some(1))));
}

async fn an_outcome_is_collected_once_however_often_the_wait_is_given_up() {
    let group = Group::isolate(&Context::new());
    let (tx, rx) = chan::bounded(0);
    group.spawn(async move { rx.recv().await.unwrap() }).await;
    group.spawn(async { 2 }).await;
    let sender = task::spawn(async move { tx.send(1).await });
    let mut collected = Vec::new();
    for _ in 0..2 {
        let mut next = Box::pin(group.next());
        if let Poll::Ready(outcome) = poll(&mut next) {
            collected.extend(outcome);
        }
    }
    while let Some(outcome) = group.next().await {
        collected.push(outcome);
    }
    let mut values: Vec<_> = collected.into_iter().map(|(_, outcome)| outcome.unwrap()).collect();
    values.sort_unstable();
    assert_eq!(values, [1, 2]);
    assert!(group.is_empty() && sender.await.unwrap().is_ok());
}

async fn a_group_that_is_dropped_takes_its_tasks_with_it() {
    let group = Group::isolate(&Context::new());
    let (tx, rx) = chan::bounded::<()>(0);
    group
        .spawn(async move {
            let _kept = tx;
            pending::<()>().await;
        })
        .await;
    drop(group);
    // Its end is that of the task.
    assert!(rx.recv().await.is_err());
}

async fn cancelling_what_is_above_ends_every_task() {
    let context = Context::new();
    let group = Group::isolate(&context);
    group.spawn(pending::<()>()).await;
    let canceller = task::spawn(async move { context.cancel_with(Cause::Shutdown) });
    group.spawn(pending::<()>()).await;
    let outcomes = group.join().await;
    assert!(canceller.await.unwrap());
    assert!(outcomes.into_iter().all(|outcome| cause(outcome) == Some(Cause::Shutdown)));
}

/// Each as a model of an application, all schedules of its tasks.
mod app {
    #[norace::test(complete, budget_ms = 120_000)]
    async fn the_first_failure_ends_the_others() {
        super::the_first_failure_ends_the_others().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn an_error_is_a_failure_and_a_value_that_came_before_it_stands() {
        super::an_error_is_a_failure_and_a_value_that_came_before_it_stands().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn each_task_is_for_itself() {
        super::each_task_is_for_itself().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn no_more_run_than_there_are_slots() {
        super::no_more_run_than_there_are_slots().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn a_slot_is_free_or_not_and_free_in_the_end() {
        super::a_slot_is_free_or_not_and_free_in_the_end().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn no_more_are_in_a_group_than_its_budget_allows() {
        super::no_more_are_in_a_group_than_its_budget_allows().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn one_starts_while_another_collects() {
        super::one_starts_while_another_collects().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn two_collect_and_neither_waits_for_what_the_other_took() {
        super::two_collect_and_neither_waits_for_what_the_other_took().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn an_outcome_is_collected_once_however_often_the_wait_is_given_up() {
        super::an_outcome_is_collected_once_however_often_the_wait_is_given_up().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn a_group_that_is_dropped_takes_its_tasks_with_it() {
        super::a_group_that_is_dropped_takes_its_tasks_with_it().await;
    }

    #[norace::test(complete, budget_ms = 120_000)]
    async fn cancelling_what_is_above_ends_every_task() {
        super::cancelling_what_is_above_ends_every_task().await;
    }
}

/// Some on the real scheduler, within a time.
mod rt {
    #[norace::test(level = "rt", workers = 2, budget_ms = 2000)]
    async fn one_starts_while_another_collects() {
        super::one_starts_while_another_collects().await;
    }

    #[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
    async fn no_more_are_in_a_group_than_its_budget_allows() {
        super::no_more_are_in_a_group_than_its_budget_allows().await;
    }

    #[norace::test(level = "rt", workers = 2, budget_ms = 2000)]
    async fn the_first_failure_ends_the_others() {
        super::the_first_failure_ends_the_others().await;
    }

    #[norace::test(level = "rt", workers = 2, budget_ms = 2000)]
    async fn no_more_run_than_there_are_slots() {
        super::no_more_run_than_there_are_slots().await;
    }

    #[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
    async fn an_outcome_is_collected_once_however_often_the_wait_is_given_up() {
        super::an_outcome_is_collected_once_however_often_the_wait_is_given_up().await;
    }

    #[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
    async fn a_group_that_is_dropped_takes_its_tasks_with_it() {
        super::a_group_that_is_dropped_takes_its_tasks_with_it().await;
    }
}
