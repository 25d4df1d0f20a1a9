//! The sleep protocol, step by step on one thread.

use super::{Announced, Idle};
use crate::rt::driver::Driver;
use crate::rt::park::Parker;
use norace_prim::sync::Arc;

fn parkers(n: usize) -> Vec<Arc<Parker>> {
    let driver = Arc::new(Driver::new().expect("descriptors for a netpoller"));
    (0..n).map(|_| Parker::new(driver.clone())).collect()
}

#[test]
fn nobody_is_woken_while_a_worker_searches() {
    let (idle, workers) = (Idle::new(2), parkers(2));
    assert!(!idle.wake_one(), "nobody sleeps");
    assert_eq!(idle.announce(&workers[0], false, false), Announced::Listed);
    assert!(idle.try_search());
    assert!(!idle.try_search(), "one searches at a time");
    assert!(!idle.wake_one());
    idle.end_search();
    assert!(idle.wake_one());
    assert!(!idle.wake_one(), "the woken one is the searcher now");
}

#[test]
fn who_is_woken_is_the_searcher_when_it_leaves_the_list() {
    let (idle, workers) = (Idle::new(2), parkers(2));
    idle.announce(&workers[0], false, false);
    assert!(!idle.retract(&workers[0]), "it left by itself");
    idle.announce(&workers[0], false, false);
    assert!(idle.wake_one());
    assert!(idle.retract(&workers[0]));
    assert!(!idle.try_search());
}

#[test]
fn who_sleeps_in_the_netpoller_is_woken_last() {
    let (idle, workers) = (Idle::new(3), parkers(3));
    idle.announce(&workers[0], false, false);
    idle.announce(&workers[1], true, false);
    idle.announce(&workers[2], false, false);
    assert!(idle.all_asleep());
    for expected in [2, 0, 1] {
        assert!(idle.wake_one());
        assert!(idle.retract(&workers[expected]), "worker {expected} has its turn");
        idle.end_search();
    }
}

#[test]
fn a_worker_that_sees_work_after_announcing_leaves_it_to_a_searcher_or_searches() {
    let (idle, workers) = (Idle::new(2), parkers(2));
    idle.announce(&workers[0], false, false);
    assert!(idle.try_search(), "another worker searches");
    assert!(!idle.retract_to_search(&workers[0]), "so this one may sleep");
    idle.end_search();
    assert!(idle.retract_to_search(&workers[0]));
    assert!(!idle.wants_wake() && !idle.try_search(), "it is the searcher, and no longer listed");
}

#[test]
fn a_searcher_gives_up_searching_in_the_step_in_which_it_announces() {
    let (idle, workers) = (Idle::new(1), parkers(1));
    assert!(idle.try_search());
    idle.announce(&workers[0], false, true);
    assert!(idle.wants_wake());
}

#[test]
fn nobody_goes_to_sleep_once_the_runtime_stops() {
    let (idle, workers) = (Idle::new(2), parkers(2));
    idle.announce(&workers[0], false, false);
    idle.stop();
    // Woken: this returns.
    workers[0].park();
    assert!(!idle.retract(&workers[0]), "woken to stop, not to search");
    assert_eq!(idle.announce(&workers[1], false, false), Announced::Stopping);
    assert!(!idle.monitor_pause(true, std::time::Duration::from_secs(3600)));
}
