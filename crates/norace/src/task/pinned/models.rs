//! A thread that wants to end against those who bring it tasks.

use super::PinnedHost;
use crate::models::{all, finds, join, spawn};
use crate::task::cell::enqueue;
use crate::task::cell::models::{Runner, run_all};
use norace_prim::sync::{Arc, lock};
use norace_prim::thread;

#[test]
fn a_task_that_is_taken_is_run_and_one_that_comes_too_late_is_refused() {
    all(|| {
        let runner = Runner::new();
        let thread = runner.start();
        if runner.host().reserve() {
            let (task, handle) = runner.make(async { 42 });
            enqueue(task);
            assert_eq!(handle.join_blocking().unwrap(), 42);
        }
        thread.join().unwrap();
        assert!(!runner.host().reserve() && !runner.host().has_work());
    });
}

#[test]
fn two_who_bring_tasks_are_both_served_or_refused() {
    all(|| {
        let runner = Arc::new(Runner::new());
        let spawners = spawn(2, |n| {
            let runner = runner.clone();
            move || {
                if runner.host().reserve() {
                    let (task, handle) = runner.make(async move { n });
                    enqueue(task);
                    assert_eq!(handle.join_blocking().unwrap(), n);
                }
            }
        });
        run_all(runner.host());
        join(spawners);
        assert!(!runner.host().has_work());
    });
}

/// A task that ends elsewhere, without having been brought, while the thread waits for it.
fn ends_elsewhere(release: fn(&PinnedHost)) {
    let runner = Runner::new();
    assert!(runner.host().reserve());
    let host = runner.host().clone();
    let refused = thread::spawn(move || release(&host));
    run_all(runner.host());
    join([refused]);
}

#[test]
fn the_last_task_wakes_the_thread_that_waits_for_it_wherever_it_ends() {
    all(|| ends_elsewhere(PinnedHost::release));
}

#[test]
fn mutant_a_task_that_ends_elsewhere_and_wakes_nobody_keeps_the_thread() {
    let found = finds(|| ends_elsewhere(|host| lock(&host.mailbox).live -= 1));
    assert_eq!(found.kind, "deadlock", "{}", found.to_text());
}

#[test]
fn a_task_that_is_cancelled_and_woken_at_once_is_in_the_mailbox_once() {
    all(|| {
        let runner = Runner::new();
        let handle = runner.spawn(std::future::pending::<()>());
        let thread = runner.start();
        handle.cancel();
        handle.cancel();
        assert!(handle.join_blocking().is_err());
        thread.join().unwrap();
    });
}
