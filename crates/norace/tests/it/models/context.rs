//! Contexts between tasks.

use norace::context::{Cause, Context};
use norace::prim::thread;
use norace::time::Duration;
use norace::{chan, select, select_blocking, task};

#[norace::test(complete, budget_ms = 120_000)]
async fn a_task_ends_with_its_context_and_passes_that_on() {
    let root = Context::new();
    let child = root.child();
    let worker = task::spawn(async move {
        let below = child.child();
        let deeper = task::spawn(async move { below.cancelled().await });
        let cause = child.cancelled().await;
        assert_eq!(deeper.await.unwrap(), cause);
        cause
    });
    let canceller = task::spawn(async move { root.cancel_with(Cause::Shutdown) });
    assert_eq!(worker.await.unwrap(), Cause::Shutdown);
    assert!(canceller.await.unwrap());
}

#[norace::test(complete, budget_ms = 120_000)]
async fn work_under_a_context_stops_between_two_values() {
    let context = Context::new();
    let (tx, rx) = chan::bounded(1);
    let consumer = {
        let context = context.clone();
        task::spawn(async move {
            let mut sum = 0;
            loop {
                select! {
                    value = rx.recv() => match value {
                        Ok(value) => sum += value,
                        Err(_) => return (sum, rx),
                    },
                    _ = context.cancelled() => return (sum, rx),
                }
            }
        })
    };
    let producer = task::spawn(async move {
        let first = tx.send(1).await.is_ok();
        (first, tx.send(2).await.is_ok())
    });
    context.cancel();
    let (sum, rx) = consumer.await.unwrap();
    let left: i32 = std::iter::from_fn(|| rx.recv_blocking().ok()).sum();
    assert_eq!(producer.await.unwrap(), (true, true));
    assert_eq!(sum + left, 3);
}

#[norace::test(complete, budget_ms = 120_000)]
async fn a_deadline_or_an_answer_ends_a_wait() {
    let context = Context::new().with_timeout(Duration::from_millis(1));
    let (reply, answer) = chan::oneshot::channel();
    let server = task::spawn(async move { reply.send(42) });
    match context.run(answer).await {
        Ok(answer) => assert_eq!(answer, Ok(42)),
        Err(cause) => assert_eq!(cause, Cause::DeadlineExceeded),
    }
    let _ = server.await.unwrap();
}

/// Cancelling takes back the alarm of the deadline, which the search may have put to sleep.
#[norace::test(model_only)]
fn cancelling_meets_the_deadline() {
    let context = Context::new().with_timeout(Duration::from_nanos(50));
    let (cancelling, waiting) = (context.clone(), context.clone());
    let canceller = thread::spawn(move || cancelling.cancel());
    let waiter = thread::spawn(move || select_blocking! { _ = waiting.cancelled() => {} });
    let _ = context.is_cancelled();
    canceller.join().unwrap();
    waiter.join().unwrap();
}

#[cfg(norace)]
#[test]
fn a_report_says_who_waits_for_the_end_of_a_context() {
    let outcome = norace_check::Builder::new().run(|| {
        let context = Context::new();
        thread::spawn(move || norace::block_on(context.cancelled()));
    });
    let text = outcome.failure().expect("a leak");
    assert!(text.contains("waits to see the end of the context"), "{text}");
}
