//! Groups on the kit's runtime: outcomes, failures, limits, endings.

use crate::rt::support::{Drops, PATIENCE, runtime};
use crate::support::{LiveCount, poll};
use norace::chan::{bounded, unbounded};
use norace::context::{Cause, Context};
use norace::group::{Full, Group};
use norace::task::{self, TaskError, yield_now};
use norace::{select, time};
use std::collections::HashMap;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

fn run<F: Future>(future: F) -> F::Output {
    runtime(2).block_on(async {
        match time::timeout(2 * PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("the test is stuck"),
        }
    })
}

fn cause<T>(outcome: &Result<T, TaskError>) -> Option<Cause> {
    match outcome {
        Err(TaskError::Cancelled { cause }) => Some(cause.clone()),
        _ => None,
    }
}

#[test]
fn join_answers_for_each_task_in_the_order_in_which_they_were_started() {
    run(async {
        let group = Group::isolate(&Context::new());
        let (tx, rx) = bounded(0);
        for n in 0..100 {
            let (tx, rx) = (tx.clone(), rx.clone());
            group
                .spawn(async move {
                    // Pairs meet, so they do not end in the order in which they began.
                    match n % 2 {
                        0 => rx.recv().await.unwrap(),
                        _ => tx.send(()).await.unwrap(),
                    }
                    n
                })
                .await;
        }
        assert_eq!(group.len(), 100);
        let outcomes: Vec<u32> = group.join().await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes, (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn an_empty_group_joins_at_once() {
    run(async {
        let group = Group::<()>::fail_fast(&Context::new());
        assert!(group.is_empty() && group.next().await.is_none());
        assert!(group.join().await.is_empty());
    });
}

#[test]
fn a_panic_is_an_outcome_that_names_the_task_its_place_and_its_message() {
    run(async {
        let group = Group::isolate(&Context::new()).name("worker");
        let line = line!() + 1;
        let id = group.spawn(async { panic!("no luck") }).await;
        group.spawn(async { 7 }).await;
        let outcomes = group.join().await;
        let Err(TaskError::Panicked { payload, task, name, spawned_at, .. }) = &outcomes[0] else {
            panic!("{outcomes:?}")
        };
        assert_eq!(
            (payload.message(), *task, name.as_deref()),
            (Some("no luck"), id, Some("worker"))
        );
        assert_eq!((spawned_at.file(), spawned_at.line()), (file!(), line));
        assert_eq!(outcomes[1].as_ref().ok(), Some(&7), "nobody else is harmed");
    });
}

#[test]
fn isolated_tasks_outlive_a_failure_beside_them() {
    run(async {
        let group = Group::isolate(&Context::new());
        let (tx, rx) = bounded(0);
        group.spawn(async move { rx.recv().await.map_err(|error| error.to_string()) }).await;
        group.spawn(async { panic!("no luck") }).await;
        group.spawn_try(async { Err("refused".to_owned()) }).await;
        yield_now().await;
        assert!(!group.context().is_cancelled());
        tx.send(5).await.unwrap();
        let outcomes = group.join().await;
        assert!(matches!(outcomes[0], Ok(Ok(5))));
        assert!(outcomes[1].as_ref().is_err_and(TaskError::is_panic));
        assert!(matches!(&outcomes[2], Ok(Err(why)) if why == "refused"));
    });
}

#[test]
fn the_first_panic_cancels_the_rest_of_a_fail_fast_group() {
    run(async {
        let above = Context::new();
        let group = Group::fail_fast(&above);
        let drops = Drops::default();
        for _ in 0..10 {
            let guard = drops.guard();
            group
                .spawn(async move {
                    let _guard = guard;
                    pending().await
                })
                .await;
        }
        let line = line!() + 1;
        group.spawn(async { panic!("no luck") }).await;
        let context = group.context().clone();
        let outcomes = group.join().await;
        assert_eq!(drops.count(), 10, "what the cancelled tasks held is dropped");
        let why = format!("the task spawned at {}:{line}:15 panicked", file!());
        assert_eq!(context.cause().map(|cause| cause.to_string()), Some(why));
        let cancelled = outcomes.iter().filter(|outcome| cause::<()>(outcome) == context.cause());
        assert_eq!(cancelled.count(), 10);
        assert!(outcomes[10].as_ref().is_err_and(TaskError::is_panic));
        assert!(!above.is_cancelled(), "what is above goes on");
    });
}

#[test]
fn an_err_of_spawn_try_is_a_failure_and_an_err_of_spawn_is_a_value() {
    run(async {
        let group = Group::fail_fast(&Context::new());
        group.spawn(async { Err::<(), _>("a value") }).await;
        group.spawn(pending()).await;
        let (_, first) = group.next().await.unwrap();
        assert!(matches!(first, Ok(Err("a value"))));
        assert!(!group.context().is_cancelled());
        group.spawn_try(async { Err("a failure") }).await;
        let outcomes = group.join().await;
        assert_eq!(cause(&outcomes[0]), Some(Cause::Failed("a failure".into())));
        assert!(matches!(outcomes[1], Ok(Err("a failure"))));
    });
}

#[test]
fn only_the_first_failure_is_the_cause() {
    run(async {
        let group = Group::fail_fast(&Context::new());
        let context = group.context().clone();
        let (tx, rx) = bounded::<()>(0);
        group.spawn_try(async { Err("first") }).await;
        context.cancelled().await;
        group.spawn_try(async move { rx.recv().await.map_err(|_| "second") }).await;
        tx.close();
        group.join().await;
        assert_eq!(context.cause(), Some(Cause::Failed("first".into())));
    });
}

#[test]
fn cancelling_above_ends_every_task() {
    run(async {
        let above = Context::new();
        let group = Group::isolate(&above);
        for _ in 0..5 {
            group.spawn(pending::<()>()).await;
        }
        above.cancel_with(Cause::Shutdown);
        let outcomes = group.join().await;
        assert!(outcomes.iter().all(|outcome| cause(outcome) == Some(Cause::Shutdown)));
    });
}

#[test]
fn dropping_a_group_or_its_join_cancels_its_tasks() {
    run(async {
        for by_join in [false, true] {
            let group = Group::isolate(&Context::new());
            let (tx, rx) = unbounded::<()>();
            let context = group.context().clone();
            for _ in 0..5 {
                let tx = tx.clone();
                group
                    .spawn(async move {
                        // Dropped with the task.
                        let _tx = tx;
                        pending::<()>().await;
                    })
                    .await;
            }
            drop(tx);
            if by_join {
                select! {
                    biased;
                    _ = group.join() => panic!("the tasks never end"),
                    () = yield_now() => {}
                }
            } else {
                drop(group);
            }
            assert_eq!(context.cause(), Some(Cause::Dropped));
            assert!(rx.recv().await.is_err(), "every task lets go");
        }
    });
}

#[test]
fn no_more_tasks_run_at_once_than_the_limit_allows() {
    run(async {
        for limit in [1, 3] {
            let group = Group::isolate(&Context::new()).limit(limit);
            let running = LiveCount::default();
            for _ in 0..200 {
                let running = running.clone();
                group
                    .spawn(async move {
                        let _one = running.value();
                        yield_now().await;
                        // Two for each task that runs, one for the task that waits to be started.
                        running.get()
                    })
                    .await;
            }
            let outcomes = group.join().await;
            assert_eq!(outcomes.len(), 200);
            for most in outcomes {
                assert!(most.unwrap() <= 2 * limit + 1);
            }
        }
    });
}

#[test]
fn spawning_waits_for_a_slot_and_try_spawning_gives_the_future_back() {
    run(async {
        let group = Group::isolate(&Context::new()).limit(2);
        let (tx, rx) = bounded::<()>(0);
        for _ in 0..2 {
            let rx = rx.clone();
            group.spawn(async move { rx.recv().await.is_ok() }).await;
        }
        let Err(Full(future)) = group.try_spawn(std::future::ready(true)) else {
            panic!("there is no slot")
        };
        let waited = time::timeout(Duration::from_millis(5), group.spawn(future)).await;
        assert!(waited.is_err(), "it waits, and given up starts nothing");
        assert_eq!(group.len(), 2);

        tx.send(()).await.unwrap();
        group.next().await.unwrap().1.unwrap();
        group.spawn(async { true }).await;
        tx.send(()).await.unwrap();
        assert_eq!(group.join().await.len(), 2);
    });
}

#[test]
fn a_task_that_panics_gives_its_slot_back() {
    run(async {
        let group = Group::isolate(&Context::new()).limit(1);
        for _ in 0..20 {
            group.spawn(async { panic!("no luck") as () }).await;
            assert!(group.next().await.unwrap().1.is_err_and(|error| error.is_panic()));
        }
    });
}

#[test]
fn no_more_tasks_are_in_a_group_than_its_budget_allows() {
    run(async {
        let group = Arc::new(Group::isolate(&Context::new()).limit(3).max_tasks(4));
        let outcomes = LiveCount::default();
        let (starts, values) = (group.clone(), outcomes.clone());
        let starter = task::spawn(async move {
            for n in 0..200 {
                let value = values.value();
                starts.spawn(async move { (n, value) }).await;
                assert!(starts.len() <= 4);
            }
        });
        let mut numbers = Vec::new();
        while numbers.len() < 200 {
            match group.next().await {
                Some((_, outcome)) => numbers.push(outcome.unwrap().0),
                None => yield_now().await,
            }
            // One for the task that waits to be started, and the starter's own.
            assert!(outcomes.get() <= 6, "{} are kept", outcomes.get());
        }
        starter.await.unwrap();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
        assert!(group.is_empty());
    });
}

#[test]
fn a_task_that_has_ended_takes_room_until_its_outcome_was_taken() {
    run(async {
        let group = Group::isolate(&Context::new()).max_tasks(2);
        for n in 0..2 {
            group.spawn(async move { n }).await;
        }
        // They end, and nobody takes what they leave.
        yield_now().await;
        let Err(Full(future)) = group.try_spawn(std::future::ready(2)) else {
            panic!("there is no room")
        };
        {
            let mut spawn = pin!(group.spawn(future));
            assert!(poll(&mut spawn).is_pending(), "it waits, and given up starts nothing");
        }
        assert_eq!(group.len(), 2);
        group.next().await.unwrap().1.unwrap();
        group.spawn(async { 3 }).await;
        assert_eq!(group.join().await.len(), 2);
    });
}

#[test]
fn who_waits_for_a_slot_holds_room_and_gives_it_back() {
    run(async {
        let group = Group::isolate(&Context::new()).limit(1).max_tasks(2);
        let (tx, rx) = bounded::<()>(0);
        group.spawn(async move { rx.recv().await.is_ok() }).await;
        {
            let mut spawn = pin!(group.spawn(std::future::ready(true)));
            assert!(poll(&mut spawn).is_pending());
            assert!(group.try_spawn(std::future::ready(true)).is_err());
        }
        tx.send(()).await.unwrap();
        group.next().await.unwrap().1.unwrap();
        for _ in 0..2 {
            group.spawn(async { true }).await;
        }
        assert_eq!(group.join().await.len(), 2);
    });
}

#[test]
fn several_collect_and_each_outcome_goes_to_one_of_them() {
    run(async {
        let group = Arc::new(Group::isolate(&Context::new()));
        for n in 0..300u32 {
            group
                .spawn(async move {
                    yield_now().await;
                    n
                })
                .await;
        }
        let collect = |group: Arc<Group<u32>>| async move {
            let mut sum = 0;
            while let Some((_, outcome)) = group.next().await {
                sum += outcome.unwrap();
            }
            sum
        };
        let collectors = [(); 3].map(|()| task::spawn(collect(group.clone())));
        let mut sum = 0;
        for collector in collectors {
            sum += collector.await.unwrap();
        }
        assert_eq!(sum, 300 * 299 / 2);
    });
}

#[test]
#[should_panic(expected = "a group was limited to 0 tasks")]
fn a_budget_of_nothing_is_refused() {
    let _ = Group::<()>::isolate(&Context::new()).max_tasks(0);
}

#[test]
#[should_panic(expected = "a group was limited to 0 tasks")]
fn a_limit_of_nothing_is_refused() {
    let _ = Group::<()>::isolate(&Context::new()).limit(0);
}

#[test]
fn next_gives_outcomes_as_tasks_end() {
    run(async {
        let group = Group::isolate(&Context::new());
        let mut expected = HashMap::new();
        let mut starts = Vec::new();
        for n in 0..5 {
            let (tx, rx) = bounded::<()>(1);
            let id = group.spawn(async move { rx.recv().await.map(|()| n).unwrap() }).await;
            expected.insert(id, n);
            starts.push(tx);
        }
        for n in [3, 0, 4, 1, 2] {
            starts[n].send(()).await.unwrap();
            let (id, outcome) = group.next().await.unwrap();
            assert_eq!((expected[&id], outcome.unwrap()), (n, n));
        }
        assert!(group.next().await.is_none());
    });
}

#[test]
fn a_next_that_is_given_up_loses_no_outcome() {
    run(async {
        let group = Group::isolate(&Context::new());
        for n in 0..500 {
            group
                .spawn(async move {
                    yield_now().await;
                    n
                })
                .await;
        }
        let mut sum = 0;
        loop {
            select! {
                next = group.next() => match next {
                    Some((_, outcome)) => sum += outcome.unwrap(),
                    None => break,
                },
                () = yield_now() => {}
            }
        }
        assert_eq!(sum, 500 * 499 / 2);
    });
}

#[test]
fn a_group_that_is_collected_stays_small() {
    run(async {
        let live = LiveCount::default();
        let group = Group::isolate(&Context::new()).limit(4);
        let mut most = 0;
        for _ in 0..5_000 {
            let value = live.value();
            while group.len() >= 8 {
                group.next().await.unwrap().1.unwrap();
            }
            group.spawn(async move { value }).await;
            most = most.max(live.get());
        }
        assert!(most <= 9, "{most} outcomes are kept");
        assert_eq!(group.join().await.len(), 8);
        assert_eq!(live.get(), 0);
    });
}

#[test]
fn a_task_may_start_others_in_its_own_group() {
    run(async {
        let group = Arc::new(Group::isolate(&Context::new()));
        let (inner, (tx, rx)) = (group.clone(), bounded(1));
        group
            .spawn(async move {
                inner.spawn(async { 1 }).await;
                drop(inner);
                tx.send(()).await.unwrap();
                0
            })
            .await;
        rx.recv().await.unwrap();
        let group = Arc::into_inner(group).unwrap();
        let outcomes: Vec<i32> = group.join().await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes, [0, 1]);
    });
}

#[test]
fn tasks_the_runtime_refuses_are_outcomes_too() {
    let small = norace::rt::Builder::new().workers(1).max_tasks(2).build().unwrap();
    small.block_on(async {
        let group = Group::fail_fast(&Context::new());
        for _ in 0..3 {
            group.spawn(pending::<()>()).await;
        }
        let outcomes = group.join().await;
        assert_eq!(outcomes.len(), 3);
        assert!(
            outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(TaskError::is_cancelled))
        );
        assert!(outcomes[2].as_ref().unwrap_err().to_string().contains("budget"), "{outcomes:?}");
    });
}
