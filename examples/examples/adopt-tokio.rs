//! Norace inside a tokio program: channels, select, contexts and timers are futures like others.
//!
//! Observe: nothing of Norace's runtime is started. tokio runs the tasks; a worker of tokio's, a plain thread and the
//! main task share one channel; the context ends what is left.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::{chan, context::Context, select, time};
use std::time::Duration;

#[tokio::main]
async fn main() {
    let context = Context::new();
    let (orders, incoming) = chan::bounded::<u32>(2);

    let (lines, ends) = (orders.clone(), context.clone());
    let from_a_task = tokio::spawn(async move {
        for order in 1..=3 {
            lines.send(order).await.expect("somebody receives");
        }
        // Waits on the same context as everybody.
        ends.cancelled().await
    });
    let from_a_thread = std::thread::spawn(move || {
        for order in 10..=12 {
            orders.send_blocking(order).expect("somebody receives");
        }
    });

    let mut sum = 0;
    for _ in 0..6 {
        select! {
            order = incoming.recv() => sum += order.expect("six are sent"),
            _ = time::sleep(Duration::from_secs(5)) => println!("nothing for 5 s"),
        }
    }
    println!("six orders, {sum} in all");
    from_a_thread.join().expect("it does not panic");
    context.cancel();
    println!("the task ended: {}", from_a_task.await.expect("it does not panic"));
}
