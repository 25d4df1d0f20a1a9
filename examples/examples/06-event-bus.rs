//! One stream of events, three subscribers: a ledger that must see all of it, a screen that wants what is recent, and
//! an auditor that comes late and starts with the oldest event there is.
//!
//! Observe: the screen stalls and neither the ledger nor the publisher notices; it is told exactly how much it has
//! lost. And the publication that panics costs its sequence, and nothing else.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::bus::{Bus, Event, Policy, RecvError, Start};
use norace::task;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[norace::main]
async fn main() {
    let bus = Bus::new(8);
    let mut ledger = bus.subscribe(Policy::Block, Start::Tail);
    let mut screen = bus.subscribe(Policy::DropOldest, Start::Tail);

    let ledger = task::spawn(async move {
        let mut total = 0;
        // Up to 64 events at a time, each read in its slot.
        while ledger.drain(64, |_, amount: &u64| total += amount).await.is_ok() {}
        total
    });

    for amount in 1..=20 {
        bus.publish(amount).await.expect("nobody has closed the bus");
    }
    let fill = || bus.try_publish_with(|_| panic!("no amount"));
    let panicked = catch_unwind(AssertUnwindSafe(fill)).is_err();
    bus.publish(21).await.expect("nobody has closed the bus");

    let mut auditor = bus.subscribe(Policy::DropOldest, Start::Oldest);
    let first = auditor.next().await.expect("the ring is full of events");
    println!("auditor: the oldest event is {} with amount {}", Event::sequence(&first), *first);
    drop(first);
    drop(bus);

    loop {
        match screen.recv().await {
            Ok(amount) => println!("screen: {amount}"),
            Err(RecvError::Lagged(missed)) => println!("screen: lost {missed} events"),
            Err(_) => break,
        }
    }
    println!("screen: {} sequence is void, panicked: {panicked}", screen.skipped());
    println!("ledger: total {}", ledger.await.expect("summing does not panic"));
}
