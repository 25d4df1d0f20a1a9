//! A signal that happens once, a gate that opens and closes, and a lock: three things, three types.

use norace::prim::{sync::Arc, thread};
use norace::sync::{Gate, Latch, Mutex};

#[norace::test]
fn what_happens_once_stays_so() {
    let started = Arc::new(Latch::new());
    let waits = Arc::clone(&started);
    let thread = thread::spawn(move || waits.wait_blocking());
    // Twice is no fault: the first one counts.
    assert!(started.set());
    assert!(!started.set());
    thread.join().unwrap();
    assert!(started.is_set(), "also for who asks later");
}

#[norace::test]
fn a_gate_opens_and_closes_and_opens() {
    let gate = Arc::new(Gate::new(true));
    assert!(gate.close());
    let waits = Arc::clone(&gate);
    let thread = thread::spawn(move || waits.wait_blocking());
    assert!(gate.open());
    thread.join().unwrap();
    assert!(gate.close(), "it can be armed again");
}

#[norace::test]
fn a_lock_is_a_mutex() {
    let count = Arc::new(Mutex::new(0));
    let other = Arc::clone(&count);
    let thread = thread::spawn(move || *other.lock_blocking() += 1);
    *count.lock_blocking() += 1;
    thread.join().unwrap();
    assert_eq!(*count.lock_blocking(), 2);
}
