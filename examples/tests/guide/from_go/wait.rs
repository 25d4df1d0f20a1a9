//! A wait that ends.

use norace::{chan::bounded, context::Context, prim::thread, select_blocking, time};
use std::time::Duration;

#[norace::test]
fn a_wait_ends_with_a_value_with_time_or_with_the_context() {
    let context = Context::new();
    let (orders, incoming) = bounded::<u32>(1);
    let (stop, ends) = (context.clone(), context.clone());
    let consumer = thread::spawn(move || {
        let mut taken = 0;
        loop {
            // The time-out is armed anew for each turn, since it is made in it.
            select_blocking! {
                order = incoming.recv() => match order {
                    Ok(order) => taken += order,
                    Err(_) => break taken,
                },
                _ = time::sleep(Duration::from_millis(50)) => {} // nothing came: look after other things
                _ = ends.cancelled() => break taken,
            }
        }
    });
    orders.send_blocking(7).unwrap();
    drop(orders);
    assert!(consumer.join().unwrap() <= 7);
    stop.cancel();
}
