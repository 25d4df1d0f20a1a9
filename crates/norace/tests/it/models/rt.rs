//! The real scheduler under the checker, with all its steps.

use norace::prim::sync::{Arc, Mutex, lock};
use norace::prim::thread;
use norace::time::{self, Duration, Instant};
use norace::{chan, task};

#[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
async fn a_task_is_run_and_joined() {
    assert_eq!(task::spawn(async { 6 * 7 }).await.unwrap(), 42);
}

#[norace::test(level = "rt", workers = 2, budget_ms = 3000)]
async fn two_tasks_are_run_and_joined() {
    let first = task::spawn(async { 20 });
    let second = task::spawn(async { 22 });
    assert_eq!(first.await.unwrap() + second.await.unwrap(), 42);
}

#[norace::test(level = "rt", workers = 2, budget_ms = 3000)]
async fn a_task_spawns_and_joins_another() {
    let outer = task::spawn(async { task::spawn(async { 41 }).await.unwrap() + 1 });
    assert_eq!(outer.await.unwrap(), 42);
}

#[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
async fn a_task_is_woken_from_another_thread() {
    let (tx, rx) = chan::bounded(0);
    let waiting = task::spawn(async move { rx.recv().await });
    let sender = thread::spawn(move || tx.send_blocking(42));
    assert_eq!(waiting.await.unwrap(), Ok(42));
    assert!(sender.join().unwrap().is_ok());
}

#[norace::test(level = "rt", workers = 2, budget_ms = 2000)]
async fn two_tasks_hand_values_to_each_other() {
    let (to, from) = (chan::bounded(0), chan::bounded(0));
    let (ask, asked) = to;
    let (answer, answered) = from;
    let echo = task::spawn(async move {
        while let Ok(value) = asked.recv().await {
            if answer.send(value + 1).await.is_err() {
                return;
            }
        }
    });
    let asker = task::spawn(async move {
        ask.send(1).await.unwrap();
        answered.recv().await.unwrap()
    });
    assert_eq!(asker.await.unwrap(), 2);
    echo.await.unwrap();
}

#[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
async fn tasks_that_yield_let_each_other_run() {
    let turns = Arc::new(Mutex::new(Vec::new()));
    let tasks = ['a', 'b'].map(|name| {
        let turns = turns.clone();
        task::spawn(async move {
            for _ in 0..2 {
                lock(&turns).push(name);
                task::yield_now().await;
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    let mut turns = lock(&turns).clone();
    turns.sort_unstable();
    assert_eq!(turns, ['a', 'a', 'b', 'b']);
}

#[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
async fn a_blocking_job_is_run_and_joined() {
    assert_eq!(task::spawn_blocking(|| 42).await.unwrap(), 42);
}

#[norace::test(level = "rt", workers = 1, budget_ms = 3000)]
async fn who_blocks_in_place_leaves_its_worker_to_others() {
    let (tx, rx) = chan::bounded(0);
    let blocks = task::spawn(async move { task::block_in_place(|| rx.recv_blocking()) });
    // The one worker there is runs this: another thread fills its place.
    let sends = task::spawn(async move { tx.send(42).await });
    assert_eq!(blocks.await.unwrap(), Ok(42));
    assert!(sends.await.unwrap().is_ok());
}

#[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
async fn a_pinned_task_stays_on_its_thread() {
    let pinned = task::spawn_pinned(|| async {
        let before = std::rc::Rc::new(thread::current().id());
        task::yield_now().await;
        *before == thread::current().id()
    });
    assert!(pinned.await.unwrap());
}

#[norace::test(level = "rt", workers = 2, budget_ms = 2000)]
async fn a_pinned_task_is_woken_from_another_one() {
    let (tx, rx) = chan::bounded(0);
    let pinned = task::spawn_pinned(move || async move { rx.recv().await });
    let sender = task::spawn(async move { tx.send(42).await });
    assert_eq!(pinned.await.unwrap(), Ok(42));
    assert!(sender.await.unwrap().is_ok());
}

#[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
async fn a_task_sleeps_for_its_time() {
    let napped = task::spawn(async {
        let begun = Instant::now();
        time::sleep(Duration::from_millis(1)).await;
        begun.elapsed()
    });
    assert!(napped.await.unwrap() >= Duration::from_millis(1));
}

#[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
async fn a_limit_ends_what_takes_too_long() {
    let (tx, rx) = chan::bounded(1);
    let limited = task::spawn(async move {
        let got = time::timeout(Duration::from_millis(1), rx.recv()).await;
        (got, rx)
    });
    tx.send(42).await.unwrap();
    let (got, rx) = limited.await.unwrap();
    assert_eq!(got.unwrap_or_else(|_| rx.recv_blocking()), Ok(42));
}

#[norace::test(level = "rt", workers = 2, budget_ms = 2000)]
async fn a_task_is_cancelled_at_any_moment() {
    let task = task::spawn(async {
        task::yield_now().await;
        42
    });
    task.cancel();
    match task.await {
        Ok(value) => assert_eq!(value, 42),
        Err(error) => assert!(error.is_cancelled(), "{error}"),
    }
}

#[norace::test(level = "rt", workers = 1, budget_ms = 2000)]
async fn a_panic_ends_one_task_alone() {
    let panics = task::spawn(async { assert!(thread::panicking(), "on purpose") });
    let other = task::spawn(async { 42 });
    let Err(error) = panics.await else { panic!("it gave a value") };
    assert_eq!((error.panic_message(), other.await.unwrap()), (Some("on purpose"), 42));
}
