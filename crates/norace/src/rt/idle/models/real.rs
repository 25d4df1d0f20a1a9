//! The list of sleepers, parkers and queues of the kit, with the worker's loop written around them.

use crate::models::{all, join, some, spawn};
use crate::rt::fixtures;
use crate::rt::idle::{Announced, Idle};
use crate::rt::park::Parker;
use crate::rt::queue::{self, Injector, LocalQueue, Pushed, Stealer};
use crate::task::cell::Task;
use norace_prim::atomic::Tally;
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};
use norace_prim::thread;
use std::cell::Cell;

/// What the first task does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// Nothing that others do.
    Ends,
    /// It lasts until the second one, which came from elsewhere, is done.
    Lasts,
    /// It wakes two and lasts until the one that is visible then is done: its worker comes to the other one afterwards.
    Wakes,
}

/// What workers share: one queue for all, and one that belongs to worker 0.
struct Pool {
    first: First,
    /// How many search; orders nothing, and is no step.
    searchers: Tally,
    ended: Tally,
    idle: Idle,
    injector: Injector,
    local: Stealer,
    parkers: Vec<Arc<Parker>>,
    tasks: Vec<Task>,
    /// Numbers of tasks that were run.
    done: Mutex<Vec<usize>>,
    changed: Condvar,
}

impl Pool {
    fn take_injected(&self, searching: bool) -> Option<Task> {
        let mut taken = Vec::new();
        if self.injector.has_work() {
            self.injector.take_one(&mut taken);
            if !searching && self.injector.has_work() {
                self.idle.wake_one();
            }
        }
        assert!(taken.len() <= 1, "it is not closed");
        taken.pop()
    }

    /// A pool, and the end of the local queue that belongs to worker 0.
    fn new(workers: usize, first: First) -> (Arc<Self>, LocalQueue) {
        let (own, local) = queue::local();
        let scheduler = fixtures::scheduler(workers);
        let tasks = match first {
            First::Ends => 1,
            First::Lasts => 2,
            First::Wakes => 3,
        };
        let pool = Arc::new(Self {
            first,
            searchers: Tally::new(),
            ended: Tally::new(),
            idle: Idle::new(workers),
            injector: Injector::new(),
            local,
            parkers: (0..workers).map(|_| Parker::new(scheduler.driver().clone())).collect(),
            tasks: fixtures::tasks(&scheduler, tasks),
            done: Mutex::default(),
            changed: Condvar::new(),
        });
        (pool, own)
    }

    /// As who spawns from elsewhere.
    fn inject(&self, number: usize) {
        let pushed = self.injector.push(std::iter::once(self.tasks[number].clone()));
        assert!(pushed.is_ok(), "it is open");
        self.idle.wake_one();
    }

    /// As worker 0 when a task that it runs wakes another one.
    fn wake(&self, own: &LocalQueue, number: usize) {
        match own.push_next(self.tasks[number].clone()) {
            Pushed::Quietly => {}
            Pushed::Visibly => {
                self.idle.wake_one();
            }
            Pushed::Overflow(_) => panic!("there is room for all"),
        }
    }

    fn has_visible_work(&self) -> bool {
        self.injector.has_work() || self.local.len() > 0
    }

    /// Notes that a worker has begun to search: no other one does, until they stop and all are woken.
    fn begins(&self) {
        let others = self.searchers.add(1) - self.ended.get();
        assert!(others == 0 || self.idle.is_stopping(), "two workers search");
    }

    /// Notes that it is about to end its search.
    fn ends(&self, searching: &mut bool) -> bool {
        let was = std::mem::take(searching);
        self.ended.add(u64::from(was));
        was
    }

    fn next(&self, own: Option<&LocalQueue>, searching: &mut bool) -> Option<Task> {
        if let Some(task) = own.and_then(LocalQueue::pop).or_else(|| self.take_injected(*searching))
        {
            return Some(task);
        }
        if !*searching {
            if !self.idle.try_search() {
                return None;
            }
            self.begins();
            *searching = true;
        }
        let mut stolen = Vec::new();
        if own.is_none() {
            self.local.steal_half(&mut stolen);
        }
        assert!(stolen.len() <= 1, "half of two at most");
        stolen.pop()
    }

    /// As `rt/worker.rs`; worker 0 has a queue of its own.
    fn work(&self, me: usize, own: Option<&LocalQueue>) {
        let parker = &self.parkers[me];
        let mut searching = false;
        loop {
            if let Some(task) = self.next(own, &mut searching) {
                if self.ends(&mut searching) {
                    self.idle.end_search();
                    if self.has_visible_work() {
                        self.idle.wake_one();
                    }
                }
                self.run(&task, own);
                continue;
            }
            let was_searching = self.ends(&mut searching);
            if self.idle.announce(parker, false, was_searching) == Announced::Stopping {
                return;
            }
            if self.has_visible_work() && self.idle.retract_to_search(parker) {
                searching = true;
            } else {
                parker.park();
                searching = self.idle.retract(parker);
            }
            if searching {
                self.begins();
            }
        }
    }

    fn wait_for(&self, number: usize) {
        let mut done = lock(&self.done);
        while !done.contains(&number) {
            done = wait(&self.changed, done);
        }
    }

    /// Runs a task; the last one stops the workers.
    fn run(&self, task: &Task, own: Option<&LocalQueue>) {
        let number = fixtures::numbers(&self.tasks, [task])[0];
        match self.first {
            First::Lasts if number == 0 => self.wait_for(1),
            First::Wakes if number == 0 => {
                let own = own.expect("worker 0 runs it");
                self.wake(own, 1);
                self.wake(own, 2);
                self.wait_for(1);
            }
            _ => {}
        }
        let count = {
            let mut done = lock(&self.done);
            assert!(!done.contains(&number), "task {number} was run twice");
            done.push(number);
            done.len()
        };
        self.changed.notify_one();
        if count == self.tasks.len() {
            self.idle.stop();
        }
    }
}

fn run(workers: usize, first: First) {
    let (pool, own) = Pool::new(workers, first);
    let own = Cell::new(Some(own));
    let working = spawn(u32::try_from(workers).expect("few"), |me| {
        let (pool, own) = (pool.clone(), own.take());
        move || pool.work(usize::try_from(me).expect("few"), own.as_ref())
    });
    (0..pool.tasks.len()).for_each(|number| pool.inject(number));
    join(working);
    assert_eq!(lock(&pool.done).len(), pool.tasks.len());
}

#[test]
fn a_task_that_comes_from_elsewhere_is_run() {
    all(|| run(1, First::Ends));
    all(|| run(2, First::Ends));
}

#[test]
fn a_task_that_comes_beside_one_that_lasts_is_run_by_the_other_worker() {
    some(|| run(2, First::Lasts));
}

#[test]
fn what_a_worker_makes_visible_and_does_not_come_to_is_run_by_another() {
    all(|| {
        let (pool, own) = Pool::new(2, First::Wakes);
        let other = {
            let pool = pool.clone();
            thread::spawn(move || pool.work(1, None))
        };
        // Worker 0 has the first task already.
        pool.run(&pool.tasks[0], Some(&own));
        pool.work(0, Some(&own));
        other.join().unwrap();
        assert_eq!(*lock(&pool.done), [1, 0, 2]);
    });
}
