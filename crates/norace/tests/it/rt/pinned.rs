//! Tasks that stay on one thread.

use super::support::{Drops, Flag, event, expect_event, runtime};
use norace::{task, time};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

#[test]
fn a_pinned_task_stays_on_its_thread_while_others_are_stolen_around_it() {
    let runtime = runtime(3);
    runtime.block_on(async {
        let pinned: Vec<_> = (0..6)
            .map(|_| {
                task::spawn_pinned(|| async {
                    let home = std::thread::current().id();
                    let count = Rc::new(Cell::new(0));
                    for round in 0..200 {
                        if round % 50 == 0 {
                            time::sleep(Duration::from_micros(100)).await;
                        }
                        task::yield_now().await;
                        assert_eq!(std::thread::current().id(), home);
                        count.set(count.get() + 1);
                    }
                    count.get()
                })
            })
            .collect();
        let noise: Vec<_> = (0..50)
            .map(|_| {
                task::spawn(async {
                    for _ in 0..100 {
                        task::yield_now().await;
                    }
                })
            })
            .collect();
        for task in pinned {
            assert_eq!(task.await.unwrap(), 200);
        }
        for task in noise {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_pinned_task_is_cancelled_and_dropped_on_its_thread() {
    let runtime = runtime(2);
    let drops = Drops::default();
    struct SameThread(std::thread::ThreadId);
    impl Drop for SameThread {
        fn drop(&mut self) {
            assert_eq!(self.0, std::thread::current().id());
        }
    }
    let guard = drops.guard();
    let (begun, has_begun) = event();
    let on = runtime.handle();
    let task = task::Builder::new().on(&on).spawn_pinned(move || async move {
        let _not_send = Rc::new(());
        let _here = SameThread(std::thread::current().id());
        let _guard = guard;
        begun.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    let task = task.unwrap();
    expect_event(&has_begun, "the pinned task");
    task.cancel();
    assert!(task.join_blocking().unwrap_err().is_cancelled());
    assert_eq!(drops.count(), 1);
}

/// Never ready.
struct PanicsInDrop;

impl Future for PanicsInDrop {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("while dropped");
    }
}

#[test]
fn a_pinned_task_that_panics_harms_nobody() {
    let runtime = runtime(1);
    runtime.block_on(async {
        let making = task::spawn_pinned(|| -> std::future::Ready<()> { panic!("while made") });
        let polling = task::spawn_pinned(|| async {
            let _not_send = Rc::new(());
            task::yield_now().await;
            panic!("while polled")
        });
        assert_eq!(making.await.unwrap_err().panic_message(), Some("while made"));
        let polled = polling.await.unwrap_err();
        assert_eq!(polled.panic_message(), Some("while polled"));
        let (begun, has_begun) = event();
        let dropping = task::spawn_pinned(move || {
            begun.send(()).unwrap();
            PanicsInDrop
        });
        expect_event(&has_begun, "the pinned task");
        dropping.cancel();
        assert_eq!(dropping.await.unwrap_err().panic_message(), Some("while dropped"));
        assert_eq!(task::spawn_pinned(|| async { 3 }).await.unwrap(), 3);
    });
}

#[test]
fn a_pinned_task_keeps_its_thread_after_that_gave_up_its_worker() {
    let runtime = runtime(1);
    let (go_on, may_go_on) = norace::chan::bounded::<()>(1);
    runtime.block_on(async {
        let pinned = task::spawn_pinned(|| async move {
            let home = std::thread::current().id();
            may_go_on.recv().await.unwrap();
            std::thread::current().id() == home
        });
        task::yield_now().await;
        // Another thread takes the worker's place, and answers.
        let (said, heard) = event();
        let blocker = task::spawn(async move {
            let other = task::spawn(async move { said.send(()).unwrap() });
            task::block_in_place(|| expect_event(&heard, "the new thread"));
            other.await.unwrap();
        });
        blocker.await.unwrap();
        go_on.send(()).await.unwrap();
        assert!(pinned.await.unwrap());
    });
}

#[test]
fn a_pinned_task_is_admitted_while_the_worker_changes_threads() {
    let runtime = runtime(1);
    let done = Flag::default();
    let churn = {
        let done = done.clone();
        runtime.spawn(async move {
            while !done.is_set() {
                task::spawn(async { task::block_in_place(std::thread::yield_now) }).await.unwrap();
            }
        })
    };
    let handle = runtime.handle();
    for n in 0..5_000 {
        let pinned = task::Builder::new().on(&handle).spawn_pinned(move || async move { n });
        assert_eq!(pinned.unwrap().join_blocking().unwrap(), n);
    }
    done.set();
    churn.join_blocking().unwrap();
}
