//! Jobs that block.

use super::support::{Count, Drops, PATIENCE, event, expect_event, hog_until, runtime};
use norace::prim::sync::{Condvar, Mutex, lock, wait_timeout};
use norace::rt::Builder;
use norace::task::{self, SpawnError, TaskError};
use std::sync::Arc;

/// Holds jobs until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    inside: Count,
}

impl Gate {
    fn pass(&self) {
        self.inside.add_one();
        let mut open = lock(&self.open);
        while !*open {
            let (woken, late) = wait_timeout(&self.opened, open, PATIENCE);
            assert!(!late, "the gate stayed closed");
            open = woken;
        }
    }

    fn open(&self) {
        *lock(&self.open) = true;
        self.opened.notify_all();
    }
}

#[test]
fn threads_and_queue_are_bounded_and_what_is_beyond_is_refused() {
    let runtime = Builder::new().workers(1).blocking_threads(2).blocking_queue(3).build().unwrap();
    let handle = runtime.handle();
    let gate = Arc::new(Gate::default());
    let job = || {
        let gate = gate.clone();
        task::Builder::new().on(&handle).spawn_blocking(move || gate.pass())
    };
    let begun: Vec<_> = (0..2).map(|_| job().unwrap()).collect();
    hog_until(|| gate.inside.get() == 2);
    let queued: Vec<_> = (0..3).map(|_| job().unwrap()).collect();
    assert_eq!(job().unwrap_err(), SpawnError::Full);
    let metrics = handle.metrics();
    assert_eq!((metrics.blocking_threads, metrics.blocking_queued), (2, 3));
    match handle.spawn_blocking(|| ()).join_blocking() {
        Err(TaskError::Cancelled { .. }) => {}
        other => panic!("expected a refused job, not {other:?}"),
    }
    assert_eq!(handle.metrics().tasks_live, 5, "refused jobs are forgotten");
    gate.open();
    begun.into_iter().chain(queued).for_each(|job| job.join_blocking().unwrap());
}

#[test]
fn a_waiting_job_can_be_cancelled_and_is_dropped_unrun() {
    let runtime = Builder::new().workers(1).blocking_threads(1).build().unwrap();
    let handle = runtime.handle();
    let gate = Arc::new(Gate::default());
    let first = {
        let gate = gate.clone();
        handle.spawn_blocking(move || gate.pass())
    };
    let drops = Drops::default();
    let guard = drops.guard();
    let second = handle.spawn_blocking(move || {
        let _guard = guard;
        unreachable!("ran");
    });
    second.cancel();
    gate.open();
    first.join_blocking().unwrap();
    assert!(second.join_blocking().unwrap_err().is_cancelled());
    assert_eq!(drops.count(), 1);
}

#[test]
fn blocking_jobs_may_block_on_futures_of_the_runtime() {
    let runtime = runtime(1);
    let handle = runtime.handle();
    let job = handle.spawn_blocking({
        let handle = handle.clone();
        move || {
            let task = task::spawn(async { 20 });
            handle.block_on(async { task.await.unwrap() + 1 })
        }
    });
    assert_eq!(job.join_blocking().unwrap(), 21);
}

#[test]
fn what_is_queued_on_a_worker_that_blocks_in_place_runs_meanwhile() {
    let runtime = runtime(1);
    let (said, heard) = event();
    let task = runtime.spawn(async move {
        let other = task::spawn(async move { said.send(()).unwrap() });
        task::block_in_place(|| expect_event(&heard, "the task behind the blocked one"));
        other.await.unwrap();
        5
    });
    assert_eq!(task.join_blocking().unwrap(), 5);
    assert_eq!(runtime.spawn(async { 6 }).join_blocking().unwrap(), 6, "the worker is back");
}

#[test]
fn blocking_in_place_again_and_again_and_nested_keeps_the_runtime_whole() {
    let runtime = runtime(2);
    let handle = runtime.handle();
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let handle = handle.clone();
            runtime.spawn(async move {
                let mut sum = 0;
                for _ in 0..5 {
                    sum += task::block_in_place(|| {
                        let nested = task::block_in_place(|| handle.spawn(async move { n }));
                        handle.block_on(nested).unwrap()
                    });
                    task::yield_now().await;
                }
                sum
            })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.join_blocking().unwrap(), 5 * n);
    }
}

#[test]
fn a_panic_while_blocking_in_place_is_the_tasks() {
    let runtime = runtime(1);
    let task = runtime.spawn(async { task::block_in_place(|| panic!("in place")) });
    assert_eq!(task.join_blocking().unwrap_err().panic_message(), Some("in place"));
    assert_eq!(runtime.spawn(async { 6 }).join_blocking().unwrap(), 6);
}

#[test]
fn outside_a_worker_blocking_in_place_just_runs() {
    assert_eq!(task::block_in_place(|| 1), 1);
    assert_eq!(runtime(1).block_on(async { task::block_in_place(|| 2) }), 2);
}

#[test]
fn threads_that_fill_a_place_are_not_counted_as_threads_for_jobs() {
    for _ in 0..10 {
        let runtime = Builder::new().workers(1).blocking_threads(1).build().unwrap();
        // Meanwhile another thread gets the place, and keeps it.
        let (said, heard) = event();
        let blocker = runtime.spawn(async move {
            let other = task::spawn(async move { said.send(()).unwrap() });
            task::block_in_place(|| expect_event(&heard, "the new thread"));
            other.await.unwrap();
        });
        blocker.join_blocking().unwrap();
        let running = Arc::new(Mutex::new(0));
        let (said, heard) = event();
        for _ in 0..3 {
            let (running, said) = (running.clone(), said.clone());
            drop(runtime.handle().spawn_blocking(move || {
                *lock(&running) += 1;
                std::thread::yield_now();
                assert_eq!(std::mem::replace(&mut *lock(&running), 0), 1, "jobs on one thread");
                said.send(()).unwrap();
            }));
        }
        for _ in 0..3 {
            expect_event(&heard, "a job that was accepted");
        }
    }
}
