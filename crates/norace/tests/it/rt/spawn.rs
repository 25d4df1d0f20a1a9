//! Spawning, joining, stealing.

use super::support::{Count, PATIENCE, expect_event, hog_until, runtime};
use norace::rt::{Builder, Handle, Runtime};
use norace::task::{self, SpawnError, TaskError};
use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;

#[test]
fn tasks_give_their_values_to_who_joins_them() {
    let runtime = Runtime::new().unwrap();
    let sum = runtime.block_on(async {
        let square = |n: u64| async move {
            task::yield_now().await;
            n * n
        };
        let tasks: Vec<_> = (0..1000).map(|n| task::spawn(square(n))).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 332_833_500);
    assert_eq!(runtime.handle().metrics().tasks_live, 0);
}

#[test]
fn a_hundred_thousand_tasks_live_at_once_and_all_end() {
    let runtime = runtime(2);
    let started = Count::default();
    let (open, gate) = norace::chan::bounded::<()>(1);
    let total = runtime.block_on(async {
        let tasks: Vec<_> = (0..100_000usize)
            .map(|n| {
                let (started, gate) = (started.clone(), gate.clone());
                task::spawn(async move {
                    started.add_one();
                    assert!(gate.recv().await.is_err());
                    n
                })
            })
            .collect();
        let live = Handle::current().metrics().tasks_live;
        assert_eq!(live, 100_000);
        drop(open);
        let mut total = 0;
        for task in tasks {
            total += task.await.unwrap();
        }
        total
    });
    assert_eq!(total, 4_999_950_000);
    assert_eq!(started.get(), 100_000);
    let metrics = runtime.handle().metrics();
    assert_eq!((metrics.tasks_live, metrics.tasks_spawned), (0, 100_000));
}

#[test]
fn tasks_spawn_tasks_to_any_depth() {
    fn tree(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            let (left, right) = (task::spawn(tree(depth - 1)), task::spawn(tree(depth - 1)));
            left.await.unwrap() + right.await.unwrap()
        })
    }
    assert_eq!(runtime(2).block_on(tree(10)), 1024);
}

#[test]
fn threads_outside_spawn_through_a_handle() {
    let runtime = runtime(2);
    let handle = runtime.handle();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let handle = handle.clone();
            std::thread::spawn(move || {
                let tasks: Vec<_> =
                    (0..500).map(|n| handle.spawn(async move { thread * 1000 + n })).collect();
                tasks.into_iter().map(|task| task.join_blocking().unwrap()).collect::<HashSet<_>>()
            })
        })
        .collect();
    for (thread, values) in threads.into_iter().enumerate() {
        let expected: HashSet<_> = (0..500).map(|n| thread * 1000 + n).collect();
        assert_eq!(values.join().unwrap(), expected);
    }
}

#[test]
fn work_of_one_worker_is_stolen_by_the_others() {
    let runtime = runtime(4);
    let meet = Arc::new(Barrier::new(4));
    // All four are spawned on one worker, and none ends before all run: each needs a worker of its own.
    let spawner = runtime.spawn(async move {
        let blockers = (0..4).map(|_| {
            let meet = meet.clone();
            task::spawn(async move {
                meet.wait();
            })
        });
        blockers.collect::<Vec<_>>()
    });
    for blocker in spawner.join_blocking().unwrap() {
        blocker.join_blocking().unwrap();
    }
    assert!(runtime.handle().metrics().tasks_stolen >= 3);
}

#[test]
fn a_detached_task_goes_on() {
    let runtime = runtime(1);
    let (done, is_done) = super::support::event();
    drop(runtime.spawn(async move {
        task::yield_now().await;
        done.send(()).unwrap();
    }));
    expect_event(&is_done, "the detached task");
}

#[test]
fn the_output_of_a_detached_task_is_dropped_when_it_ends() {
    let runtime = runtime(1);
    let (dropped, is_dropped) = super::support::event();
    struct Says(std::sync::mpsc::Sender<()>);
    impl Drop for Says {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    drop(runtime.spawn(async move { Says(dropped) }));
    expect_event(&is_dropped, "the drop of the output");
}

#[test]
fn a_finished_task_is_joined_later_and_its_handle_says_so() {
    let runtime = runtime(1);
    let task = runtime.spawn(async { 7 });
    hog_until(|| task.is_finished());
    assert_eq!(task.join_blocking().unwrap(), 7);
}

#[test]
fn ids_differ_and_grow() {
    let runtime = runtime(1);
    let ids: Vec<_> = (0..10).map(|_| runtime.spawn(async {}).id()).collect();
    assert!(ids.is_sorted());
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 10);
}

#[test]
fn a_task_over_the_budget_is_refused_and_says_why() {
    let runtime = Builder::new().workers(1).max_tasks(2).build().unwrap();
    let (open, gate) = norace::chan::bounded::<()>(1);
    let wait = || {
        let gate = gate.clone();
        async move { gate.recv().await.is_err() }
    };
    let handle = runtime.handle();
    let first = runtime.spawn(wait());
    let second = runtime.spawn(wait());
    let third = task::Builder::new().on(&handle).spawn(wait());
    assert_eq!(third.unwrap_err(), SpawnError::Full);
    match runtime.spawn(wait()).join_blocking() {
        Err(TaskError::Cancelled { cause }) => {
            assert!(cause.to_string().contains("budget"), "{cause}");
        }
        other => panic!("expected a cancelled task, not {other:?}"),
    }
    drop(open);
    assert!(first.join_blocking().unwrap());
    assert!(second.join_blocking().unwrap());
    assert_eq!(runtime.handle().metrics().tasks_refused, 2);
    let fourth = task::Builder::new().on(&handle).spawn(async { 4 });
    assert_eq!(fourth.unwrap().join_blocking().unwrap(), 4, "ended tasks make room");
}

#[test]
fn a_wake_during_the_poll_is_not_lost() {
    let runtime = runtime(2);
    for _ in 0..200 {
        let mut polls = 0;
        let task = runtime.spawn(poll_fn(move |cx| {
            polls += 1;
            if polls > 3 {
                return Poll::Ready(polls);
            }
            let waker = cx.waker().clone();
            std::thread::scope(|scope| {
                scope.spawn(move || waker.wake());
            });
            Poll::Pending
        }));
        assert_eq!(task.join_blocking().unwrap(), 4);
    }
}

#[test]
fn a_future_is_not_polled_by_two_workers_at_once() {
    let runtime = runtime(4);
    let inside = Arc::new(Mutex::new(()));
    let mut polls = 0;
    let task = runtime.spawn(poll_fn(move |cx| {
        let _alone = inside.try_lock().expect("no other worker is inside");
        polls += 1;
        let wakers: Vec<_> = (0..3).map(|_| cx.waker().clone()).collect();
        let threads = wakers.into_iter().map(|waker| std::thread::spawn(move || waker.wake()));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        if polls < 100 { Poll::Pending } else { Poll::Ready(()) }
    }));
    task.join_blocking().unwrap();
}

#[test]
#[should_panic(expected = "neither a worker nor inside block_on")]
fn spawning_outside_a_runtime_panics_with_the_reason() {
    drop(task::spawn(async {}));
}

#[test]
fn block_on_takes_futures_that_are_not_send_and_nests_in_plain_threads() {
    let outer = runtime(1);
    let inner = runtime(1);
    let shared = std::rc::Rc::new(20);
    let sum = outer.block_on(async {
        let task = task::spawn(async { 1 });
        let nested = inner.block_on(async { *shared });
        nested + task.await.unwrap()
    });
    assert_eq!(sum, 21);
}

#[test]
fn block_on_inside_a_worker_panics_with_the_way_out() {
    let runtime = runtime(1);
    let handle = runtime.handle();
    let error = runtime.spawn(async move { handle.block_on(async {}) }).join_blocking();
    let message = error.unwrap_err().panic_message().map(str::to_owned).unwrap();
    assert!(message.contains("inside a worker"), "{message}");
    assert!(message.contains("spawn_blocking"), "{message}");
}

#[test]
fn a_task_woken_from_another_runtime_runs_on_its_own() {
    let (one, two) = (runtime(1), runtime(1));
    let (tx, rx) = norace::chan::bounded::<u32>(0);
    let receiver = one.spawn(async move {
        let mut sum = 0;
        while let Ok(value) = rx.recv().await {
            assert_eq!(std::thread::current().name(), Some("norace-worker-0"));
            sum += value;
        }
        sum
    });
    let before = two.handle().metrics().tasks_spawned;
    let sender = two.spawn(async move {
        for value in 0..1000 {
            tx.send(value).await.unwrap();
        }
    });
    sender.join_blocking().unwrap();
    assert_eq!(receiver.join_blocking().unwrap(), 499_500);
    assert_eq!(two.handle().metrics().tasks_spawned, before + 1);
}

#[test]
fn an_idle_runtime_does_not_poll_and_does_not_park_again_and_again() {
    let runtime = runtime(2);
    runtime.block_on(async { task::spawn(async {}).await.unwrap() });
    // Wait until it has come to rest.
    let mut before = runtime.handle().metrics();
    let start = std::time::Instant::now();
    loop {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let now = runtime.handle().metrics();
        if now == before {
            break;
        }
        before = now;
        assert!(start.elapsed() < PATIENCE, "an idle runtime does not come to rest: {now:?}");
    }
}
