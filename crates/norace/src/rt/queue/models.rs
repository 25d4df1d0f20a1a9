//! Owners and thieves: no task is lost, doubled, or taken by two.

use super::{INJECTED, Injector, LocalQueue, NEXT_STREAK, Pushed, RING, Stealer, local};
use crate::models::{all, join, some};
use crate::rt::fixtures::{self, numbers};
use crate::task::cell::Task;
use norace_prim::sync::Arc;
use norace_prim::thread::{self, JoinHandle};

/// Queues as those who do not own them see them, and tasks that nobody runs.
struct Queues {
    local: Stealer,
    injector: Injector,
    tasks: Vec<Task>,
}

impl Queues {
    fn task(&self, number: usize) -> Task {
        self.tasks[number].clone()
    }

    fn steal_half(&self) -> Vec<Task> {
        let mut stolen = Vec::new();
        self.local.steal_half(&mut stolen);
        stolen
    }

    fn take_one(&self) -> Vec<Task> {
        let mut taken = Vec::new();
        self.injector.take_one(&mut taken);
        taken
    }

    fn take_share(&self, workers: usize) -> Vec<Task> {
        let mut taken = Vec::new();
        self.injector.take_share(workers, &mut taken);
        taken
    }
}

/// The owner of the local queue.
struct Own {
    queue: LocalQueue,
    shared: Arc<Queues>,
}

impl Own {
    fn new(tasks: usize) -> Self {
        let tasks = fixtures::tasks(&fixtures::scheduler(1), tasks);
        let (queue, local) = local();
        Self { queue, shared: Arc::new(Queues { local, injector: Injector::new(), tasks }) }
    }

    /// Sends on what did not fit, as a worker does.
    fn settle(&self, pushed: Pushed) {
        if let Pushed::Overflow(tasks) = pushed {
            assert!(self.shared.injector.push(tasks.into_iter()).is_ok(), "it is open");
        }
    }

    fn push_back(&self, number: usize) {
        self.settle(self.queue.push_back(self.shared.task(number)));
    }

    fn push_next(&self, number: usize) {
        self.settle(self.queue.push_next(self.shared.task(number)));
    }

    fn pop(&self) -> Vec<Task> {
        self.queue.pop().into_iter().collect()
    }

    fn pop_all(&self) -> Vec<Task> {
        std::iter::from_fn(|| self.queue.pop()).collect()
    }

    /// A thread that does something to the queues.
    fn beside<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Queues) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let queues = self.shared.clone();
        thread::spawn(move || act(&queues))
    }

    /// What is left, and that the lengths tell it.
    fn drain(&self) -> Vec<Task> {
        let queues = &self.shared;
        let mut left = queues.local.steal_next().into_iter().collect::<Vec<_>>();
        let len = queues.local.len() + queues.injector.len();
        let before = left.len();
        left.extend(self.pop_all());
        while queues.injector.has_work() {
            left.extend(queues.take_one());
        }
        assert_eq!(left.len() - before, len, "the lengths are those of the queues");
        left
    }

    /// Each task was taken once.
    #[track_caller]
    fn assert_once(&self, taken: impl IntoIterator<Item = Vec<Task>>) {
        let tasks = &self.shared.tasks;
        let mut taken: Vec<Task> = taken.into_iter().flatten().collect();
        taken.extend(self.drain());
        let mut numbers = numbers(tasks, &taken);
        numbers.sort_unstable();
        assert_eq!(numbers, (0..tasks.len()).collect::<Vec<_>>());
    }
}

#[test]
fn an_owner_that_pushes_and_pops_against_a_thief() {
    all(|| {
        let own = Own::new(3);
        let thief = own.beside(Queues::steal_half);
        (0..3).for_each(|number| own.push_back(number));
        let popped: Vec<Task> = (0..2).flat_map(|_| own.pop()).collect();
        let stolen = thief.join().unwrap();
        let order = numbers(&own.shared.tasks, &popped);
        assert!(order.is_sorted(), "out of order: {order:?}");
        own.assert_once([popped, stolen]);
    });
}

#[test]
fn two_thieves_take_from_one_owner() {
    all(|| {
        let own = Own::new(3);
        (0..2).for_each(|number| own.push_back(number));
        let thieves = [(), ()].map(|()| own.beside(Queues::steal_half));
        own.push_back(2);
        let popped = own.pop();
        let mut taken = join(thieves);
        taken.push(popped);
        own.assert_once(taken);
    });
}

#[test]
fn the_task_that_runs_next_is_taken_by_the_owner_or_by_who_rescues_it() {
    all(|| {
        let own = Own::new(3);
        own.push_next(0);
        let rescuer = own.beside(|queues| {
            let next = queues.local.steal_next();
            next.into_iter().chain(queues.steal_half()).collect::<Vec<_>>()
        });
        own.push_next(1);
        own.push_next(2);
        let popped = own.pop();
        own.assert_once([rescuer.join().unwrap(), popped]);
    });
}

#[test]
fn an_owner_that_finds_its_ring_stolen_still_runs_what_is_next() {
    all(|| {
        let own = Own::new(NEXT_STREAK as usize + 2);
        own.push_back(0);
        for number in 1..=NEXT_STREAK as usize {
            own.push_next(number);
            assert_eq!(numbers(&own.shared.tasks, &own.pop()), [number]);
        }
        // The ring has its turn, unless a thief comes before.
        own.push_next(NEXT_STREAK as usize + 1);
        let thief = own.beside(Queues::steal_half);
        let popped = own.pop();
        assert_eq!(popped.len(), 1, "nobody takes the task that is next");
        let before = (1..=NEXT_STREAK as usize).map(|number| own.shared.task(number)).collect();
        own.assert_once([thief.join().unwrap(), popped, before]);
    });
}

#[test]
fn a_ring_that_overflows_while_it_is_stolen_from_sends_on_the_rest() {
    some(|| {
        let own = Own::new(RING + 2);
        (0..RING).for_each(|number| own.push_back(number));
        let thief = own.beside(Queues::steal_half);
        let worker = own.beside(|queues| queues.take_share(2));
        (RING..RING + 2).for_each(|number| own.push_back(number));
        let popped = own.pop_all();
        let mut taken = join([thief, worker]);
        assert!(taken[1].len() <= INJECTED);
        taken.push(popped);
        own.assert_once(taken);
    });
}

#[test]
fn shares_of_the_injector_are_apart() {
    all(|| {
        let own = Own::new(4);
        let queues = &own.shared;
        let all: Vec<Task> = queues.tasks[..3].to_vec();
        assert!(queues.injector.push(all.into_iter()).is_ok());
        let workers = [(), ()].map(|()| own.beside(|queues| queues.take_share(1)));
        assert!(queues.injector.push(std::iter::once(queues.task(3))).is_ok());
        let popped = queues.take_one();
        let mut taken = join(workers);
        assert!(taken.iter().all(|share| share.len() <= INJECTED));
        taken.push(popped);
        own.assert_once(taken);
    });
}

#[test]
fn what_comes_to_an_injector_that_closes_is_given_back_or_given_over() {
    all(|| {
        let own = Own::new(3);
        let pusher = own.beside(|queues| {
            let mut back = Vec::new();
            for number in 0..2 {
                let pushed = queues.injector.push(std::iter::once(queues.task(number)));
                back.extend(pushed.err().into_iter().flatten());
            }
            back
        });
        let worker = own.beside(|queues| queues.take_share(1));
        let queues = &own.shared;
        // Who closes is the last one to take.
        let mut taken = join([worker]);
        let left: Vec<Task> = queues.injector.close();
        let late = queues.injector.push(std::iter::once(queues.task(2))).err();
        taken.extend(join([pusher]));
        taken.extend([left, late.expect("it is closed")]);
        own.assert_once(taken);
    });
}

#[test]
fn whoever_sees_a_task_gone_or_there_sees_what_its_pusher_did() {
    use norace_check::RaceCell;
    all(|| {
        let own = Own::new(1);
        let data = Arc::new(RaceCell::new(0));
        let thief = {
            let data = data.clone();
            own.beside(move |queues| {
                let stolen = queues.steal_half();
                if !stolen.is_empty() {
                    assert_eq!(data.get(), 42);
                }
                stolen
            })
        };
        data.set(42);
        own.push_back(0);
        own.assert_once([thief.join().unwrap()]);
    });
}
