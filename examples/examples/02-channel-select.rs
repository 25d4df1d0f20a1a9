//! A channel hands values over; `select!` waits for whichever of several things happens first.
//!
//! Observe: the values arrive in order, the quiet second ends the wait without losing any, and after `close` the
//! buffered value is still received before the channel says that it is closed.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::{chan, select, task, time};
use std::time::Duration;

#[norace::main]
async fn main() {
    let (sender, receiver) = chan::bounded(2);
    let producer = task::spawn(async move {
        for n in 1..=5 {
            sender.send(n).await.expect("the receiver waits for five values");
        }
        time::sleep(Duration::from_millis(80)).await;
        sender.send(6).await.expect("the receiver waits until the channel is closed");
        println!("closed first: {}, again: {}", sender.close(), sender.close());
        println!("a late send gives its value back: {:?}", sender.try_send(7));
    });

    loop {
        select! {
            value = receiver.recv() => match value {
                Ok(n) => println!("received {n}"),
                Err(_closed) => break,
            },
            () = time::sleep(Duration::from_millis(50)) => println!("nothing for 50 ms"),
        }
    }
    producer.await.expect("the producer does not panic");
}
