//! The queues on their own: order, overflow, stealing.

use super::{Injector, LocalQueue, NEXT_STREAK, Pushed, RING, local};
use crate::rt::scheduler::{Config, Scheduler};
use crate::task::TaskId;
use crate::task::cell::{Home, Spec, Task, TaskCell};
use crate::task::future::FutureBody;
use norace_prim::sync::Arc;
use std::future::pending;
use std::panic::Location;

/// Makes tasks that are never run, and remembers the order in which they were made.
struct Tasks {
    scheduler: Arc<Scheduler>,
    made: Vec<TaskId>,
}

impl Tasks {
    fn new() -> Self {
        let config = Config {
            workers: 1,
            blocking_threads: 1,
            blocking_queue: 1,
            max_tasks: None,
            thread_name: String::new(),
        };
        let scheduler = Scheduler::new(&config).expect("descriptors for a netpoller");
        Self { scheduler, made: Vec::new() }
    }

    fn make(&mut self) -> Task {
        let spec =
            Spec { name: None, spawned_at: Location::caller(), scheduler: self.scheduler.clone() };
        let task: Task = TaskCell::new(spec, Home::Workers, FutureBody::new(pending::<()>()));
        self.made.push(task.header().id());
        task
    }

    /// The number of a task, in the order of their making.
    fn number(&self, task: &Task) -> usize {
        let id = task.header().id();
        self.made.iter().position(|made| *made == id).expect("made here")
    }

    fn drain(&self, queue: &LocalQueue) -> Vec<usize> {
        std::iter::from_fn(|| queue.pop()).map(|task| self.number(&task)).collect()
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
    let sent: Vec<_> = overflow.iter().map(|task| tasks.number(task)).collect();
    assert_eq!(sent, (RING / 2..=RING).collect::<Vec<_>>());
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
        assert_ne!(tasks.number(&task), 0, "in round {round}");
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
    assert_eq!(stolen.iter().map(|task| tasks.number(task)).collect::<Vec<_>>(), [0, 1]);
    others.steal_half(&mut stolen);
    others.steal_half(&mut stolen);
    assert_eq!(stolen.len(), 4, "a single task is stolen, too");
    others.steal_half(&mut stolen);
    assert_eq!(stolen.len(), 4, "the next task is not in the ring");
    assert_eq!(others.steal_next().map(|task| tasks.number(&task)), Some(4));
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
    assert_eq!(taken.iter().map(|task| tasks.number(task)).collect::<Vec<_>>(), expected);
    taken.clear();
    injector.take_one(&mut taken);
    assert_eq!(taken.iter().map(|task| tasks.number(task)).collect::<Vec<_>>(), [share]);
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
