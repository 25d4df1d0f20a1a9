//! The end of a host.

use super::PinnedHost;
use crate::rt::driver::Driver;
use crate::rt::park::Parker;
use norace_prim::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

#[test]
fn a_task_that_ends_elsewhere_wakes_the_thread_that_waits_for_it() {
    let driver = Arc::new(Driver::new().expect("make a netpoller"));
    let host = PinnedHost::new(Parker::new(driver));
    assert!(host.reserve());
    let (said, heard) = channel();
    let thread = {
        let host = host.clone();
        std::thread::spawn(move || {
            while !host.try_close() {
                said.send("waits").unwrap();
                host.parker().park();
            }
            said.send("ends").unwrap();
        })
    };
    let hear = || heard.recv_timeout(Duration::from_secs(30)).expect("the thread sleeps for ever");
    assert_eq!(hear(), "waits");
    host.release();
    assert_eq!(hear(), "ends");
    thread.join().unwrap();
    assert!(!host.reserve());
}
