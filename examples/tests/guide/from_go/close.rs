//! A channel that two may close.

use norace::{chan::bounded, prim::thread};

#[norace::test]
fn the_second_close_is_an_answer() {
    let (sender, receiver) = bounded(1);
    sender.send_blocking(1).unwrap();
    let other = sender.clone();
    let thread = thread::spawn(move || other.close());
    let here = sender.close();
    let there = thread.join().unwrap();
    assert!(here != there, "one of them closed it");
    // What was in it comes out first, and then the end, as often as one asks.
    assert_eq!(receiver.recv_blocking(), Ok(1));
    assert!(receiver.recv_blocking().is_err());
    assert!(receiver.recv_blocking().is_err());
}
