//! Which polls hold a worker for long: what the stall monitor tells of them, for people.
//!
//! The monitor hands on what waits behind a poll as soon as it finds it stuck. Most of these polls end soon, and some
//! are none: their thread had no cpu. Those that are still there after [`REPORTED_AFTER`] are looked up and kept here,
//! while they last and, of those that are over, the last [`KEPT`].
//!
//! A poll pays one store for it, of its task's number beside the tick. All else is the monitor's: it looks the task up
//! by that number, once for each poll that is told, which takes the lock of one shard of the table of tasks and a look
//! at each task there. No model asks for these reports, so they are no steps of one.

use super::scheduler::{Place, Scheduler};
use crate::task::{Header, TaskId};
use norace_prim::probe;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::time::{Duration, Instant};
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;

/// How long a poll has been stuck when it is looked up.
const REPORTED_AFTER: Duration = Duration::from_millis(10);

/// Of those that are over, so many are kept.
const KEPT: usize = 32;

/// A poll that holds, or held, a worker for long: a task that computes or blocks without an await.
///
/// See [`Handle::stalls`](super::Handle::stalls).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stall {
    /// The task.
    pub task: TaskId,
    /// Its name, when it was given one.
    pub name: Option<Arc<str>>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// The number of the worker, from 0, as in the name of its thread.
    pub worker: usize,
    /// How long it has run, or ran, counted from when it was found.
    pub lasted: Duration,
    /// Whether the poll is over.
    pub over: bool,
}

/// `task 7 (till) spawned at src/main.rs:3:5 has held worker 1 for 12.5ms`
impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.task)?;
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        let held = if self.over { "held" } else { "has held" };
        write!(f, " spawned at {} {held} worker {}", self.spawned_at, self.worker)?;
        write!(f, " for {:?}", self.lasted)
    }
}

/// A poll that was found stuck and goes on.
struct Stuck {
    tick: u64,
    since: Instant,
    /// Its task, once it was looked up.
    told: Option<Told>,
}

struct Told {
    task: TaskId,
    name: Option<Arc<str>>,
    spawned_at: &'static Location<'static>,
}

impl Told {
    fn new(task: &Header) -> Self {
        Self { task: task.id(), name: task.name().cloned(), spawned_at: task.spawned_at() }
    }

    fn stall(&self, worker: usize, lasted: Duration, over: bool) -> Stall {
        let (name, spawned_at) = (self.name.clone(), self.spawned_at);
        Stall { task: self.task, name, spawned_at, worker, lasted, over }
    }
}

#[derive(Default)]
struct Log {
    /// By the number of the worker.
    stuck: Vec<Option<Stuck>>,
    /// Oldest first.
    over: VecDeque<Stall>,
}

/// Those of one runtime.
pub(crate) struct Stalls(Mutex<Log>);

impl Stalls {
    pub(super) fn new(workers: usize) -> Self {
        let stuck = (0..workers).map(|_| None).collect();
        Self(Mutex::new(Log { stuck, over: VecDeque::new() }))
    }

    /// The monitor has found `worker` inside the poll `tick` again, or, where that is none, out of the one in which it
    /// was found before.
    pub(super) fn note(&self, scheduler: &Scheduler, worker: usize, tick: Option<u64>) {
        if probe::in_model() {
            return;
        }
        let place = &scheduler.places[worker];
        self.note_at(Instant::now(), worker, tick, |tick| find(scheduler, place, tick));
    }

    fn note_at(
        &self,
        now: Instant,
        worker: usize,
        tick: Option<u64>,
        find: impl FnOnce(u64) -> Option<Told>,
    ) {
        let mut log = lock(&self.0);
        let log = &mut *log;
        let stuck = &mut log.stuck[worker];
        if let Some(former) = stuck.take_if(|stuck| Some(stuck.tick) != tick) {
            log.over.extend(former.told.map(|told| told.stall(worker, now - former.since, true)));
            let surplus = log.over.len().saturating_sub(KEPT);
            log.over.drain(..surplus);
        }
        let Some(tick) = tick else { return };
        let stuck = stuck.get_or_insert(Stuck { tick, since: now, told: None });
        if stuck.told.is_none() && now - stuck.since >= REPORTED_AFTER {
            stuck.told = find(tick);
        }
    }

    /// Those that are over, oldest first, and those that go on.
    pub(super) fn all(&self) -> Vec<Stall> {
        self.all_at(Instant::now())
    }

    fn all_at(&self, now: Instant) -> Vec<Stall> {
        let log = lock(&self.0);
        let stuck = log.stuck.iter().enumerate().filter_map(|(worker, stuck)| {
            let stuck = stuck.as_ref()?;
            let lasted = now.saturating_duration_since(stuck.since);
            Some(stuck.told.as_ref()?.stall(worker, lasted, false))
        });
        log.over.iter().cloned().chain(stuck).collect()
    }

    /// How long the poll in which `task` is has been stuck, where it is told.
    pub(crate) fn of(&self, task: TaskId) -> Option<Duration> {
        if probe::in_model() {
            return None;
        }
        let log = lock(&self.0);
        let mut stuck = log.stuck.iter().flatten();
        let stuck = stuck.find(|stuck| stuck.told.as_ref().is_some_and(|told| told.task == task));
        stuck.map(|stuck| Instant::now().saturating_duration_since(stuck.since))
    }
}

/// The task of the poll `tick`, which goes on; none when it is over, and when the task has ended.
fn find(scheduler: &Scheduler, place: &Place, tick: u64) -> Option<Told> {
    let task = place.task().and_then(|id| scheduler.registry().find(id))?;
    // The number was that of this poll, if the poll still goes on.
    (place.tick() == tick).then(|| Told::new(task.header()))
}

#[cfg(test)]
mod tests;
