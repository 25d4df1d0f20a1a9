//! What the workers of one runtime share.

use super::blocking::BlockingPool;
use super::counters::Counters;
use super::current;
use super::driver::Driver;
use super::idle::Idle;
use super::queue::{self, Injector, Stealer};
use super::stalls::Stalls;
use super::threads::Threads;
use super::worker::{Seat, Worker};
use crate::task::TaskId;
use crate::task::cell::Task;
use crate::task::pinned::PinnedHost;
use crate::task::registry::Registry;
use norace_prim::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, Tally};
use norace_prim::probe;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::time::Duration;
use std::io;

/// A worker's place: what belongs to it whichever thread fills it. On cache lines of its own.
#[repr(align(128))]
pub(crate) struct Place {
    pub(crate) queue: Stealer,
    /// Rises at the start and at the end of each poll: odd means inside one.
    tick: AtomicU64,
    /// The task that was polled last, for reports; 0 before the first.
    task: AtomicU64,
    /// The poll that the stall monitor has found to take too long, by its tick.
    stuck_in: AtomicU64,
    /// Set by the stall monitor: nobody has looked at the netpoller for a while.
    look_due: AtomicBool,
    /// Where pinned tasks for this place go.
    host: Mutex<Option<Arc<PinnedHost>>>,
    pub(crate) steals: Tally,
    pub(crate) stolen: Tally,
    pub(crate) parks: Tally,
    pub(crate) overflows: Tally,
}

impl Place {
    fn new(queue: Stealer) -> Self {
        Self {
            queue,
            tick: AtomicU64::new(0),
            task: AtomicU64::new(0),
            stuck_in: AtomicU64::new(u64::MAX),
            look_due: AtomicBool::new(false),
            host: Mutex::new(None),
            steals: Tally::default(),
            stolen: Tally::default(),
            parks: Tally::default(),
            overflows: Tally::default(),
        }
    }

    /// Counts the start of a poll of `task`.
    pub(crate) fn begin(&self, task: TaskId) {
        // No model asks for reports, so this is no step of one.
        if !probe::in_model() {
            // Relaxed: looked at in reports alone, long after.
            self.task.store(task.get(), Ordering::Relaxed);
        }
        self.advance_tick();
    }

    /// The task that is polled, or was last.
    pub(super) fn task(&self) -> Option<TaskId> {
        // Relaxed: as in begin.
        TaskId::known(self.task.load(Ordering::Relaxed))
    }

    /// Counts the start or the end of a poll; only the worker in this place calls it.
    pub(crate) fn advance_tick(&self) {
        // Relaxed: looked at from outside only to see whether it moves. One writer, so no read-modify-write.
        let now = self.tick.load(Ordering::Relaxed);
        // Relaxed: as above.
        self.tick.store(now.wrapping_add(1), Ordering::Relaxed);
    }

    pub(crate) fn tick(&self) -> u64 {
        // Relaxed: as in advance_tick.
        self.tick.load(Ordering::Relaxed)
    }

    /// The worker is inside the poll `tick`, and has been for too long.
    pub(crate) fn set_stuck(&self, tick: u64) {
        // Relaxed: a hint for thieves. An old one harms nobody: ticks do not come again.
        self.stuck_in.store(tick, Ordering::Relaxed);
    }

    pub(crate) fn is_stuck(&self) -> bool {
        // Relaxed: as in set_stuck.
        self.stuck_in.load(Ordering::Relaxed) == self.tick()
    }

    pub(crate) fn set_look_due(&self, due: bool) {
        // Relaxed: a request that may be met one task later.
        self.look_due.store(due, Ordering::Relaxed);
    }

    pub(crate) fn is_look_due(&self) -> bool {
        // Relaxed: as in set_look_due.
        self.look_due.load(Ordering::Relaxed)
    }

    pub(super) fn set_host(&self, host: Arc<PinnedHost>) {
        *lock(&self.host) = Some(host);
    }

    /// The thread that takes pinned tasks for this place, with room for one reserved; none when it is about to end.
    ///
    /// Reserved under the lock: a thread closes its host only after the place has got the next one, so the one that is
    /// seen here is open until the runtime stops.
    fn reserve_host(&self) -> Option<Arc<PinnedHost>> {
        lock(&self.host).as_ref().filter(|host| host.reserve()).cloned()
    }
}

pub(crate) struct Scheduler {
    pub(crate) places: Box<[Place]>,
    pub(crate) injector: Injector,
    pub(crate) idle: Idle,
    pub(crate) threads: Threads,
    pub(crate) stalls: Stalls,
    pub(crate) blocking: BlockingPool,
    driver: Arc<Driver>,
    registry: Registry,
    counters: Counters,
    /// Spreads pinned tasks over the places.
    next_host: AtomicUsize,
    /// Places whose worker has not left for good.
    places_left: Mutex<usize>,
}

/// What a runtime is made with.
pub(crate) struct Config {
    pub(crate) workers: usize,
    pub(crate) blocking_threads: usize,
    pub(crate) blocking_queue: usize,
    pub(crate) max_tasks: Option<usize>,
    pub(crate) stall_after: Duration,
    pub(crate) thread_name: String,
}

impl Scheduler {
    /// A scheduler without threads, and the right to fill each of its places.
    pub(crate) fn new(config: &Config) -> io::Result<(Arc<Self>, Vec<Seat>)> {
        let queues = (0..config.workers).map(|index| {
            let (owner, stealer) = queue::local();
            (Place::new(stealer), Seat::new(index, owner))
        });
        let (places, seats): (Vec<Place>, Vec<Seat>) = queues.unzip();
        let scheduler = Arc::new(Self {
            places: places.into(),
            injector: Injector::new(),
            idle: Idle::new(config.workers),
            threads: Threads::new(),
            stalls: Stalls::new(config.workers),
            blocking: BlockingPool::new(config),
            driver: Arc::new(Driver::new()?),
            registry: Registry::new(config.max_tasks),
            counters: Counters::default(),
            next_host: AtomicUsize::new(0),
            places_left: Mutex::new(config.workers),
        });
        Ok((scheduler, seats))
    }

    pub(crate) fn driver(&self) -> &Arc<Driver> {
        &self.driver
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Queues a task that was spawned or woken: next on this worker, or in the injector when this thread is none of the
    /// task's runtime.
    pub(crate) fn woken(task: Task) {
        Self::queue(task, |worker, task| worker.push_woken(task));
    }

    /// Queues a task that was woken during its own poll: behind all others.
    pub(crate) fn yielded(task: Task) {
        Self::queue(task, |worker, task| worker.push_yielded(task));
    }

    fn queue(task: Task, push: impl FnOnce(&Worker, Task) -> Result<(), Task>) {
        let queued = current::with_worker(task, |worker, task| {
            if Arc::ptr_eq(worker.scheduler(), task.header().scheduler()) {
                push(worker, task)
            } else {
                Err(task)
            }
        });
        if let Err(task) = queued {
            let scheduler = task.header().scheduler().clone();
            scheduler.inject(std::iter::once(task));
        }
    }

    /// Adds tasks to the injector and wakes a worker for them.
    pub(crate) fn inject(&self, tasks: impl Iterator<Item = Task>) {
        match self.injector.push(tasks) {
            Ok(()) => {
                self.idle.wake_one();
            }
            // All tasks were cancelled before the last worker left: running one ends it.
            Err(tasks) => tasks.into_iter().for_each(|task| task.run()),
        }
    }

    /// A worker leaves its place for good; the last one ends what is left, all of it cancelled before.
    pub(crate) fn leave_place(&self) {
        let last = {
            let mut left = lock(&self.places_left);
            *left -= 1;
            *left == 0
        };
        if last {
            self.injector.close().into_iter().for_each(|task| task.run());
        }
    }

    /// Whether a worker that looks would find a task that is not about to be run anyway.
    pub(crate) fn has_visible_work(&self) -> bool {
        self.injector.has_work() || self.places.iter().any(|place| place.queue.len() > 0)
    }

    /// A thread that takes a pinned task, with a place for it reserved.
    pub(crate) fn reserve_host(&self) -> Option<Arc<PinnedHost>> {
        // Relaxed: it only spreads.
        let start = self.next_host.fetch_add(1, Ordering::Relaxed);
        (0..self.places.len())
            .find_map(|n| self.places[start.wrapping_add(n) % self.places.len()].reserve_host())
    }
}
