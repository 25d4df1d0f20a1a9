//! A registry that closes and empties while tasks come and go.

use super::Registry;
use crate::models::{FAR, all, finds, join, spawn};
use crate::rt::fixtures::{scheduler, task};
use crate::rt::scheduler::Scheduler;
use crate::task::SpawnError;
use crate::task::cell::Task;
use norace_prim::sync::{Arc, lock};
use norace_prim::thread;
use norace_prim::time::Instant;
use std::future::ready;

/// A registry with tasks that are run by whoever has them.
struct Tasks {
    registry: Registry,
    scheduler: Arc<Scheduler>,
}

impl Tasks {
    fn new(limit: Option<usize>) -> Arc<Self> {
        Arc::new(Self { registry: Registry::new(limit), scheduler: scheduler(1) })
    }

    fn task(&self) -> Task {
        task(&self.scheduler, ready(()))
    }

    /// As a spawner, and as the worker that runs the task to its end; whether it was admitted.
    fn spawn_and_end(&self) -> bool {
        let task = self.task();
        let admitted = match self.registry.insert(task.clone()) {
            Ok(()) => true,
            Err(SpawnError::Stopped) => false,
            Err(error) => panic!("{error}"),
        };
        self.registry.remove(task.header());
        admitted
    }
}

#[test]
fn a_task_is_refused_or_known_to_who_closes() {
    all(|| {
        let tasks = Tasks::new(None);
        let spawners = spawn(2, |_| {
            let tasks = tasks.clone();
            move || {
                let task = tasks.task();
                tasks.registry.insert(task.clone()).is_ok().then_some(task)
            }
        });
        let known = tasks.registry.close();
        for admitted in join(spawners).into_iter().flatten() {
            assert!(known.iter().any(|known| Arc::ptr_eq(known, &admitted)), "nobody ends it");
        }
        assert_eq!(tasks.registry.len(), known.len());
    });
}

/// Waits for a task that ends meanwhile; `remove` ends it.
fn wait_for_the_last(remove: fn(&Registry, &Task)) {
    let tasks = Tasks::new(None);
    let last = tasks.task();
    assert!(tasks.registry.insert(last.clone()).is_ok());
    assert_eq!(tasks.registry.close().len(), 1);
    let deadline = Instant::now() + FAR;
    let worker = {
        let tasks = tasks.clone();
        thread::spawn(move || {
            remove(&tasks.registry, &last);
            Instant::now()
        })
    };
    let left = tasks.registry.wait_empty(deadline);
    let ended = Instant::now();
    // The time may have been up before the task ended; after that nothing but the end of the wait is to come.
    let removed = join([worker])[0];
    assert!(ended < deadline || removed >= deadline, "nobody told who waits");
    assert!(left.is_empty() || ended >= deadline);
}

#[test]
fn whoever_waits_is_told_of_the_last_task() {
    all(|| wait_for_the_last(|registry, task| registry.remove(task.header())));
}

#[test]
fn mutant_a_last_task_that_tells_without_the_lock_is_missed() {
    let found = finds(|| {
        wait_for_the_last(|registry, task| {
            let header = task.header();
            assert!(lock(registry.shard(header.id())).take(header).is_some(), "it was added");
            registry.emptied.notify_all();
        });
    });
    assert_eq!(found.kind, "panic", "{}", found.to_text());
}

/// Waits for tasks of which two come while `close` closes.
fn wait_for_those_that_come(close: fn(&Registry) -> Vec<Task>) {
    let tasks = Tasks::new(None);
    let worker = {
        let tasks = tasks.clone();
        thread::spawn(move || (0..2).map(|_| tasks.spawn_and_end()).collect::<Vec<_>>())
    };
    close(&tasks.registry);
    let deadline = Instant::now() + FAR;
    let left = tasks.registry.wait_empty(deadline);
    assert!(left.is_empty() || Instant::now() >= deadline);
    assert!(!left.is_empty() || tasks.registry.len() == 0, "one came after the wait");
    let admitted = join([worker]).concat();
    assert_eq!(tasks.registry.len(), 0);
    assert_eq!(tasks.registry.spawned(), admitted.iter().filter(|a| **a).count() as u64);
}

#[test]
fn tasks_that_come_while_it_closes_are_waited_for() {
    all(|| wait_for_those_that_come(Registry::close));
}

#[test]
fn mutant_a_registry_that_stays_open_gets_a_task_after_the_wait() {
    let found = finds(|| wait_for_those_that_come(Registry::tasks));
    assert_eq!(found.kind, "panic", "{}", found.to_text());
}

#[test]
fn never_more_are_admitted_than_may_be_alive() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    all(|| {
        let tasks = Tasks::new(Some(1));
        let alive = Arc::new(AtomicUsize::new(0));
        let spawners = spawn(2, |_| {
            let (tasks, alive) = (tasks.clone(), alive.clone());
            move || {
                if tasks.registry.admit().is_err() {
                    return false;
                }
                // Relaxed: no step; one thread of the model runs at a time.
                assert_eq!(alive.fetch_add(1, Ordering::Relaxed), 0, "two are alive");
                let task = tasks.task();
                tasks.registry.insert(task.clone()).unwrap();
                // Relaxed: as above.
                alive.fetch_sub(1, Ordering::Relaxed);
                tasks.registry.remove(task.header());
                true
            }
        });
        assert!(join(spawners).contains(&true), "both were refused");
        assert!(tasks.registry.admit().is_ok() && tasks.registry.admit().is_err());
    });
}
