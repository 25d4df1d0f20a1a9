//! The protocol at the head of `rt/idle.rs`, step by step, and its mutants.

use crate::models::{all, finds, join, some, spawn};
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};
use norace_prim::thread::{self, Thread};

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// Who makes work visible looks for sleepers first.
    P2BeforeP1,
    /// Who makes work visible wakes nobody.
    NoP3,
    /// Who goes to sleep looks for work first.
    S2BeforeS1,
    /// Who goes to sleep does not look again.
    NoS2,
    /// Who finds work on its second look sleeps all the same.
    NoS3,
    /// A searcher goes to sleep as one, and gives that up only when it is woken.
    StaysSearcher,
    /// A searcher that found something does not look for more.
    NoSecondWake,
    /// The copy of the list does not tell that somebody searches no more.
    StaleHint,
    /// The store of P1, the load of P2, the store of S1, or the load of S2 is not `SeqCst`.
    WeakP1,
    WeakP2,
    WeakS1,
    WeakS2,
}

impl Mutant {
    fn store(self, weak: Self) -> Ordering {
        if self == weak { Ordering::Release } else { Ordering::SeqCst }
    }

    fn load(self, weak: Self) -> Ordering {
        if self == weak { Ordering::Acquire } else { Ordering::SeqCst }
    }
}

const SEARCHING: usize = 1;

#[derive(Default)]
struct Idle {
    sleepers: Vec<(u32, Thread)>,
    searching: bool,
    stopping: bool,
}

/// A queue, its length, who sleeps, and the copy of that.
struct Pool {
    mutant: Mutant,
    /// How many tasks there will be.
    total: usize,
    /// Numbers of tasks.
    tasks: Mutex<Vec<u32>>,
    len: AtomicUsize,
    idle: Mutex<Idle>,
    hint: AtomicUsize,
    /// Tasks that were run.
    done: Mutex<Vec<u32>>,
    changed: Condvar,
}

impl Pool {
    fn new(mutant: Mutant, total: usize) -> Arc<Self> {
        Arc::new(Self {
            mutant,
            total,
            tasks: Mutex::default(),
            len: AtomicUsize::new(0),
            idle: Mutex::default(),
            hint: AtomicUsize::new(0),
            done: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    fn publish(&self, idle: &Idle) {
        let hint = idle.sleepers.len() << 1 | usize::from(idle.searching);
        // As the mutant says: S1.
        self.hint.store(hint, self.mutant.store(Mutant::WeakS1));
    }

    fn wants_wake(&self) -> bool {
        // As the mutant says: P2.
        let hint = self.hint.load(self.mutant.load(Mutant::WeakP2));
        hint & SEARCHING == 0 && hint > 0
    }

    fn has_work(&self) -> bool {
        // As the mutant says: S2.
        self.len.load(self.mutant.load(Mutant::WeakS2)) > 0
    }

    /// P1.
    fn add(&self, task: u32) {
        let mut tasks = lock(&self.tasks);
        tasks.push(task);
        // As the mutant says: P1.
        self.len.store(tasks.len(), self.mutant.store(Mutant::WeakP1));
    }

    /// P1 to P3.
    fn push(&self, task: u32) {
        if self.mutant == Mutant::P2BeforeP1 {
            let wants = self.wants_wake();
            self.add(task);
            if wants {
                self.wake();
            }
        } else {
            self.add(task);
            self.wake_one();
        }
    }

    /// P2 and P3.
    fn wake_one(&self) {
        if self.wants_wake() && self.mutant != Mutant::NoP3 {
            self.wake();
        }
    }

    fn wake(&self) {
        let mut idle = lock(&self.idle);
        if idle.searching {
            return;
        }
        let Some((_, sleeper)) = idle.sleepers.pop() else { return };
        idle.searching = true;
        self.publish(&idle);
        drop(idle);
        sleeper.unpark();
    }

    fn pop(&self) -> Option<u32> {
        if !self.has_work() {
            return None;
        }
        let mut tasks = lock(&self.tasks);
        let task = if tasks.is_empty() { None } else { Some(tasks.remove(0)) };
        // Relaxed: only a push has to be seen in time.
        self.len.store(tasks.len(), Ordering::Relaxed);
        task
    }

    /// Makes the caller the searcher, unless another one is.
    fn try_search(&self) -> bool {
        let mut idle = lock(&self.idle);
        let first = !idle.searching;
        idle.searching = true;
        self.publish(&idle);
        first
    }

    fn end_search(&self) {
        let mut idle = lock(&self.idle);
        idle.searching = false;
        if self.mutant != Mutant::StaleHint {
            self.publish(&idle);
        }
    }

    /// S1; false when there is no more sleeping.
    fn announce(&self, me: u32, searching: bool) -> bool {
        let mut idle = lock(&self.idle);
        if self.mutant != Mutant::StaysSearcher {
            idle.searching &= !searching;
        }
        if !idle.stopping {
            idle.sleepers.push((me, thread::current()));
        }
        self.publish(&idle);
        !idle.stopping
    }

    fn unlist(idle: &mut Idle, me: u32) -> bool {
        let before = idle.sleepers.len();
        idle.sleepers.retain(|(sleeper, _)| *sleeper != me);
        idle.sleepers.len() < before
    }

    /// S3.
    fn retract_to_search(&self, me: u32) -> bool {
        let mut idle = lock(&self.idle);
        let listed = idle.sleepers.iter().any(|(sleeper, _)| *sleeper == me);
        if listed && idle.searching {
            return false;
        }
        if listed {
            Self::unlist(&mut idle, me);
            idle.searching = true;
            self.publish(&idle);
        }
        true
    }

    /// Awake again; whether as the searcher.
    fn retract(&self, me: u32) -> bool {
        let mut idle = lock(&self.idle);
        let chosen = !Self::unlist(&mut idle, me) && !idle.stopping;
        self.publish(&idle);
        chosen
    }

    fn stop(&self) {
        let sleepers = {
            let mut idle = lock(&self.idle);
            idle.stopping = true;
            std::mem::take(&mut idle.sleepers)
        };
        sleepers.into_iter().for_each(|(_, sleeper)| sleeper.unpark());
    }

    /// A worker: runs what there is, searches, sleeps.
    fn work(&self, me: u32) {
        let mut searching = false;
        loop {
            if let Some(task) = self.pop() {
                if std::mem::take(&mut searching) {
                    self.end_search();
                    if self.has_work() && self.mutant != Mutant::NoSecondWake {
                        self.wake_one();
                    }
                }
                self.run(task);
                continue;
            }
            // Where it would steal.
            searching = searching || self.try_search();
            let early = self.mutant == Mutant::S2BeforeS1 && self.has_work();
            if !self.announce(me, std::mem::take(&mut searching)) {
                return;
            }
            let work = match self.mutant {
                Mutant::S2BeforeS1 => early,
                Mutant::NoS2 => false,
                _ => self.has_work(),
            };
            if work && self.mutant != Mutant::NoS3 && self.retract_to_search(me) {
                searching = true;
                continue;
            }
            thread::park();
            searching = self.retract(me);
        }
    }

    /// Runs a task, of which there are two, the first of which lasts until the second is done; or just the second.
    fn run(&self, task: u32) {
        if task == FIRST {
            let mut done = lock(&self.done);
            while !done.contains(&SECOND) {
                done = wait(&self.changed, done);
            }
        }
        let done = {
            let mut done = lock(&self.done);
            done.push(task);
            done.len()
        };
        self.changed.notify_one();
        if done == self.total {
            self.stop();
        }
    }
}

const FIRST: u32 = 0;
const SECOND: u32 = 1;

/// Workers run `tasks` that come at any moment.
fn run(mutant: Mutant, workers: u32, tasks: &[u32]) {
    let pool = Pool::new(mutant, tasks.len());
    let working = spawn(workers, |me| {
        let pool = pool.clone();
        move || pool.work(me)
    });
    tasks.iter().for_each(|task| pool.push(*task));
    join(working);
    let mut done = lock(&pool.done).clone();
    done.reverse();
    assert_eq!(done, tasks, "each is run once, and the first one ends last");
}

#[test]
fn a_task_that_comes_at_any_moment_is_run() {
    all(|| run(Mutant::None, 1, &[SECOND]));
    all(|| run(Mutant::None, 2, &[SECOND]));
}

#[test]
fn a_task_that_comes_beside_one_that_lasts_is_run_by_the_other_worker() {
    some(|| run(Mutant::None, 2, &[FIRST, SECOND]));
}

#[test]
fn every_mutant_leaves_a_task_beside_workers_that_sleep() {
    let is_found = |mutant, workers, tasks: &[u32]| {
        let found = finds(|| run(mutant, workers, tasks));
        assert_eq!(found.kind, "deadlock", "{mutant:?}: {}", found.to_text());
    };
    for mutant in [
        Mutant::P2BeforeP1,
        Mutant::NoP3,
        Mutant::S2BeforeS1,
        Mutant::NoS2,
        Mutant::NoS3,
        Mutant::StaysSearcher,
        Mutant::WeakP1,
        Mutant::WeakP2,
        Mutant::WeakS1,
        Mutant::WeakS2,
    ] {
        is_found(mutant, 1, &[SECOND]);
        is_found(mutant, 2, &[FIRST, SECOND]);
    }
    for mutant in [Mutant::NoSecondWake, Mutant::StaleHint] {
        is_found(mutant, 2, &[FIRST, SECOND]);
    }
}
