//! The queues on their own: order, overflow, stealing.

use super::{Injector, LocalQueue, NEXT_STREAK, Pushed, RING, local};
use crate::rt::fixtures::{idle_task, numbers, scheduler};
use crate::rt::scheduler::Scheduler;
use crate::task::cell::Task;
use norace_prim::sync::Arc;

/// Makes tasks, and knows them by the order in which they were made.
struct Tasks {
    scheduler: Arc<Scheduler>,
    made: Vec<Task>,
}

impl Tasks {
    fn new() -> Self {
        Self { scheduler: scheduler(1), made: Vec::new() }
    }

    fn make(&mut self) -> Task {
        let task = idle_task(&self.scheduler);
        self.made.push(task.clone());
        task
    }

    fn numbers<'a>(&self, tasks: impl IntoIterator<Item = &'a Task>) -> Vec<usize> {
        numbers(&self.made, tasks)
    }

    fn drain(&self, queue: &LocalQueue) -> Vec<usize> {
        let popped: Vec<Task> = std::iter::from_fn(|| queue.pop()).collect();
        self.numbers(&popped)
    }
}

fn is_quiet(pushed: Pushed) -> bool {
    matches!(pushed, Pushed::Quietly)
}

#[test]
fn the_task_woken_last_runs_first_and_the_others_in_order() {
    let (mut tasks, (queue, others)) = (Tasks::new(), local());
    assert!(is_quiet(queue.push_next(tasks.make())), "filling an empty slot wakes nobody");
    assert!(!is_quiet(queue.push_next(tasks.make())), "now there is more than the next task");
    assert!(!is_quiet(queue.push_back(tasks.make())));
    assert_eq!(others.len(), 2);
    assert!(others.has_next());
    assert_eq!(tasks.drain(&queue), [1, 0, 2]);
    assert!(others.len() == 0 && !others.has_next());
}

#[test]
fn a_task_that_yields_alone_wakes_nobody() {
    let (mut tasks, (queue, _others)) = (Tasks::new(), local());
    assert!(is_quiet(queue.push_back(tasks.make())));
    assert!(!is_quiet(queue.push_back(tasks.make())));
}

#[test]
fn a_full_ring_keeps_its_front_half_and_sends_the_rest_on_in_order() {
    let (mut tasks, (queue, _others)) = (Tasks::new(), local());
    for _ in 0..RING {
        assert!(!matches!(queue.push_back(tasks.make()), Pushed::Overflow(_)));
    }
    let Pushed::Overflow(overflow) = queue.push_back(tasks.make()) else {
        panic!("the ring took one more than it holds")
    };
    assert_eq!(tasks.numbers(&overflow), (RING / 2..=RING).collect::<Vec<_>>());
    assert_eq!(tasks.drain(&queue), (0..RING / 2).collect::<Vec<_>>());
}

#[test]
fn hand_offs_do_not_starve_the_ring() {
    let (mut tasks, (queue, _others)) = (Tasks::new(), local());
    let waiting = tasks.make();
    let _ = queue.push_back(waiting);
    for round in 0..NEXT_STREAK {
        let _ = queue.push_next(tasks.make());
        let task = queue.pop().expect("two are queued");
        assert_ne!(tasks.numbers([&task]), [0], "in round {round}");
    }
    let _ = queue.push_next(tasks.make());
    assert_eq!(tasks.drain(&queue)[0], 0, "the ring has its turn");
}

#[test]
fn half_is_stolen_from_the_front_and_the_next_task_only_by_name() {
    let (mut tasks, (queue, others)) = (Tasks::new(), local());
    for _ in 0..4 {
        let _ = queue.push_back(tasks.make());
    }
    let _ = queue.push_next(tasks.make());
    let mut stolen = Vec::new();
    others.steal_half(&mut stolen);
    assert_eq!(tasks.numbers(&stolen), [0, 1]);
    others.steal_half(&mut stolen);
    others.steal_half(&mut stolen);
    assert_eq!(stolen.len(), 4, "a single task is stolen, too");
    others.steal_half(&mut stolen);
    assert_eq!(stolen.len(), 4, "the next task is not in the ring");
    assert_eq!(tasks.numbers(&others.steal_next()), [4]);
    assert!(queue.pop().is_none());
}

#[test]
fn each_worker_takes_its_share_of_what_was_injected() {
    let (mut tasks, injector) = (Tasks::new(), Injector::new());
    let all: Vec<_> = (0..10).map(|_| tasks.make()).collect();
    assert!(injector.push(all.into_iter()).is_ok());
    let mut taken = Vec::new();
    injector.take_share(2, &mut taken);
    // Half and one, but no more than one worker takes at once.
    let share = super::INJECTED.min(6);
    let expected: Vec<_> = (0..share).collect();
    assert_eq!(tasks.numbers(&taken), expected);
    taken.clear();
    injector.take_one(&mut taken);
    assert_eq!(tasks.numbers(&taken), [share]);
    assert_eq!(injector.len(), 9 - share);
}

#[test]
fn a_closed_injector_gives_back_what_is_pushed() {
    let (mut tasks, injector) = (Tasks::new(), Injector::new());
    assert!(injector.push(std::iter::once(tasks.make())).is_ok());
    assert_eq!(injector.close().len(), 1);
    let late = tasks.make();
    let refused = injector.push(std::iter::once(late)).expect_err("it is closed");
    assert_eq!(refused.len(), 1);
    assert_eq!(injector.len(), 0);
}
