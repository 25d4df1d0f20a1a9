//! Channels and contexts between tasks of the kit's runtime and threads.

use crate::rt::support::{PATIENCE, runtime};
use norace::chan::{Receiver, bounded, unbounded};
use norace::context::{Cause, Context};
use norace::prim::rand::below;
use norace::task::{self, JoinHandle, TaskError, yield_now};
use norace::{select, time};
use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

fn run<F: Future>(future: F) -> F::Output {
    runtime(2).block_on(async {
        match time::timeout(2 * PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("the test is stuck"),
        }
    })
}

async fn yields(times: u64) {
    for _ in 0..times {
        yield_now().await;
    }
}

/// Lets `task` run for a moment, cancels it, and says what it came to.
async fn cut_short<T>(task: JoinHandle<T>) -> Option<T> {
    yields(below(4)).await;
    task.cancel();
    match task.await {
        Ok(value) => Some(value),
        Err(TaskError::Cancelled { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn receiving_tasks_that_are_cancelled_lose_nothing_and_keep_the_order() {
    const VALUES: u32 = 10_000;
    for capacity in [0, 1, 4] {
        run(async {
            let (tx, rx) = bounded(capacity);
            let producer = task::spawn(async move {
                for n in 0..VALUES {
                    tx.send(n).await.unwrap();
                }
            });
            let (mut next, mut cancelled) = (0, 0);
            loop {
                let rx = rx.clone();
                match cut_short(task::spawn(async move { rx.recv().await })).await {
                    Some(Ok(value)) => {
                        assert_eq!(value, next);
                        next += 1;
                    }
                    Some(Err(_)) => break,
                    None => cancelled += 1,
                }
            }
            producer.await.unwrap();
            assert_eq!(next, VALUES, "capacity {capacity}");
            assert!(cancelled > 0, "both fates are tried");
        });
    }
}

#[test]
fn sending_tasks_that_are_cancelled_deliver_once_or_not_at_all() {
    for capacity in [0, 1, 4] {
        run(async {
            let (tx, rx) = bounded(capacity);
            let consumer = task::spawn(async move {
                let mut received = HashSet::new();
                while let Ok(value) = rx.recv().await {
                    assert!(received.insert(value), "{value} came twice");
                    yields(below(3)).await;
                }
                received
            });
            let mut sent = HashSet::new();
            for n in 0..10_000 {
                let tx = tx.clone();
                if let Some(result) = cut_short(task::spawn(async move { tx.send(n).await })).await
                {
                    result.unwrap();
                    sent.insert(n);
                }
            }
            drop(tx);
            assert!(sent.is_subset(&consumer.await.unwrap()), "a value was sent and lost");
        });
    }
}

#[test]
fn receives_that_time_out_lose_nothing() {
    const VALUES: u32 = 3_000;
    for capacity in [0, 1, 4] {
        run(async {
            let (tx, rx) = bounded(capacity);
            let producer = task::spawn(async move {
                for n in 0..VALUES {
                    tx.send(n).await.unwrap();
                    yields(below(3)).await;
                }
            });
            let mut next = 0;
            loop {
                let limit = Duration::from_micros(below(60));
                match time::timeout(limit, rx.recv()).await {
                    Ok(Ok(value)) => {
                        assert_eq!(value, next);
                        next += 1;
                    }
                    Ok(Err(_)) => break,
                    Err(_) => {}
                }
            }
            producer.await.unwrap();
            assert_eq!(next, VALUES, "capacity {capacity}");
        });
    }
}

#[test]
fn tasks_and_threads_share_one_channel() {
    for capacity in [Some(0), Some(1), Some(16), None] {
        let sum: u64 = run(async {
            let (tx, rx) = capacity.map_or_else(unbounded, bounded);
            let (there, back) = (tx.clone(), rx.clone());
            task::spawn(async move {
                for n in 1..=2_000 {
                    tx.send(n).await.unwrap();
                }
            });
            let thread = std::thread::spawn(move || {
                (2_001..=4_000).for_each(|n| there.send_blocking(n).unwrap());
            });
            let blocking = task::spawn_blocking(move || back.into_iter().sum::<u64>());
            let waiting = task::spawn(async move {
                let mut sum = 0;
                while let Ok(n) = rx.recv().await {
                    sum += n;
                }
                sum
            });
            let sum = blocking.await.unwrap() + waiting.await.unwrap();
            thread.join().unwrap();
            sum
        });
        assert_eq!(sum, 4_000 * 4_001 / 2, "capacity {capacity:?}");
    }
}

async fn work(jobs: Receiver<u64>, context: Context) -> (u64, Option<Cause>) {
    let mut done = 0;
    loop {
        select! {
            job = jobs.recv() => match job {
                Ok(_) => done += 1,
                Err(_) => return (done, None),
            },
            cause = context.cancelled() => return (done, Some(cause)),
        }
    }
}

#[test]
fn a_thousand_workers_stop_with_their_context_and_no_job_is_lost() {
    run(async {
        let (tx, rx) = bounded(8);
        let context = Context::new();
        let workers: Vec<_> =
            (0..1_000).map(|_| task::spawn(work(rx.clone(), context.child()))).collect();
        for job in 0..20_000 {
            tx.send(job).await.unwrap();
        }
        context.cancel_with(Cause::Shutdown);
        let mut done = 0;
        for worker in workers {
            let (own, cause) = worker.await.unwrap();
            done += own;
            assert_eq!(cause, Some(Cause::Shutdown));
        }
        let mut left = Vec::new();
        let _ = rx.try_recv_many(&mut left, usize::MAX);
        assert_eq!(done + left.len() as u64, 20_000);
    });
}

#[test]
fn a_channel_that_is_always_ready_lets_other_tasks_run() {
    runtime(1).block_on(async {
        let (tx, rx) = unbounded();
        let (loop_tx, loop_rx) = (tx.clone(), rx.clone());
        let (stop_tx, stop_rx) = bounded::<()>(1);
        // It feeds itself: each receive is ready at once, and so is each select.
        let busy = task::spawn(async move {
            loop_tx.send(0u64).await.unwrap();
            loop {
                select! {
                    biased;
                    n = loop_rx.recv() => loop_tx.send(n.unwrap() + 1).await.unwrap(),
                    _ = stop_rx.recv() => unreachable!("the first arm is always ready"),
                }
                if stop_rx.try_recv().is_ok() {
                    break;
                }
            }
        });
        task::spawn(async move { stop_tx.send(()).await.unwrap() }).await.unwrap();
        busy.await.unwrap();
    });
}

#[test]
fn a_blocking_call_inside_a_task_does_not_depend_on_the_tasks_budget() {
    run(async {
        let (tx, rx) = unbounded();
        task::spawn(async move {
            for n in 0..1_000u32 {
                tx.send_blocking(n).unwrap();
                assert_eq!(rx.recv_blocking(), Ok(n));
                norace::block_on(async { tx.send(n).await.unwrap() });
                assert_eq!(norace::block_on(rx.recv()), Ok(n));
            }
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_default_is_not_taken_because_the_budget_is_spent() {
    run(async {
        task::spawn(async {
            let (tx, rx) = unbounded();
            (0..1_000).for_each(|n| tx.try_send(n).unwrap());
            for expected in 0..1_000 {
                let got = select! {
                    n = rx.recv() => n.ok(),
                    default => None,
                };
                assert_eq!(got, Some(expected));
            }
        })
        .await
        .unwrap();
    });
}
