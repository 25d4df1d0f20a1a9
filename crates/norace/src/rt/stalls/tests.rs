//! What is told of polls, by the times at which the monitor looks.

use super::{KEPT, REPORTED_AFTER, Stalls, Told};
use crate::task::TaskId;
use norace_prim::time::{Duration, Instant};
use std::panic::Location;

const LOOK: Duration = Duration::from_micros(500);

fn told(number: u64) -> Option<Told> {
    let task = TaskId::known(number)?;
    Some(Told { task, name: None, spawned_at: Location::caller() })
}

fn nobody(_: u64) -> Option<Told> {
    panic!("asked too early")
}

#[test]
fn a_poll_is_looked_up_once_when_it_has_lasted() {
    let (stalls, begin) = (Stalls::new(2), Instant::now());
    let task = told(7).expect("a number").task;
    stalls.note_at(begin, 1, Some(3), nobody);
    stalls.note_at(begin + LOOK, 1, Some(3), nobody);
    assert!(stalls.all_at(begin + LOOK).is_empty() && stalls.of(task).is_none());
    stalls.note_at(begin + REPORTED_AFTER, 1, Some(3), |tick| {
        assert_eq!(tick, 3);
        told(7)
    });
    stalls.note_at(begin + 2 * REPORTED_AFTER, 1, Some(3), nobody);
    let [stall] = &stalls.all_at(begin + 3 * REPORTED_AFTER)[..] else { panic!("one goes on") };
    assert_eq!((stall.task, stall.worker, stall.over), (task, 1, false));
    assert_eq!(stall.lasted, 3 * REPORTED_AFTER, "as of now");
    assert!(stalls.of(task).is_some());
    assert!(stall.to_string().contains("has held worker 1 for 30ms"), "{stall}");
}

#[test]
fn one_that_is_over_is_kept_with_its_time() {
    let (stalls, begin) = (Stalls::new(1), Instant::now());
    stalls.note_at(begin, 0, Some(3), nobody);
    let end = begin + REPORTED_AFTER;
    stalls.note_at(end, 0, Some(3), |_| told(7));
    // The next poll is found stuck at the look that finds this one over.
    stalls.note_at(end + LOOK, 0, Some(5), nobody);
    let [stall] = &stalls.all_at(end + 100 * LOOK)[..] else { panic!("one is over") };
    assert_eq!((stall.lasted, stall.over), (REPORTED_AFTER + LOOK, true));
    assert!(stall.to_string().contains(" held worker 0 for"), "{stall}");
    // That one ends before it is told.
    stalls.note_at(end + 2 * LOOK, 0, None, nobody);
    assert_eq!(stalls.all_at(end + 3 * LOOK).len(), 1);
    assert!(stalls.of(stall.task).is_none());
}

#[test]
fn a_task_that_is_not_found_is_asked_for_again_and_not_told() {
    let (stalls, begin) = (Stalls::new(1), Instant::now());
    let late = begin + REPORTED_AFTER;
    stalls.note_at(begin, 0, Some(3), nobody);
    stalls.note_at(late, 0, Some(3), |_| None);
    assert!(stalls.all_at(late).is_empty());
    stalls.note_at(late + LOOK, 0, None, nobody);
    assert!(stalls.all_at(late + LOOK).is_empty());
}

#[test]
fn of_those_that_are_over_the_last_are_kept() {
    let (stalls, mut now) = (Stalls::new(1), Instant::now());
    for number in 1..=100 {
        stalls.note_at(now, 0, Some(2 * number + 1), nobody);
        now += REPORTED_AFTER;
        stalls.note_at(now, 0, Some(2 * number + 1), |_| told(number));
        now += LOOK;
        stalls.note_at(now, 0, None, nobody);
    }
    let kept: Vec<u64> = stalls.all_at(now).iter().map(|stall| stall.task.get()).collect();
    assert_eq!(kept, (101 - KEPT as u64..=100).collect::<Vec<_>>());
}
