//! What the thread holds.

use super::{TimerThread, new_queue, queue};
use norace_prim::sync::lock;
use norace_prim::time::{Duration, Instant};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Wake, Waker};

struct Say(std::sync::mpsc::Sender<()>);

impl Wake for Say {
    fn wake(self: Arc<Self>) {
        // The test may have ended.
        let _ = self.0.send(());
    }
}

#[test]
fn queues_without_a_timer_are_not_kept_while_another_one_waits() {
    let patience = Duration::from_secs(30);
    let (said, heard) = channel();
    let waker = Waker::from(Arc::new(Say(said)));
    let shared = queue();
    let far = shared.insert(Instant::now() + Duration::from_secs(3600), waker.clone());
    let queues: Vec<_> = (0..100)
        .map(|_| {
            let queue = new_queue();
            queue.insert(Instant::now(), waker.clone());
            heard.recv_timeout(patience).expect("a timer that is due fires");
            Arc::downgrade(&queue)
        })
        .collect();
    let start = Instant::now();
    while queues.iter().any(|queue| queue.strong_count() > 0) {
        assert!(start.elapsed() < patience, "queues without a timer are kept");
        std::thread::yield_now();
    }
    // One that was let go is served again when it is used again.
    let queue = new_queue();
    for _ in 0..3 {
        queue.insert(Instant::now(), waker.clone());
        heard.recv_timeout(patience).expect("a timer that is due fires");
        while lock(&TimerThread::get().state).queues.iter().any(|known| Arc::ptr_eq(known, &queue))
        {
            assert!(start.elapsed() < 2 * patience, "a queue without a timer is kept");
            std::thread::yield_now();
        }
    }
    assert!(shared.remove(far));
}
