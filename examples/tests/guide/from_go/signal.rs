//! A signal that happens once, a turn that comes again, and a lock: three things, three types.

use norace::prim::sync::{Arc, Mutex};
use norace::{chan::bounded, context::Context, prim::thread};

#[norace::test]
fn what_happens_once_stays_so() {
    let started = Context::new();
    let waits = started.clone();
    let thread = thread::spawn(move || norace::block_on(waits.cancelled()));
    // Twice is no fault: the first one counts.
    assert!(started.cancel());
    assert!(!started.cancel());
    thread.join().unwrap();
    assert!(started.is_cancelled(), "also for who asks later");
}

#[norace::test]
fn a_turn_is_taken_and_given_back() {
    let (give, take) = bounded(1);
    let (give_back, take_too) = (give.clone(), take.clone());
    let count = Arc::new(Mutex::new(0));
    let other = Arc::clone(&count);
    give.send_blocking(()).unwrap();
    let thread = thread::spawn(move || {
        take_too.recv_blocking().unwrap();
        *other.lock().unwrap() += 1;
        give_back.send_blocking(()).unwrap();
    });
    take.recv_blocking().unwrap();
    *count.lock().unwrap() += 1;
    give.send_blocking(()).unwrap();
    thread.join().unwrap();
    assert_eq!(*count.lock().unwrap(), 2);
}
