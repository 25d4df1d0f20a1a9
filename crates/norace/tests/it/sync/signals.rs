//! Latches, gates and wait groups.

use crate::support::{WakeCount, poll, poll_with};
use norace::sync::{Gate, Latch, WaitGroup};
use std::panic::{catch_unwind, resume_unwind};
use std::task::Poll;
use std::thread;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(1);

#[test]
fn a_latch_stays_set() {
    static LATCH: Latch = Latch::new();
    assert!(!LATCH.is_set() && !LATCH.wait_timeout(SOON));
    let waiters: Vec<_> = (0..4).map(|_| thread::spawn(|| LATCH.wait_blocking())).collect();
    assert!(LATCH.set());
    assert!(!LATCH.set());
    waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    assert!(LATCH.is_set() && LATCH.wait_timeout(SOON));
    LATCH.wait_blocking();
}

#[test]
fn a_wait_wakes_the_last_waker_it_was_polled_with() {
    let latch = Latch::new();
    let ((old, old_waker), (new, new_waker)) = (WakeCount::new(), WakeCount::new());
    let mut wait = latch.wait();
    assert!(poll_with(&mut wait, &old_waker).is_pending());
    assert!(poll_with(&mut wait, &new_waker).is_pending());
    latch.set();
    assert_eq!((old.get(), new.get()), (0, 1));
    assert!(poll(&mut wait).is_ready());
}

#[test]
fn a_wait_that_was_dropped_is_not_woken() {
    let gate = Gate::new(false);
    let (woken, waker) = WakeCount::new();
    let mut wait = gate.wait();
    assert!(poll_with(&mut wait, &waker).is_pending());
    drop(wait);
    gate.open();
    assert_eq!(woken.get(), 0);
}

#[test]
fn a_gate_opens_and_closes_again_and_again() {
    let gate = Gate::new(true);
    gate.wait_blocking();
    assert!(!gate.open() && gate.close() && !gate.close());
    assert!(!gate.wait_timeout(SOON));
    for _ in 0..3 {
        let mut wait = gate.wait();
        assert!(poll(&mut wait).is_pending());
        assert!(gate.open() && gate.close());
        assert_eq!(poll(&mut wait), Poll::Ready(()));
        assert!(poll(&mut gate.wait()).is_pending(), "who comes later waits");
    }
    let mut wait = gate.wait();
    assert!(poll(&mut wait).is_pending());
    assert!(gate.pulse());
    assert!(poll(&mut wait).is_ready() && !gate.is_open());
    gate.open();
    assert!(!gate.pulse() && gate.is_open());
}

#[test]
fn a_wait_group_waits_for_all_its_members_and_can_be_used_again() {
    let group = WaitGroup::default();
    group.wait_blocking();
    for round in 0..3 {
        let members: Vec<_> = (0..4).map(|_| group.add()).collect();
        assert_eq!(group.members(), 4);
        let mut wait = group.wait();
        assert!(poll(&mut wait).is_pending() && !group.wait_timeout(SOON));
        for member in members {
            assert!(poll(&mut wait).is_pending(), "round {round}");
            member.done();
        }
        // A new round keeps nobody of the last one.
        let next = group.add();
        assert!(poll(&mut wait).is_ready());
        drop(next);
    }
    assert_eq!(group.members(), 0);
}

#[test]
fn a_member_leaves_by_a_panic_and_counts_its_clones() {
    let group = WaitGroup::new();
    let member = group.add();
    let panics = move || {
        let _member = member;
        resume_unwind(Box::new(()));
    };
    assert!(catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(group.members(), 0);

    let member = group.add();
    let clone = member.clone();
    assert_eq!(member.group().members(), 2);
    drop(member);
    assert_eq!(group.members(), 1);
    clone.done();
    group.clone().wait_blocking();
}
