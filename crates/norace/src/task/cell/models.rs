//! A task from its making to its end: run, woken, cancelled, joined, detached, panicking, at every moment.

use super::{Body, Home, Spec, Task, TaskCell, enqueue};
use crate::context::Cause;
use crate::models::{all, join, poll};
use crate::rt::fixtures::scheduler;
use crate::rt::park::Parker;
use crate::rt::scheduler::Scheduler;
use crate::task::future::FutureBody;
use crate::task::pinned::PinnedHost;
use crate::task::{JoinHandle, TaskError};
use crate::wait::block_on;
use norace_check::{RaceCell, Tracked};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;
use std::future::{Future, pending, poll_fn};
use std::panic::Location;
use std::task::{Poll, Waker};

/// One thread that runs tasks until the last one has ended.
pub(in crate::task) struct Runner {
    scheduler: Arc<Scheduler>,
    host: Arc<PinnedHost>,
}

impl Runner {
    pub(in crate::task) fn new() -> Self {
        let scheduler = scheduler(1);
        let host = PinnedHost::new(Parker::new(scheduler.driver().clone()));
        Self { scheduler, host }
    }

    pub(in crate::task) fn host(&self) -> &Arc<PinnedHost> {
        &self.host
    }

    /// A task that nobody has queued yet; a place is reserved for it.
    pub(in crate::task) fn make<F>(&self, future: F) -> (Task, JoinHandle<F::Output>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let cell = self.cell(FutureBody::new(future));
        let handle = JoinHandle::new(cell.clone());
        (cell, handle)
    }

    fn cell<B: Body>(&self, body: B) -> Arc<TaskCell<B>> {
        let scheduler = self.scheduler.clone();
        let spec = Spec { name: None, spawned_at: Location::caller(), scheduler };
        TaskCell::new(spec, Home::Pinned(self.host.clone()), body)
    }

    /// Queues a task.
    pub(in crate::task) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        assert!(self.host.reserve(), "it has not ended");
        let (task, handle) = self.make(future);
        enqueue(task);
        handle
    }

    /// Runs what is queued and what is woken, as a worker without a place does.
    pub(in crate::task) fn start(&self) -> thread::JoinHandle<()> {
        let host = self.host.clone();
        thread::spawn(move || run_all(&host))
    }
}

pub(in crate::task) fn run_all(host: &PinnedHost) {
    while !host.try_close() {
        match host.pop() {
            Some(task) => task.run(),
            None => host.parker().park(),
        }
    }
}

/// Pending so many times, each time woken at once.
fn yields(times: u32) -> impl Future<Output = ()> + Send {
    let mut left = times;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

fn failed(reason: &str) -> Cause {
    Cause::Failed(reason.into())
}

#[test]
fn what_a_task_gives_reaches_who_joins_it_with_all_that_it_did() {
    all(|| {
        let runner = Runner::new();
        let work = Arc::new(RaceCell::new(0));
        let other = work.clone();
        let handle = runner.spawn(async move {
            yields(1).await;
            other.set(1);
            Tracked::new(42)
        });
        let thread = runner.start();
        assert_eq!(*handle.join_blocking().unwrap(), 42);
        assert_eq!(work.get(), 1);
        thread.join().unwrap();
    });
}

#[test]
fn a_cancel_at_any_moment_ends_a_task_or_comes_too_late() {
    all(|| {
        let runner = Runner::new();
        let held = Tracked::new(());
        let handle = runner.spawn(async move {
            yields(1).await;
            drop(held);
            42
        });
        let thread = runner.start();
        handle.cancel_with(failed("a"));
        match handle.join_blocking() {
            Ok(value) => assert_eq!(value, 42),
            Err(TaskError::Cancelled { cause }) => assert_eq!(cause, failed("a")),
            Err(error) => panic!("{error}"),
        }
        thread.join().unwrap();
    });
}

#[test]
fn of_two_cancels_the_first_reason_stands_and_the_future_ends_where_it_runs() {
    /// Tells on which thread it is dropped.
    struct Where(Arc<Mutex<Option<thread::ThreadId>>>);
    impl Drop for Where {
        fn drop(&mut self) {
            *lock(&self.0) = Some(thread::current().id());
        }
    }
    all(|| {
        let runner = Runner::new();
        let dropped = Arc::new(Mutex::new(None));
        let held = Where(dropped.clone());
        let handle = Arc::new(Mutex::new(Some(runner.spawn(async move {
            let _held = held;
            pending::<()>().await;
        }))));
        let thread = runner.start();
        let other = {
            let handle = handle.clone();
            thread::spawn(move || {
                if let Some(handle) = &*lock(&handle) {
                    handle.cancel_with(failed("b"));
                }
            })
        };
        let mut handle = lock(&handle).take().expect("nobody else takes it");
        handle.cancel_with(failed("a"));
        handle.cancel_with(failed("c"));
        let error = block_on(&mut handle).expect_err("it waits for ever");
        let TaskError::Cancelled { cause } = error else { panic!("{error}") };
        other.join().unwrap();
        assert!(cause == failed("a") || cause == failed("b"), "{cause}");
        let id = thread.thread().id();
        thread.join().unwrap();
        assert_eq!(*lock(&dropped), Some(id));
    });
}

#[test]
fn an_outcome_that_nobody_waits_for_is_dropped_whoever_comes_last() {
    all(|| {
        let runner = Runner::new();
        let (slot, value) = (Arc::new(Mutex::new(None)), Arc::new(()));
        let (leaves, gives) = (slot.clone(), value.clone());
        let handle = runner.spawn(async move {
            poll_fn(|cx| {
                *lock(&leaves) = Some(cx.waker().clone());
                Poll::Ready(())
            })
            .await;
            gives
        });
        let thread = runner.start();
        drop(handle);
        thread.join().unwrap();
        // Although a waker keeps what is left of the task.
        assert!(lock(&slot).is_some());
        assert_eq!(Arc::strong_count(&value), 1, "it is kept for nobody");
    });
}

#[test]
fn a_join_that_is_given_up_is_taken_up_by_another_thread() {
    all(|| {
        let runner = Runner::new();
        let mut handle = runner.spawn(async { Tracked::new(42) });
        let thread = runner.start();
        let early = poll(&mut handle);
        let other = thread::spawn(move || match early {
            Poll::Ready(outcome) => *outcome.unwrap(),
            Poll::Pending => *handle.join_blocking().unwrap(),
        });
        assert_eq!(other.join().unwrap(), 42);
        thread.join().unwrap();
    });
}

#[test]
fn a_panic_is_an_outcome_and_harms_nobody_else() {
    all(|| {
        let runner = Runner::new();
        let panics = runner.spawn(async {
            yields(1).await;
            panic!("on purpose");
        });
        let other = runner.spawn(async { 42 });
        let thread = runner.start();
        panics.cancel();
        let error = panics.join_blocking().expect_err("it panics, or is cancelled");
        match error {
            TaskError::Panicked { payload, .. } => {
                assert_eq!(payload.message(), Some("on purpose"))
            }
            TaskError::Cancelled { cause } => assert_eq!(cause, Cause::Cancelled),
        }
        assert_eq!(other.join_blocking().unwrap(), 42);
        thread.join().unwrap();
    });
}

#[test]
fn wakes_from_other_threads_reach_the_task_and_outlive_it() {
    all(|| {
        let runner = Runner::new();
        let slot: Arc<Mutex<(bool, Option<Waker>)>> = Arc::default();
        let other = slot.clone();
        let handle = runner.spawn(poll_fn(move |cx| {
            let mut slot = lock(&other);
            slot.1 = Some(cx.waker().clone());
            if slot.0 { Poll::Ready(7) } else { Poll::Pending }
        }));
        let thread = runner.start();
        let waker = thread::spawn(move || {
            let waker = {
                let mut slot = lock(&slot);
                slot.0 = true;
                slot.1.take()
            };
            // Twice: the second one may come when the task is done.
            if let Some(waker) = waker {
                waker.wake_by_ref();
                waker.wake();
            }
        });
        assert_eq!(handle.join_blocking().unwrap(), 7);
        join([waker, thread]);
    });
}

#[test]
fn whoever_finds_a_task_finished_finds_what_it_did() {
    all(|| {
        let runner = Runner::new();
        let work = Arc::new(RaceCell::new(0));
        let other = work.clone();
        let handle = runner.spawn(async move { other.set(1) });
        let thread = runner.start();
        if handle.is_finished() {
            assert_eq!(work.get(), 1);
        }
        handle.join_blocking().unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn tasks_that_wait_for_each_other_end() {
    all(|| {
        let runner = Runner::new();
        let first = runner.spawn(async { 20 });
        let second = runner.spawn(async move { first.await.unwrap() + 22 });
        let thread = runner.start();
        assert_eq!(second.join_blocking().unwrap(), 42);
        thread.join().unwrap();
    });
}
