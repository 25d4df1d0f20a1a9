//! Latches, gates and wait groups: nobody waits beside a signal, and nobody is let go by one from before.

use crate::models::{all, join, poll, spawn};
use crate::sync::event::Inside;
use crate::sync::{Gate, Latch, WaitGroup};
use norace_check::{RaceCell, choose};
use norace_prim::sync::Arc;
use norace_prim::thread;
use norace_prim::time::Duration;
use std::task::Poll;

const SOON: Duration = Duration::from_millis(1);

fn nobody_left(of: &impl Inside) {
    assert_eq!(of.event().places(), 0, "a place was left behind");
}

#[test]
fn a_latch_lets_all_go_who_then_see_what_came_before() {
    all(|| {
        let (latch, cell) = (Arc::new(Latch::new()), Arc::new(RaceCell::new(0)));
        let waiters = spawn(2, |_| {
            let (latch, cell) = (latch.clone(), cell.clone());
            move || {
                latch.wait_blocking();
                assert_eq!(cell.get(), 1);
            }
        });
        cell.set(1);
        assert!(latch.set());
        join(waiters);
        nobody_left(&*latch);
    });
}

#[test]
fn a_latch_is_set_once_whoever_sets_it() {
    all(|| {
        let latch = Arc::new(Latch::new());
        let setters = spawn(2, |_| {
            let latch = latch.clone();
            move || latch.set()
        });
        latch.wait_blocking();
        let first = join(setters).into_iter().filter(|&first| first).count();
        assert_eq!(first, 1);
    });
}

#[test]
fn a_wait_that_is_dropped_or_runs_out_leaves_nothing() {
    all(|| {
        let latch = Arc::new(Latch::new());
        let setter = {
            let latch = latch.clone();
            thread::spawn(move || latch.set())
        };
        let mut wait = latch.wait();
        let was_set = poll(&mut wait).is_ready();
        if choose(2) == 0 {
            drop(wait);
        } else if !was_set {
            drop(wait);
            if latch.wait_timeout(SOON) {
                assert!(latch.is_set());
            }
        }
        setter.join().unwrap();
        nobody_left(&*latch);
    });
}

#[test]
fn an_opening_however_short_ends_the_waits_that_had_begun() {
    all(|| {
        let gate = Arc::new(Gate::new(false));
        let mut wait = gate.wait();
        assert_eq!(poll(&mut wait), Poll::Pending);
        let threads = spawn(2, |number| {
            let gate = gate.clone();
            move || if number == 0 { gate.open() } else { gate.close() }
        });
        let done = join(threads);
        assert!(done[0]);
        assert_eq!(gate.is_open(), !done[1]);
        assert_eq!(poll(&mut wait), Poll::Ready(()));
    });
}

#[test]
fn a_wait_that_begins_after_a_closing_is_not_ended_by_the_opening_before_it() {
    all(|| {
        let gate = Arc::new(Gate::new(false));
        let opener = {
            let gate = gate.clone();
            thread::spawn(move || gate.open())
        };
        // There is somebody else in line, so that the opener does look.
        let mut other = gate.wait();
        let _ = poll(&mut other);
        if gate.close() {
            let mut wait = gate.wait();
            assert_eq!(poll(&mut wait), Poll::Pending);
            opener.join().unwrap();
            assert_eq!(poll(&mut wait), Poll::Pending);
        }
    });
}

#[test]
fn a_pulse_lets_go_whoever_waits_and_stays_closed() {
    all(|| {
        let gate = Arc::new(Gate::new(false));
        let pulser = {
            let gate = gate.clone();
            thread::spawn(move || {
                while !gate.pulse() {
                    thread::yield_now();
                }
            })
        };
        let mut wait = gate.wait();
        let began = poll(&mut wait).is_pending();
        let during = gate.is_open();
        pulser.join().unwrap();
        assert!(!during && !gate.is_open());
        // Not every wait that began did so before the pulse.
        let _ = began.then(|| poll(&mut wait));
        drop(wait);
        nobody_left(&*gate);
    });
}

#[test]
fn a_wait_group_ends_with_its_last_member_and_shows_what_they_did() {
    all(|| {
        let group = WaitGroup::new();
        let cells = [0, 1].map(|_| Arc::new(RaceCell::new(0)));
        let threads: Vec<_> = cells
            .iter()
            .map(|cell| {
                let (member, cell) = (group.add(), cell.clone());
                thread::spawn(move || {
                    cell.set(1);
                    member.done();
                })
            })
            .collect();
        group.wait_blocking();
        assert!(cells.iter().all(|cell| cell.get() == 1));
        join(threads);
        nobody_left(&group);
    });
}

#[test]
fn a_wait_of_the_next_round_is_not_ended_by_the_round_before() {
    all(|| {
        let group = WaitGroup::new();
        let first = group.add();
        let mut other = group.wait();
        let _ = poll(&mut other);
        let leaver = thread::spawn(move || first.done());
        if group.members() == 0 {
            let second = group.add();
            let mut wait = group.wait();
            assert_eq!(poll(&mut wait), Poll::Pending);
            leaver.join().unwrap();
            assert_eq!(poll(&mut wait), Poll::Pending);
            assert_eq!(poll(&mut other), Poll::Ready(()), "the round it waited for has ended");
            drop(second);
            assert_eq!(poll(&mut wait), Poll::Ready(()));
        }
    });
}

#[test]
fn members_that_join_and_leave_count_right() {
    all(|| {
        let group = WaitGroup::new();
        let first = group.add();
        let thread = thread::spawn(move || {
            let second = first.clone();
            first.done();
            second.done();
        });
        group.wait_blocking();
        assert_eq!(group.members(), 0);
        thread.join().unwrap();
    });
}
