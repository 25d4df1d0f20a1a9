//! Applications of what tasks share, between tasks and threads.

use norace::prim::thread;
use norace::sync::{
    Gate, Latch, Mutex, OnceCell, Semaphore, StateMachine, Version, Versioned, WaitGroup,
};
use norace::task;
use std::sync::Arc;

norace::states! {
    enum Order {
        Pending => [Processing, Cancelled],
        Processing => [Confirmed, Cancelled],
        Confirmed => [],
        Cancelled => [],
    }
}

#[norace::test(complete, budget_ms = 120_000)]
async fn a_mutex_is_held_across_an_await() {
    let mutex = Arc::new(Mutex::new(0));
    let tasks: Vec<_> = (0..2)
        .map(|_| {
            let mutex = mutex.clone();
            task::spawn(async move {
                let mut guard = mutex.lock().await;
                let seen = *guard;
                task::yield_now().await;
                *guard = seen + 1;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*mutex.lock().await, 2);
}

#[norace::test(complete, budget_ms = 120_000)]
async fn an_order_is_confirmed_or_cancelled_and_who_waits_hears_which() {
    let order = Arc::new(StateMachine::new(Order::Pending));
    let worker = {
        let order = order.clone();
        task::spawn(async move {
            let processing = order.move_to(Order::Processing).ok()?;
            order.compare_move(processing, Order::Confirmed).ok()
        })
    };
    let canceller = {
        let order = order.clone();
        task::spawn(async move { order.move_to(Order::Cancelled).is_ok() })
    };
    let confirmed = order.wait_for(Order::Confirmed).await;
    let cancelled = canceller.await.unwrap();
    assert!(confirmed.is_ok() ^ cancelled);
    assert_eq!(worker.await.unwrap().is_some(), confirmed.is_ok());
    if confirmed.is_err() {
        assert_eq!(order.state(), Order::Cancelled);
    }
}

#[norace::test(complete, budget_ms = 120_000)]
async fn a_follower_sees_the_last_version() {
    let rate = Arc::new(Versioned::new(Arc::new(String::from("7"))));
    let setter = {
        let rate = rate.clone();
        thread::spawn(move || {
            rate.set(Arc::new("8".into()));
            rate.set(Arc::new("9".into()));
        })
    };
    let mut seen = Version::FIRST;
    while seen.get() < 3 {
        seen = rate.changed(seen).await.1;
    }
    assert_eq!(*rate.load().0, "9");
    setter.join().unwrap();
}

#[norace::test(complete, budget_ms = 120_000)]
async fn workers_start_together_and_are_waited_for() {
    let (start, group) = (Arc::new(Latch::new()), WaitGroup::new());
    let permits = Arc::new(Semaphore::new(1));
    for _ in 0..2 {
        let (start, permits, member) = (start.clone(), permits.clone(), group.add());
        thread::spawn(move || {
            start.wait_blocking();
            let _permit = permits.acquire_blocking(1).unwrap();
            member.done();
        });
    }
    start.set();
    group.wait().await;
}

#[norace::test(complete, budget_ms = 120_000)]
async fn a_value_is_made_by_one_and_a_gate_lets_both_go() {
    let (cell, gate) = (Arc::new(OnceCell::new()), Arc::new(Gate::new(false)));
    let tasks: Vec<_> = (1..=2)
        .map(|number| {
            let (cell, gate) = (cell.clone(), gate.clone());
            task::spawn(async move {
                gate.wait().await;
                *cell.get_or_init(|| async move { number }).await
            })
        })
        .collect();
    gate.open();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    assert_eq!(seen[0], seen[1]);
}
