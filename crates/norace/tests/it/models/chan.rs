//! Channels between tasks and threads.

use norace::chan;
use norace::prim::sync::{Arc, Mutex};
use norace::prim::thread;
use norace::{select, task};

#[norace::test]
async fn a_value_goes_from_task_to_task() {
    for capacity in [0, 1] {
        let (tx, rx) = chan::bounded(capacity);
        let sender = task::spawn(async move {
            tx.send(1).await.unwrap();
            tx.send(2).await.unwrap();
        });
        assert_eq!(rx.recv().await, Ok(1));
        assert_eq!(rx.recv().await, Ok(2));
        assert!(rx.recv().await.is_err());
        sender.await.unwrap();
    }
}

#[norace::test]
fn two_threads_send_and_one_receives() {
    let (tx, rx) = chan::bounded(1);
    let threads: Vec<_> = (0..2)
        .map(|n| {
            let tx = tx.clone();
            thread::spawn(move || tx.send_blocking(n).unwrap())
        })
        .collect();
    drop(tx);
    let mut got: Vec<i32> = rx.iter().collect();
    got.sort_unstable();
    assert_eq!(got, [0, 1]);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[norace::test]
async fn a_select_takes_each_value_once() {
    let (a_tx, a) = chan::bounded(1);
    let (b_tx, b) = chan::bounded(0);
    let first = task::spawn(async move { a_tx.send('a').await });
    let second = task::spawn(async move { b_tx.send('b').await });
    let seen = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..2 {
        select! {
            value = a.recv() => if let Ok(value) = value { seen.lock().unwrap().push(value) },
            value = b.recv() => if let Ok(value) = value { seen.lock().unwrap().push(value) },
        }
    }
    drop((a, b));
    let (_, _) = (first.await.unwrap(), second.await.unwrap());
}
