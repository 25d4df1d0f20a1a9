//! What is told of tasks: where they come from, what they are doing, what they wait for and where.

use super::support::{PATIENCE, event, expect_event, hog_until, runtime};
use norace::context::Context;
use norace::rt::{Handle, Runtime};
use norace::select::Select;
use norace::task::{self, BlockedOn, TaskSnapshot, TaskState};
use norace::{chan, time};
use std::future::Future;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(3600);

/// What is told of the only task of a runtime, once it waits for something.
fn told_of(handle: &Handle) -> TaskSnapshot {
    let waits = || handle.tasks().into_iter().find(|task| task.blocked.is_some());
    hog_until(|| waits().is_some());
    waits().expect("nobody ends its wait")
}

/// A task that waits is told with `on`, at `line` of this file.
#[track_caller]
fn assert_waits(runtime: Runtime, on: BlockedOn, line: u32) {
    let told = told_of(&runtime.handle());
    let blocked = told.blocked.expect("asked for");
    let place = blocked.at.expect("known");
    assert_eq!((blocked.on, place.file(), place.line()), (on, file!(), line), "{told}");
    assert_eq!(told.state, TaskState::Waiting);
    let text = told.to_string();
    assert!(text.contains(" is waiting ") && text.ends_with(&place.to_string()), "{text}");
    runtime.shutdown(PATIENCE).expect("it is cancelled");
}

#[test]
fn a_task_waits_for_a_channel() {
    let (tx, rx) = chan::bounded::<u32>(1);
    let pool = runtime(1);
    let line = line!() + 1;
    pool.spawn(async move { rx.recv().await });
    assert_waits(pool, BlockedOn::Receive, line);
    let pool = runtime(1);
    let (tx_full, _rx) = chan::bounded::<u32>(0);
    let line = line!() + 1;
    pool.spawn(async move { tx_full.send(1).await });
    assert_waits(pool, BlockedOn::Send, line);
    drop(tx);
}

#[test]
fn a_task_waits_for_an_answer() {
    let (_reply, answer) = chan::oneshot::channel::<u32>();
    let pool = runtime(1);
    let line = line!() - 2;
    pool.spawn(answer);
    assert_waits(pool, BlockedOn::Answer, line);
}

#[test]
fn a_task_waits_for_an_instant_or_a_context() {
    let pool = runtime(1);
    let line = line!() + 1;
    pool.spawn(async { time::sleep(LONG).await });
    assert_waits(pool, BlockedOn::Sleep, line);
    let pool = runtime(1);
    let context = Context::new();
    let line = line!() + 1;
    pool.spawn(async move { context.cancelled().await });
    assert_waits(pool, BlockedOn::Context, line);
}

#[test]
fn a_task_waits_for_another_one_that_is_named_by_its_place() {
    let pool = runtime(1);
    let line = line!() + 2;
    pool.spawn(async {
        let other = task::spawn(std::future::pending::<()>());
        other.await
    });
    assert_waits(pool, BlockedOn::Join, line);
}

#[test]
fn a_deadline_does_not_hide_what_a_task_waits_for() {
    let (_tx, rx) = chan::bounded::<u32>(1);
    let pool = runtime(1);
    let line = line!() + 2;
    pool.spawn(async move {
        norace::select! { value = rx.recv() => value.ok(), _ = time::sleep(LONG) => None }
    });
    assert_waits(pool, BlockedOn::Receive, line);
}

#[test]
fn a_task_waits_for_a_case_of_a_set_where_that_was_added() {
    let pool = runtime(1);
    let (_tx, rx) = chan::bounded::<u32>(0);
    let line = line!() + 3;
    pool.spawn(async move {
        let mut set = Select::new();
        set.recv(&rx, |value| value.is_ok());
        set.wait().await
    });
    assert_waits(pool, BlockedOn::Receive, line);
    let pool = runtime(1);
    let (tx, _rx) = chan::bounded::<u32>(0);
    let line = line!() + 3;
    pool.spawn(async move {
        let mut set = Select::new();
        set.send(&tx, 1, |sent| sent.is_ok());
        set.wait().await
    });
    assert_waits(pool, BlockedOn::Send, line);
    let pool = runtime(1);
    let context = Context::new();
    let line = line!() + 3;
    pool.spawn(async move {
        let mut set = Select::new();
        set.cancelled(&context, |_| false);
        set.wait().await
    });
    assert_waits(pool, BlockedOn::Context, line);
    let pool = runtime(1);
    let line = line!() + 3;
    pool.spawn(async move {
        let mut set = Select::new();
        set.after(LONG, || false);
        set.wait().await
    });
    assert_waits(pool, BlockedOn::Sleep, line);
}

#[cfg(feature = "futures")]
#[test]
fn a_task_waits_for_a_stream_or_a_sink_where_that_was_made() {
    use futures_core::Stream;
    use futures_sink::Sink;
    use std::future::poll_fn;
    use std::pin::Pin;

    let (tx, rx) = chan::bounded::<u32>(0);
    let pool = runtime(1);
    let line = line!() + 1;
    let mut stream = rx.clone().into_stream();
    pool.spawn(async move { poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await });
    assert_waits(pool, BlockedOn::Receive, line);
    let pool = runtime(1);
    let line = line!() + 1;
    let mut sink = tx.into_sink();
    pool.spawn(async move {
        Pin::new(&mut sink).start_send(1).unwrap();
        poll_fn(|cx| Pin::new(&mut sink).poll_flush(cx)).await
    });
    assert_waits(pool, BlockedOn::Send, line);
    drop(rx);
}

#[cfg(feature = "net")]
#[test]
fn a_task_waits_for_a_socket() {
    let pool = runtime(1);
    let line = line!() + 3;
    pool.spawn(async {
        let listener = norace::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.accept().await.map(drop)
    });
    assert_waits(pool, BlockedOn::Socket, line);
}

/// A task that waits for something foreign, after it did what the kit could do `before`, is told without a reason.
#[track_caller]
fn assert_waits_for_something_foreign<F: Future<Output = ()> + Send + 'static>(before: F) {
    let pool = runtime(1);
    let polled = event();
    let begun = polled.0;
    pool.spawn(async move {
        time::sleep(Duration::ZERO).await;
        before.await;
        begun.send(()).expect("the test waits for it");
        std::future::pending::<()>().await;
    });
    expect_event(&polled.1, "the task");
    hog_until(|| pool.handle().tasks()[0].state == TaskState::Waiting);
    let told = &pool.handle().tasks()[0];
    assert_eq!(told.blocked, None);
    assert!(told.to_string().ends_with(" is waiting"), "{told}");
}

#[test]
fn a_task_that_waits_for_something_foreign_is_told_without_a_reason() {
    assert_waits_for_something_foreign(async {});
}

#[test]
fn a_task_does_not_wait_for_what_it_only_looked_at() {
    let (_tx, rx) = chan::bounded::<u32>(1);
    let (_reply, mut answer) = chan::oneshot::channel::<u32>();
    assert_waits_for_something_foreign(async move {
        assert!(answer.try_recv().is_err());
        let mut set = Select::new();
        set.recv(&rx, |value| value.is_ok());
        assert_eq!(set.try_now(), None);
        norace::select! {
            value = rx.recv() => panic!("{value:?}"),
            answer = &mut answer => panic!("{answer:?}"),
            default => {}
        }
    });
}

#[test]
fn a_task_does_not_wait_for_the_arms_that_were_not_taken() {
    let (_tx, rx) = chan::bounded::<u32>(1);
    assert_waits_for_something_foreign(async move {
        norace::select! {
            biased;
            value = rx.recv() => panic!("{value:?}"),
            () = std::future::ready(()) => {}
        }
        let mut set = Select::biased();
        set.recv(&rx, |value| value.is_ok());
        set.future(std::future::ready(()), |()| false);
        assert!(!set.wait().await);
    });
}

#[test]
fn tasks_are_told_oldest_first_and_no_more_when_they_have_ended() {
    let pool = runtime(2);
    let tasks: Vec<_> = (0..50).map(|_| pool.spawn(std::future::pending::<()>())).collect();
    let ids: Vec<_> = pool.handle().tasks().iter().map(|task| task.id).collect();
    assert_eq!(ids, tasks.iter().map(task::JoinHandle::id).collect::<Vec<_>>());
    tasks.iter().for_each(task::JoinHandle::cancel);
    tasks.into_iter().for_each(|task| assert!(task.join_blocking().is_err()));
    assert!(pool.handle().tasks().is_empty());
}

#[test]
fn tasks_that_are_looked_at_again_and_again_lose_no_wake() {
    let pool = runtime(2);
    let (there, back) = (chan::bounded::<u32>(0), chan::bounded::<u32>(0));
    let answering = pool.spawn(async move {
        while let Ok(n) = there.1.recv().await {
            back.0.send(n + 1).await.unwrap();
        }
    });
    let asking = pool.spawn(async move {
        for n in 0..2_000 {
            there.0.send(n).await.unwrap();
            assert_eq!(back.1.recv().await, Ok(n + 1));
        }
    });
    let deadline = Instant::now() + PATIENCE;
    while !asking.is_finished() {
        assert!(Instant::now() < deadline, "a wake was lost: {:?}", pool.handle().tasks());
        for told in pool.handle().tasks() {
            assert!(told.blocked.is_none_or(|blocked| blocked.at.is_some()), "{told}");
        }
    }
    asking.join_blocking().unwrap();
    answering.join_blocking().unwrap();
}

#[test]
fn a_shutdown_names_the_channel_that_a_blocking_job_waits_for() {
    let pool = runtime(1);
    let (tx, rx) = chan::bounded::<u32>(1);
    let job = task::Builder::new().name("auditor").on(&pool.handle());
    let line = line!() + 1;
    let job = job.spawn_blocking(move || rx.recv_blocking()).unwrap();
    told_of(&pool.handle());
    let error = pool.shutdown(Duration::from_millis(20)).unwrap_err();
    let [told] = error.stuck() else { panic!("{error}") };
    let blocked = told.blocked.expect("it is in the kit's own code");
    let place = blocked.at.expect("known");
    assert_eq!((blocked.on, place.file(), place.line()), (BlockedOn::Receive, file!(), line));
    assert_eq!((told.state, told.name.as_deref()), (TaskState::Running, Some("auditor")));
    let wanted = format!("its thread waits to receive from the channel at {place}");
    assert!(error.to_string().contains(&wanted), "{error}");
    tx.send_blocking(1).unwrap();
    assert_eq!(job.join_blocking().unwrap(), Ok(1));
}

#[test]
fn a_shutdown_names_what_a_task_waits_for_in_place() {
    let pool = runtime(1);
    let (tx, rx) = chan::bounded::<u32>(1);
    let line = line!() + 1;
    let stuck = pool.spawn(async move { task::block_in_place(|| rx.recv_blocking()) });
    told_of(&pool.handle());
    let error = pool.shutdown(Duration::from_millis(20)).unwrap_err();
    let blocked = error.stuck()[0].blocked.expect("it is in the kit's own code");
    assert_eq!(blocked.at.expect("known").line(), line, "{error}");
    tx.send_blocking(1).unwrap();
    assert!(stuck.join_blocking().is_ok());
}

#[test]
fn a_job_that_waits_inside_another_runtime_is_told_by_its_own() {
    let (pool, other) = (runtime(1), runtime(1));
    let (tx, rx) = chan::bounded::<u32>(1);
    let elsewhere = other.handle();
    let line = line!() + 1;
    let job = pool.handle().spawn_blocking(move || elsewhere.block_on(rx.recv()));
    let told = told_of(&pool.handle());
    let blocked = told.blocked.expect("asked for");
    assert_eq!((blocked.on, blocked.at.expect("known").line()), (BlockedOn::Receive, line));
    tx.send_blocking(1).unwrap();
    assert_eq!(job.join_blocking().unwrap(), Ok(1));
}

#[test]
fn a_task_that_holds_a_worker_is_told_while_it_does_and_afterwards() {
    let pool = runtime(2);
    let handle = pool.handle();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let line = line!() + 1;
    let hog = task::Builder::new().name("hog").on(&handle).spawn(async move { released.recv() });
    let hog = hog.unwrap();
    hog_until(|| !handle.stalls().is_empty());
    let stall = handle.stalls().remove(0);
    assert_eq!((stall.task, stall.name.as_deref(), stall.over), (hog.id(), Some("hog"), false));
    assert_eq!((stall.spawned_at.file(), stall.spawned_at.line()), (file!(), line));
    assert!(stall.worker < 2 && stall.lasted >= Duration::from_millis(10));
    assert!(stall.to_string().contains(" (hog) spawned at "), "{stall}");
    // The look at all tasks says so, too.
    let told = handle.tasks().remove(0);
    assert!(told.id == hog.id() && told.stalled >= Some(stall.lasted), "{told}");
    assert!(told.to_string().contains(" is running, has held a worker for "), "{told}");
    release.send(()).unwrap();
    hog.join_blocking().unwrap().unwrap();
    hog_until(|| handle.stalls().iter().all(|stall| stall.over));
    let last = handle.stalls().remove(0);
    assert!(last.task == stall.task && last.lasted >= stall.lasted, "{last}");
    assert!(handle.metrics().stalls >= 1);
}

#[test]
fn a_task_that_blocks_in_place_or_in_a_job_holds_no_worker() {
    let pool = runtime(1);
    let handle = pool.handle();
    let long = Duration::from_millis(40);
    let in_place = pool.spawn(async move { task::block_in_place(|| std::thread::sleep(long)) });
    let job = handle.spawn_blocking(move || std::thread::sleep(long));
    let ids = [in_place.id(), job.id()];
    in_place.join_blocking().unwrap();
    job.join_blocking().unwrap();
    let told = handle.stalls();
    assert!(told.iter().all(|stall| !ids.contains(&stall.task)), "{told:?}");
}

#[test]
fn a_shutdown_that_fails_says_how_long_a_task_has_held_its_worker() {
    let pool = runtime(1);
    let handle = pool.handle();
    let (release, released) = std::sync::mpsc::channel::<()>();
    pool.spawn(async move { released.recv() });
    hog_until(|| !handle.stalls().is_empty());
    let error = pool.shutdown(Duration::from_millis(1)).unwrap_err();
    assert!(error.to_string().contains("is running, has held a worker for "), "{error}");
    drop(release);
}
