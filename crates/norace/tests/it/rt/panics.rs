//! Panics stay where they are raised, and are told to who joins.

use super::support::{Drops, event, expect_event, runtime};
use norace::task::{self, TaskError};
use norace::time::{self, Duration};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

#[test]
fn a_panic_is_the_tasks_outcome_with_all_that_is_known_of_it() {
    let runtime = runtime(1);
    let handle = runtime.handle();
    let line = line!() + 2;
    let task = task::Builder::new().on(&handle).name("till");
    let task = task.spawn(async move { panic!("order {line} is broken") }).unwrap();
    let id = task.id();
    let error = task.join_blocking().map(drop).unwrap_err();
    assert_eq!(error.panic_message(), Some(&*format!("order {line} is broken")));
    let text = error.to_string();
    assert!(text.contains("(till)") && text.contains("panicked: order"), "{text}");
    match error {
        TaskError::Panicked { task, name, spawned_at, payload, .. } => {
            assert_eq!(task, id);
            assert_eq!(name.as_deref(), Some("till"));
            assert_eq!((spawned_at.file(), spawned_at.line()), (file!(), line));
            assert!(payload.into_inner().is::<String>());
        }
        TaskError::Cancelled { cause } => panic!("cancelled: {cause}"),
    }
    assert_eq!(runtime.handle().metrics().panics_in_poll, 1);
}

#[test]
fn a_payload_of_any_type_reaches_the_joiner_and_can_go_on_there() {
    let runtime = runtime(1);
    let task = runtime.spawn(async { std::panic::panic_any(17u8) });
    let error = task.join_blocking().map(drop).unwrap_err();
    assert_eq!(error.panic_message(), None);
    let resumed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| error.resume_panic()));
    assert_eq!(resumed.map(drop).unwrap_err().downcast_ref::<u8>(), Some(&17));
}

#[test]
fn other_tasks_of_the_worker_go_on_after_a_panic() {
    let runtime = runtime(1);
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            runtime.spawn(async move {
                task::yield_now().await;
                assert!(n % 2 == 0, "odd");
                n
            })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        match task.join_blocking() {
            Ok(value) => assert!(value == n && n % 2 == 0),
            Err(error) => assert!(error.is_panic() && n % 2 == 1),
        }
    }
    assert_eq!(runtime.handle().metrics().panics_in_poll, 50);
}

#[test]
fn a_future_that_panicked_is_dropped_once_and_not_polled_again() {
    let runtime = runtime(2);
    let drops = Drops::default();
    let guard = drops.guard();
    let mut polled = false;
    let task = runtime.spawn(poll_fn(move |cx| -> Poll<()> {
        let _guard = &guard;
        assert!(!polled, "polled after a panic");
        polled = true;
        cx.waker().wake_by_ref();
        panic!("once");
    }));
    assert_eq!(task.join_blocking().unwrap_err().panic_message(), Some("once"));
    assert_eq!(drops.count(), 1);
}

/// Ready at once, or never; panics when it is dropped.
struct PanicsInDrop {
    ready: bool,
}

impl Future for PanicsInDrop {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.ready { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

#[test]
fn a_panic_in_a_futures_destructor_is_the_tasks_outcome() {
    let runtime = runtime(1);
    let done = runtime.spawn(PanicsInDrop { ready: true });
    assert_eq!(done.join_blocking().unwrap_err().panic_message(), Some("in drop"));
    let cancelled = runtime.spawn(PanicsInDrop { ready: false });
    cancelled.cancel();
    assert_eq!(cancelled.join_blocking().unwrap_err().panic_message(), Some("in drop"));
    assert_eq!(runtime.handle().metrics().panics_in_drop, 2);
    assert_eq!(runtime.spawn(async { 1 }).join_blocking().unwrap(), 1, "the worker lives");
}

#[test]
fn an_output_or_payload_that_panics_in_drop_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("bomb");
            }
        }
    }
    let runtime = runtime(1);
    // Detached before they end, so that nobody but the worker is left to drop what they leave.
    let (open, gate) = norace::chan::bounded::<()>(1);
    let (first, second) = (gate.clone(), gate);
    drop(runtime.spawn(async move {
        let _ = first.recv().await;
        Bomb
    }));
    drop(runtime.spawn(async move {
        let _ = second.recv().await;
        std::panic::panic_any(Bomb)
    }));
    drop(open);
    super::support::hog_until(|| runtime.handle().metrics().panics_in_drop == 2);
    assert_eq!(runtime.spawn(async { 1 }).join_blocking().unwrap(), 1);
}

#[test]
fn a_joiners_waker_that_panics_does_not_kill_the_worker() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("waker");
        }
    }
    let runtime = runtime(1);
    let (open, gate) = norace::chan::bounded::<()>(1);
    let mut task = runtime.spawn(async move {
        let _ = gate.recv().await;
        5
    });
    let waker = Waker::from(Arc::new(Panics));
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(open);
    super::support::hog_until(|| runtime.handle().metrics().panics_in_drop == 1);
    assert_eq!(task.join_blocking().unwrap(), 5, "the outcome is there all the same");
}

#[test]
fn a_panic_in_a_blocking_job_is_its_outcome_and_the_thread_goes_on() {
    let runtime = runtime(1);
    let handle = runtime.handle();
    for n in 0..3 {
        let error = handle.spawn_blocking(move || assert_eq!(n, 9, "not nine")).join_blocking();
        assert!(error.unwrap_err().panic_message().unwrap().contains("not nine"));
    }
    assert_eq!(handle.spawn_blocking(|| 1).join_blocking().unwrap(), 1);
}

#[test]
#[should_panic(expected = "of the main future")]
fn a_panic_in_block_on_is_the_callers() {
    runtime(1).block_on(async { panic!("of the main future") })
}

#[test]
fn a_waker_whose_panic_panics_when_dropped_does_not_end_its_worker() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the drop of a payload");
        }
    }
    struct PanicsInWake;
    impl Wake for PanicsInWake {
        fn wake(self: Arc<Self>) {
            std::panic::panic_any(Bomb);
        }
    }
    let runtime = runtime(1);
    let (said, heard) = event();
    let task = runtime.spawn(async move {
        let soon = Duration::from_millis(5);
        let mut sleep = pin!(time::sleep(soon));
        let waker = Waker::from(Arc::new(PanicsInWake));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        // Later than that one, and served by the same worker.
        time::sleep(2 * soon).await;
        said.send(()).unwrap();
    });
    expect_event(&heard, "the task on the worker that woke");
    task.join_blocking().unwrap();
    assert_eq!(runtime.handle().metrics().panics_in_drop, 1);
}
