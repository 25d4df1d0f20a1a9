//! The cooperative budget.

use super::support::{Flag, runtime};
use norace::task;

#[test]
fn a_task_whose_operations_are_always_ready_lets_others_run() {
    let runtime = runtime(1);
    let stop = Flag::default();
    runtime.block_on(async {
        let greedy = {
            let stop = stop.clone();
            task::spawn(async move {
                let mut rounds = 0u64;
                while !stop.is_set() {
                    // Ready at every poll, and no other await in the loop.
                    norace::time::sleep(std::time::Duration::ZERO).await;
                    rounds += 1;
                }
                rounds
            })
        };
        task::yield_now().await;
        let other = {
            let stop = stop.clone();
            task::spawn(async move { stop.set() })
        };
        other.await.unwrap();
        greedy.await.unwrap();
    });
}

#[test]
fn hundreds_of_idle_futures_in_one_task_cost_no_budget() {
    let runtime = runtime(1);
    runtime.block_on(async {
        let watcher = task::spawn(async {
            let never = std::time::Duration::from_secs(3600);
            let mut idle: Vec<_> = (0..500).map(|_| norace::time::sleep(never)).collect();
            let mut last = norace::time::sleep(std::time::Duration::ZERO);
            std::future::poll_fn(|cx| {
                for sleep in &mut idle {
                    assert!(std::pin::Pin::new(sleep).poll(cx).is_pending());
                }
                std::pin::Pin::new(&mut last).poll(cx)
            })
            .await;
        });
        watcher.await.unwrap();
    });
}
