//! The queue of timers on its own: order, cancellation, kicks.

use super::{Key, TimerQueue};
use crate::time::{Duration, Instant};
use norace_prim::sync::{Arc, Mutex, lock};
use std::task::{Wake, Waker};

/// Notes its name when woken.
struct Named {
    name: u32,
    fired: Arc<Mutex<Vec<u32>>>,
}

impl Wake for Named {
    fn wake(self: Arc<Self>) {
        lock(&self.fired).push(self.name);
    }
}

struct Fixture {
    queue: TimerQueue,
    kicks: Arc<Mutex<u32>>,
    fired: Arc<Mutex<Vec<u32>>>,
    start: Instant,
}

impl Fixture {
    fn new() -> Self {
        let kicks = Arc::new(Mutex::new(0));
        let kick = {
            let kicks = kicks.clone();
            Arc::new(move || *lock(&kicks) += 1)
        };
        let queue = TimerQueue::new(kick);
        Self { queue, kicks, fired: Arc::default(), start: Instant::now() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn waker(&self, name: u32) -> Waker {
        Waker::from(Arc::new(Named { name, fired: self.fired.clone() }))
    }

    fn insert(&self, ms: u64, name: u32) -> Key {
        self.queue.insert(self.at(ms), self.waker(name))
    }

    fn fire(&self, ms: u64) -> Vec<u32> {
        let mut due = Vec::new();
        while self.queue.take_due(self.at(ms), &mut due, 2) {}
        due.into_iter().for_each(Waker::wake);
        std::mem::take(&mut *lock(&self.fired))
    }

    fn kicks(&self) -> u32 {
        std::mem::take(&mut *lock(&self.kicks))
    }
}

#[test]
fn timers_fire_in_deadline_order_and_equal_ones_in_the_order_set() {
    let fixture = Fixture::new();
    for (ms, name) in [(30, 1), (10, 2), (20, 3), (10, 4), (40, 5)] {
        fixture.insert(ms, name);
    }
    assert_eq!(fixture.fire(9), []);
    assert_eq!(fixture.fire(30), [2, 4, 3, 1]);
    assert_eq!(fixture.fire(30), []);
    assert_eq!(fixture.fire(40), [5]);
    assert_eq!(fixture.queue.len(), 0);
}

#[test]
fn a_removed_timer_does_not_fire_and_a_fired_one_cannot_be_removed() {
    let fixture = Fixture::new();
    let first = fixture.insert(10, 1);
    let second = fixture.insert(10, 2);
    assert!(fixture.queue.remove(first));
    assert!(!fixture.queue.remove(first));
    assert_eq!(fixture.fire(10), [2]);
    assert!(!fixture.queue.remove(second));
    assert!(!fixture.queue.set_waker(second, &fixture.waker(3)));
}

#[test]
fn the_latest_waker_is_the_one_that_is_called() {
    let fixture = Fixture::new();
    let key = fixture.insert(10, 1);
    assert!(fixture.queue.set_waker(key, &fixture.waker(2)));
    assert_eq!(fixture.fire(10), [2]);
}

#[test]
fn only_a_timer_earlier_than_the_wait_kicks_the_server_and_only_once_per_step() {
    let fixture = Fixture::new();
    fixture.insert(50, 1);
    assert_eq!(fixture.kicks(), 1, "the server of a new queue sleeps without an end");
    fixture.fire(0);
    fixture.insert(40, 2);
    assert_eq!(fixture.kicks(), 0, "an awake server needs no kick");
    assert_eq!(fixture.queue.begin_wait(), Some(fixture.at(40)));
    fixture.insert(45, 3);
    assert_eq!(fixture.kicks(), 0, "a later timer needs no kick");
    fixture.insert(20, 4);
    fixture.insert(20, 5);
    assert_eq!(fixture.kicks(), 1, "the second one at 20 finds the wait moved already");
    fixture.insert(10, 6);
    assert_eq!(fixture.kicks(), 1);
}

#[cfg(feature = "rt")]
#[test]
fn a_change_of_server_kicks_the_new_one_when_timers_wait() {
    let fixture = Fixture::new();
    fixture.insert(10, 1);
    fixture.queue.begin_wait();
    let late = Arc::new(Mutex::new(0));
    let kick = {
        let late = late.clone();
        Arc::new(move || *lock(&late) += 1)
    };
    fixture.kicks();
    fixture.queue.change_server(kick);
    assert_eq!((fixture.kicks(), *lock(&late)), (0, 1));
    fixture.queue.remove(Key { deadline: fixture.at(10), id: 0 });
    fixture.insert(20, 2);
    assert_eq!(*lock(&late), 1, "the kick from the change of server already covers until 10");
}
