//! What several producers count beside their channel.

use norace::chan::bounded;
use norace::prim::atomic::{AtomicU64, Ordering};
use norace::prim::{sync::Arc, thread};

#[norace::test]
fn the_counter_beside_a_channel_counts() {
    let sent = Arc::new(AtomicU64::new(0));
    let (sender, receiver) = bounded(2);
    let producers = [1, 2].map(|value| {
        let (sender, sent) = (sender.clone(), Arc::clone(&sent));
        thread::spawn(move || {
            sender.send_blocking(value).unwrap();
            // Relaxed: a number of its own; who joins the producers sees all of it.
            sent.fetch_add(1, Ordering::Relaxed);
        })
    });
    drop(sender);
    assert_eq!(receiver.iter().sum::<u64>(), 3);
    for producer in producers {
        producer.join().unwrap();
    }
    // Relaxed: as above.
    assert_eq!(sent.load(Ordering::Relaxed), 2);
}
