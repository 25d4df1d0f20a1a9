//! Sharing without a lock: a striped counter, a state machine moved by compare-and-swap, and the value that comes back
//! (ABA), which a version tells from one that never went.
//!
//! Observe: the counter is exact, for adding does not ask what was there, and so it has no ABA problem. Of the two who
//! move the same order from the same version one is told that it is stale; an illegal move is an error with both states
//! in it. Last, stock that was sold and returned between a read and a write has its old number again: the
//! compare-and-swap of numbers goes through, that of versions does not.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::prim::atomic::{AtomicU32, Ordering};
use norace::prim::thread;
use norace::sync::{Counter, MoveError, StateMachine, Versioned};

norace::states! {
    /// An order's life.
    enum Order {
        Pending => [Processing, Failed, Cancelled],
        Processing => [Confirmed, Failed, Cancelled],
        Confirmed => [],
        Failed => [],
        Cancelled => [],
    }
}

fn main() {
    count();
    moves();
    aba();
}

fn count() {
    static SERVED: Counter = Counter::new();
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| (0..1000).for_each(|_| SERVED.add(1)));
        }
    });
    println!("ten threads counted to {}", SERVED.get());
}

fn moves() {
    let order = StateMachine::new(Order::Pending);
    let (_, read) = order.load();
    let outcomes = thread::scope(|scope| {
        let payment = scope.spawn(|| order.compare_move(read, Order::Processing));
        let customer = scope.spawn(|| order.compare_move(read, Order::Cancelled));
        [payment, customer].map(|mover| mover.join().expect("moving does not panic"))
    });
    for (who, outcome) in ["payment", "customer"].iter().zip(outcomes) {
        match outcome {
            Ok(version) => println!("{who}: moved the order to version {version}"),
            Err(MoveError::Stale { state, version }) => {
                println!("{who}: too late, the order is {state:?} at version {version}");
            }
            Err(MoveError::Illegal(illegal)) => unreachable!("both moves are allowed: {illegal}"),
        }
    }
    if let Err(illegal) = order.move_to(Order::Pending) {
        println!("refused: {illegal}");
    }
    // Nobody waits for what cannot come any more.
    order.move_to(Order::Cancelled).ok();
    if let Err(lost) = order.wait_for_blocking(Order::Confirmed) {
        println!("refused: {lost}");
    }
}

fn aba() {
    let by_number = AtomicU32::new(10);
    let by_version = Versioned::new(10_u32);

    // Relaxed: one thread.
    let number = by_number.load(Ordering::Relaxed);
    let (seen, version) = by_version.load();

    // Meanwhile one is sold and comes back: the number is the same, and not the same stock.
    for change in [u32::wrapping_sub, u32::wrapping_add] {
        // Relaxed: one thread.
        by_number.store(change(by_number.load(Ordering::Relaxed), 1), Ordering::Relaxed);
        by_version.update(|stock| change(stock, 1));
    }

    let (relaxed, next) = (Ordering::Relaxed, number - 1);
    // Relaxed: one thread.
    let swapped = by_number.compare_exchange(number, next, relaxed, relaxed);
    println!("compare-and-swap of numbers: {swapped:?}, and nobody noticed");
    match by_version.compare_set(version, seen - 1) {
        Ok(version) => unreachable!("it was set in between: {version}"),
        Err(stale) => println!("compare-and-set of versions: {stale}"),
    }
}
