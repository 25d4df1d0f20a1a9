//! A wait that ends.

use norace::{
    chan::{Receiver, bounded},
    context::Context,
    prim::thread,
    select_blocking, time,
};
use std::time::Duration;

/// Adds up what comes, until nothing can come any more or the context ends.
fn consume(incoming: &Receiver<u32>, context: &Context) -> u32 {
    let mut taken = 0;
    loop {
        // The time-out is armed anew for each turn, since it is made in it.
        select_blocking! {
            order = incoming.recv() => match order {
                Ok(order) => taken += order,
                Err(_) => break taken,
            },
            _ = time::sleep(Duration::from_millis(50)) => {} // nothing came: look after other things
            _ = context.cancelled() => break taken,
        }
    }
}

#[norace::test]
fn a_wait_ends_when_nothing_can_come() {
    let context = Context::new();
    let (orders, incoming) = bounded::<u32>(1);
    let consumer = thread::spawn(move || consume(&incoming, &context));
    orders.send_blocking(7).unwrap();
    drop(orders);
    assert_eq!(consumer.join().unwrap(), 7);
}

#[norace::test]
fn a_wait_ends_with_its_context() {
    let context = Context::new();
    let (orders, incoming) = bounded::<u32>(1);
    let inner = context.clone();
    let consumer = thread::spawn(move || consume(&incoming, &inner));
    context.cancel();
    assert_eq!(consumer.join().unwrap(), 0);
    assert!(orders.send_blocking(7).is_err());
}
