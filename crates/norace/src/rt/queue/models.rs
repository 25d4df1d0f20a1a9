//! Owners and thieves: no task is lost, doubled, or taken by two.

use super::{INJECTED, Injector, LocalQueue, Pushed, RING};
use crate::models::{all, join, some};
use crate::rt::models;
use crate::task::cell::Task;
use norace_prim::sync::Arc;
use norace_prim::thread;

/// Queues, and tasks that nobody runs.
struct Queues {
    local: LocalQueue,
    injector: Injector,
    tasks: Vec<Task>,
}

impl Queues {
    fn new(tasks: usize) -> Arc<Self> {
        let tasks = models::tasks(&models::scheduler(1), tasks);
        Arc::new(Self { local: LocalQueue::new(), injector: Injector::new(), tasks })
    }

    fn task(&self, number: usize) -> Task {
        self.tasks[number].clone()
    }

    /// Sends on what did not fit, as a worker does.
    fn settle(&self, pushed: Pushed) {
        if let Pushed::Overflow(tasks) = pushed {
            assert!(self.injector.push(tasks.into_iter()).is_ok(), "it is open");
        }
    }

    fn push_back(&self, number: usize) {
        self.settle(self.local.push_back(self.task(number)));
    }

    fn push_next(&self, number: usize) {
        self.settle(self.local.push_next(self.task(number)));
    }

    fn steal_half(&self) -> Vec<Task> {
        let mut stolen = Vec::new();
        self.local.steal_half(&mut stolen);
        stolen
    }

    fn take_share(&self, workers: usize) -> Vec<Task> {
        let mut taken = Vec::new();
        self.injector.take_share(workers, &mut taken);
        taken
    }

    /// What is left, and that the lengths tell it.
    fn drain(&self) -> Vec<Task> {
        let mut left = self.local.steal_next().into_iter().collect::<Vec<_>>();
        let len = self.local.len() + self.injector.len();
        let before = left.len();
        left.extend(std::iter::from_fn(|| self.local.pop()));
        left.extend(std::iter::from_fn(|| self.injector.pop()));
        assert_eq!(left.len() - before, len, "the lengths are those of the queues");
        left
    }

    /// Each task was taken once.
    #[track_caller]
    fn assert_once(&self, taken: impl IntoIterator<Item = Vec<Task>>) {
        let mut taken: Vec<Task> = taken.into_iter().flatten().collect();
        taken.extend(self.drain());
        let mut numbers = models::numbers(&self.tasks, &taken);
        numbers.sort_unstable();
        assert_eq!(numbers, (0..self.tasks.len()).collect::<Vec<_>>());
    }
}

fn pop_all(queues: &Queues) -> Vec<Task> {
    std::iter::from_fn(|| queues.local.pop()).collect()
}

#[test]
fn an_owner_that_pushes_and_pops_against_a_thief() {
    all(|| {
        let queues = Queues::new(3);
        let thief = {
            let queues = queues.clone();
            thread::spawn(move || queues.steal_half())
        };
        (0..3).for_each(|number| queues.push_back(number));
        let popped: Vec<Task> = (0..2).filter_map(|_| queues.local.pop()).collect();
        let stolen = thief.join().unwrap();
        let order = models::numbers(&queues.tasks, &popped);
        assert!(order.is_sorted(), "out of order: {order:?}");
        queues.assert_once([popped, stolen]);
    });
}

#[test]
fn two_thieves_take_from_one_owner() {
    all(|| {
        let queues = Queues::new(3);
        (0..2).for_each(|number| queues.push_back(number));
        let thieves = [(), ()].map(|()| {
            let queues = queues.clone();
            thread::spawn(move || queues.steal_half())
        });
        queues.push_back(2);
        let popped: Vec<Task> = queues.local.pop().into_iter().collect();
        let mut taken = join(thieves);
        taken.push(popped);
        queues.assert_once(taken);
    });
}

#[test]
fn the_task_that_runs_next_is_taken_by_the_owner_or_by_who_rescues_it() {
    all(|| {
        let queues = Queues::new(3);
        queues.push_next(0);
        let rescuer = {
            let queues = queues.clone();
            thread::spawn(move || {
                let next = queues.local.steal_next();
                next.into_iter().chain(queues.steal_half()).collect::<Vec<_>>()
            })
        };
        queues.push_next(1);
        queues.push_next(2);
        let popped: Vec<Task> = queues.local.pop().into_iter().collect();
        queues.assert_once([rescuer.join().unwrap(), popped]);
    });
}

#[test]
fn a_ring_that_overflows_while_it_is_stolen_from_sends_on_the_rest() {
    some(|| {
        let queues = Queues::new(RING + 2);
        (0..RING).for_each(|number| queues.push_back(number));
        let thief = {
            let queues = queues.clone();
            thread::spawn(move || queues.steal_half())
        };
        let worker = {
            let queues = queues.clone();
            thread::spawn(move || queues.take_share(2))
        };
        (RING..RING + 2).for_each(|number| queues.push_back(number));
        let popped = pop_all(&queues);
        let mut taken = join([thief, worker]);
        assert!(taken[1].len() <= INJECTED);
        taken.push(popped);
        queues.assert_once(taken);
    });
}

#[test]
fn shares_of_the_injector_are_apart() {
    all(|| {
        let queues = Queues::new(4);
        let all: Vec<Task> = queues.tasks[..3].to_vec();
        assert!(queues.injector.push(all.into_iter()).is_ok());
        let workers = [(), ()].map(|()| {
            let queues = queues.clone();
            thread::spawn(move || queues.take_share(1))
        });
        assert!(queues.injector.push(std::iter::once(queues.task(3))).is_ok());
        let popped: Vec<Task> = queues.injector.pop().into_iter().collect();
        let mut taken = join(workers);
        assert!(taken.iter().all(|share| share.len() <= INJECTED));
        taken.push(popped);
        queues.assert_once(taken);
    });
}

#[test]
fn what_comes_to_an_injector_that_closes_is_given_back_or_given_over() {
    all(|| {
        let queues = Queues::new(3);
        let pusher = {
            let queues = queues.clone();
            thread::spawn(move || {
                let mut back = Vec::new();
                for number in 0..2 {
                    let pushed = queues.injector.push(std::iter::once(queues.task(number)));
                    back.extend(pushed.err().into_iter().flatten());
                }
                back
            })
        };
        let worker = {
            let queues = queues.clone();
            thread::spawn(move || queues.take_share(1))
        };
        let left: Vec<Task> = queues.injector.close().into();
        let late = queues.injector.push(std::iter::once(queues.task(2))).err();
        let mut taken = join([pusher, worker]);
        taken.extend([left, late.expect("it is closed")]);
        queues.assert_once(taken);
    });
}

#[test]
fn whoever_sees_a_task_gone_or_there_sees_what_its_pusher_did() {
    use norace_check::RaceCell;
    all(|| {
        let queues = Queues::new(1);
        let data = Arc::new(RaceCell::new(0));
        let thief = {
            let (queues, data) = (queues.clone(), data.clone());
            thread::spawn(move || {
                let stolen = queues.steal_half();
                if !stolen.is_empty() {
                    assert_eq!(data.get(), 42);
                }
                stolen
            })
        };
        data.set(42);
        queues.push_back(0);
        queues.assert_once([thief.join().unwrap()]);
    });
}
