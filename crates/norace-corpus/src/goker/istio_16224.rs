//! istio/istio#16224: a test's event handler keeps its lock while it says that it is done.
//!
//! The handler compares an event with what the test expects, under the lock that guards the expectation, and then sends
//! on a channel without buffer. The test, having made the event, takes the lock to change the expectation before it
//! receives. When the handler has the lock first, each waits for the other. Fixed by copying what is expected out of
//! the lock.
//!
//! Ordered to stop, the real monitor waits for one more event, which never comes; that second bug is left out.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go};
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "istio_16224",
    class: "Channel & Lock",
    kinds: BLOCKS,
    blames: &["monitor"],
    program,
};

type Event = u32;

struct ConfigStoreMonitor {
    event_ch: Chan<Event>,
}

impl ConfigStoreMonitor {
    fn run(&self, stop: &Chan<()>, handler: impl Fn(Event)) {
        loop {
            select_blocking! {
                _ = stop.receiver().recv() => return,
                event = self.event_ch.receiver().recv() => {
                    handler(event.expect("a channel that nobody closes"));
                }
            }
        }
    }
}

fn program(fixed: bool) {
    let monitor = Arc::new(ConfigStoreMonitor { event_ch: Chan::new(0) });
    let expected: Arc<Lock<Event>> = Arc::new(Lock::new(0));
    let (stop, done) = (Chan::new(0), Chan::new(0));
    let (runs, stops) = (monitor.clone(), stop.clone());
    let (expects, does) = (expected.clone(), done.clone());
    go("monitor", move || {
        runs.run(&stops, |event| {
            let expected = expects.lock();
            assert_eq!(event, *expected);
            if fixed {
                drop(expected);
                does.send(());
            } else {
                does.send(());
                drop(expected);
            }
        });
    });
    monitor.event_ch.send(0);
    drop(expected.lock());
    done.recv();
    stop.close();
}
