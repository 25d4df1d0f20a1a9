//! Two workers, a poller that one of them may sleep in, timers, and a monitor: step by step, and its mutants.

use crate::models::{finds, join, some, spawn};
use crate::time::{Duration, Instant};
use norace_prim::atomic::{AtomicBool, AtomicU64, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, MutexGuard, lock, wait, wait_timeout};
use norace_prim::thread::{self, Thread};

const SOON: Duration = Duration::from_millis(1);
const WORKERS: usize = 2;

/// What is done otherwise than the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// Who sets a timer leaves the sleeper alone.
    NoKick,
    /// Who goes to sleep looks for the earliest timer, and notes until when it sleeps in a step of its own.
    NotesLate,
    /// Who gets the poller looks into it, and sleeps elsewhere.
    SleepsElsewhere,
    /// Nobody watches.
    NoMonitor,
    /// The monitor takes a poller that nobody sleeps in for one that is looked at soon.
    MonitorTrusts,
    /// The monitor takes the poller to see whether anybody sleeps in it.
    MonitorEnters,
}

/// Who sleeps, and where.
struct Sleeper {
    worker: usize,
    thread: Thread,
    in_poller: bool,
}

#[derive(Default)]
struct Shared {
    ready: Vec<u32>,
    done: Vec<u32>,
    sleepers: Vec<Sleeper>,
    stopping: bool,
}

#[derive(Default)]
struct Timers {
    /// When which task is ready.
    set: Vec<(Instant, u32)>,
    /// Until when somebody sleeps in the poller.
    asleep: Option<Option<Instant>>,
}

struct Pool {
    mutant: Mutant,
    /// How many tasks there will be.
    total: usize,
    poller: Mutex<()>,
    timers: Mutex<Timers>,
    rung: Mutex<bool>,
    bell: Condvar,
    shared: Mutex<Shared>,
    changed: Condvar,
    turns: AtomicU64,
    attended: AtomicBool,
    ticks: [AtomicU64; WORKERS],
}

/// Sets a timer for the next one.
const NAPS: u32 = 0;
/// Lasts until the next one is done, if that is still to come.
const LASTS: u32 = 1;
const LAST: u32 = 2;

impl Pool {
    fn new(mutant: Mutant, total: usize) -> Arc<Self> {
        Arc::new(Self {
            mutant,
            total,
            poller: Mutex::default(),
            timers: Mutex::default(),
            rung: Mutex::new(false),
            bell: Condvar::new(),
            shared: Mutex::default(),
            changed: Condvar::new(),
            turns: AtomicU64::new(0),
            attended: AtomicBool::new(false),
            ticks: Default::default(),
        })
    }

    fn ring(&self) {
        *lock(&self.rung) = true;
        self.bell.notify_one();
    }

    fn set_timer(&self, deadline: Instant, task: u32) {
        let kick = {
            let mut timers = lock(&self.timers);
            timers.set.push((deadline, task));
            let kick = timers.asleep.is_some_and(|until| until.is_none_or(|at| deadline < at));
            if kick {
                timers.asleep = Some(Some(deadline));
            }
            kick
        };
        if kick && self.mutant != Mutant::NoKick {
            self.ring();
        }
    }

    fn begin_wait(&self) -> Option<Instant> {
        let mut timers = lock(&self.timers);
        let until = timers.set.iter().map(|timer| timer.0).min();
        if self.mutant == Mutant::NotesLate {
            drop(timers);
            timers = lock(&self.timers);
        }
        timers.asleep = Some(until);
        until
    }

    /// Sleeps in the poller, and readies what is due.
    fn turn(&self) {
        // Relaxed: a hint for the monitor.
        self.attended.store(true, Ordering::Relaxed);
        let until = self.begin_wait();
        let mut rung = lock(&self.rung);
        while !*rung {
            rung = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => wait(&self.bell, rung),
                Some(left) if left.is_zero() => break,
                Some(left) => wait_timeout(&self.bell, rung, left).0,
            };
        }
        *rung = false;
        drop(rung);
        // Relaxed: as above.
        self.attended.store(false, Ordering::Relaxed);
        // Relaxed: as above.
        self.turns.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let due: Vec<_> = {
            let mut timers = lock(&self.timers);
            timers.asleep = None;
            timers.set.extract_if(.., |timer| timer.0 <= now).map(|timer| timer.1).collect()
        };
        let more = due.len() > 1;
        let mut shared = lock(&self.shared);
        shared.ready.extend(due);
        if more {
            self.wake_one(&mut shared);
        }
    }

    fn wake_one(&self, shared: &mut Shared) {
        if let Some(sleeper) = shared.sleepers.pop() {
            self.wake(&sleeper);
        }
    }

    fn wake(&self, sleeper: &Sleeper) {
        if sleeper.in_poller { self.ring() } else { sleeper.thread.unpark() }
    }

    fn work(&self, worker: usize) {
        loop {
            let next = lock(&self.shared).ready.pop();
            if let Some(task) = next {
                // Relaxed: a hint for the monitor.
                self.ticks[worker].fetch_add(1, Ordering::Relaxed);
                self.run(task);
                // Relaxed: as above.
                self.ticks[worker].fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let mut poller = self.poller.try_lock().ok();
            if self.mutant == Mutant::SleepsElsewhere {
                poller = None;
            }
            {
                let mut shared = lock(&self.shared);
                if shared.stopping {
                    return;
                }
                if !shared.ready.is_empty() {
                    continue;
                }
                let in_poller = poller.is_some();
                let at = if in_poller { 0 } else { shared.sleepers.len() };
                let sleeper = Sleeper { worker, thread: thread::current(), in_poller };
                shared.sleepers.insert(at, sleeper);
            }
            match &poller {
                None => thread::park(),
                Some(_) => self.turn(),
            }
            drop(poller);
            lock(&self.shared).sleepers.retain(|sleeper| sleeper.worker != worker);
            self.changed.notify_all();
        }
    }

    fn run(&self, task: u32) {
        if task == NAPS {
            self.set_timer(Instant::now() + SOON, LASTS);
        }
        let mut shared = lock(&self.shared);
        while task == LASTS && !self.is_over(&shared) {
            shared = wait(&self.changed, shared);
        }
        shared.done.push(task);
        if shared.done.len() == self.total {
            shared.stopping = true;
            shared.sleepers.drain(..).for_each(|sleeper| self.wake(&sleeper));
        }
        drop(shared);
        self.changed.notify_all();
    }

    /// Whether all but one task are done.
    fn is_over(&self, shared: &MutexGuard<'_, Shared>) -> bool {
        shared.done.len() + 1 == self.total
    }

    fn monitor(&self) {
        let (mut turns, mut seen) = (0, [0; WORKERS]);
        let mut shared = lock(&self.shared);
        while !shared.stopping {
            if shared.sleepers.len() == WORKERS {
                shared = wait(&self.changed, shared);
                continue;
            }
            shared = wait_timeout(&self.changed, shared, SOON).0;
            // Relaxed: hints.
            let now = self.turns.load(Ordering::Relaxed);
            let quiet = std::mem::replace(&mut turns, now) == now;
            let attended = match self.mutant {
                Mutant::MonitorEnters => self.poller.try_lock().is_err(),
                Mutant::MonitorTrusts => true,
                // Relaxed: as above.
                _ => self.attended.load(Ordering::Relaxed),
            };
            let mut stuck = false;
            for (tick, seen) in self.ticks.iter().zip(&mut seen) {
                // Relaxed: as above.
                let tick = tick.load(Ordering::Relaxed);
                stuck |= tick % 2 == 1 && tick == std::mem::replace(seen, tick);
            }
            if stuck && quiet && !attended {
                self.wake_one(&mut shared);
            }
        }
    }

    /// Runs until all is done.
    fn run_all(self: &Arc<Self>, monitored: bool) {
        let mut threads = spawn(2, |worker| {
            let pool = self.clone();
            move || pool.work(worker as usize)
        });
        if monitored && self.mutant != Mutant::NoMonitor {
            let pool = self.clone();
            threads.push(thread::spawn(move || pool.monitor()));
        }
        join(threads);
        assert_eq!(lock(&self.shared).done.len(), self.total);
    }
}

/// A task sets a timer, while the other worker may sleep in the poller.
fn a_timer_is_set(mutant: Mutant) {
    let pool = Pool::new(mutant, 2);
    lock(&pool.shared).ready.push(NAPS);
    pool.run_all(false);
}

/// A timer readies a task that lasts until a later timer has readied another one.
fn a_timer_waits_behind_a_task(mutant: Mutant) {
    let pool = Pool::new(mutant, 2);
    let now = Instant::now();
    pool.set_timer(now + SOON, LASTS);
    pool.set_timer(now + 2 * SOON, LAST);
    pool.run_all(true);
}

#[test]
fn a_timer_that_is_set_at_any_moment_fires() {
    some(|| a_timer_is_set(Mutant::None));
}

#[test]
fn a_timer_fires_although_whoever_left_the_poller_is_stuck() {
    some(|| a_timer_waits_behind_a_task(Mutant::None));
}

#[test]
fn every_mutant_sleeps_over_a_timer() {
    for mutant in [Mutant::NoKick, Mutant::NotesLate, Mutant::SleepsElsewhere] {
        let found = finds(move || a_timer_is_set(mutant));
        assert_eq!(found.kind, "deadlock", "{mutant:?}: {}", found.to_text());
    }
    for mutant in [Mutant::NoMonitor, Mutant::MonitorTrusts, Mutant::MonitorEnters] {
        let found = finds(move || a_timer_waits_behind_a_task(mutant));
        // Or a monitor that looks for ever.
        let kinds = ["deadlock", "livelock"];
        assert!(kinds.contains(&found.kind), "{mutant:?}: {}", found.to_text());
    }
}
