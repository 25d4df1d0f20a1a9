//! Waits that do not end, as the checker tells them.

use norace::chan::bounded;
use norace::prim::sync::{Arc, Condvar, Mutex};
use norace::prim::thread;
use norace_check::Builder;

fn finding(model: impl Fn()) -> String {
    Builder::new().run(model).finding.expect("it does not end").kind.to_string()
}

#[test]
fn a_loop_that_asks_and_never_waits_is_a_livelock() {
    let kind = finding(|| {
        let (sender, receiver) = bounded::<u32>(1);
        let thread = thread::spawn(move || {
            // A `select` with `default` in a loop. It ends with the channel, which nobody closes.
            while receiver.try_recv() != Err(norace::chan::TryRecvError::Closed) {}
        });
        thread.join().unwrap();
        drop(sender);
    });
    assert_eq!(kind, "livelock");
}

#[test]
fn a_task_that_waits_for_what_only_it_could_send_is_a_leak() {
    let kind = finding(|| {
        let (sender, receiver) = bounded::<u32>(1);
        let own = sender.clone();
        thread::spawn(move || {
            while receiver.recv_blocking().is_ok() {}
            // Kept for the answers: so the channel never closes.
            drop(own);
        });
        sender.send_blocking(7).unwrap();
    });
    assert_eq!(kind, "leak");
}

#[test]
fn a_signal_that_comes_before_the_wait_is_lost() {
    let kind = finding(|| {
        let ready = Arc::new((Mutex::new(()), Condvar::new()));
        let other = Arc::clone(&ready);
        let thread = thread::spawn(move || other.1.notify_one());
        // Nothing is looked at under the lock that says whether it has happened: a `Latch` would.
        let guard = ready.0.lock().unwrap();
        drop(ready.1.wait(guard).unwrap());
        thread.join().unwrap();
    });
    assert_eq!(kind, "lost-wakeup");
}
