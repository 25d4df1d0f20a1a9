//! Every task that is alive, so that a shutdown can cancel all of them and name those that did not stop.
//!
//! Sharded by task id: neighbours in age sit in different shards, and spawning or ending a task takes one lock that is
//! rarely contended. A shard is closed under its lock: a task is either refused, or seen by [`Registry::close`]. A task
//! keeps its [`Spot`] in the shard, so that its end looks nothing up; the last of the shard takes the place that it
//! leaves.

use super::TaskId;
use super::cell::{Header, Task};
use super::error::SpawnError;
use norace_prim::atomic::{AtomicU32, AtomicUsize, Ordering};
use norace_prim::sync::{Condvar, Mutex, lock, wait_timeout};
use norace_prim::time::Instant;

const SHARDS: usize = norace_prim::model_or!(16, 2);

/// A shard that grew beyond this gives its memory back when the last task leaves.
const KEEP: usize = norace_prim::model_or!(64, 2);

/// Where a task stands in its shard; read and written under the shard's lock.
pub(crate) struct Spot(AtomicU32);

impl Spot {
    const NOWHERE: u32 = u32::MAX;

    /// That of a task that was not added.
    pub(crate) fn nowhere() -> Self {
        Self(AtomicU32::new(Self::NOWHERE))
    }

    fn set(&self, at: usize) {
        let at = u32::try_from(at).ok().filter(|&at| at != Self::NOWHERE);
        let at = at.expect("fewer than 2^32 - 1 tasks");
        // Relaxed: under the lock.
        self.0.store(at, Ordering::Relaxed);
    }

    fn get(&self) -> Option<usize> {
        // Relaxed: under the lock.
        let at = self.0.load(Ordering::Relaxed);
        (at != Self::NOWHERE).then_some(at as usize)
    }
}

#[derive(Default)]
struct Shard {
    tasks: Vec<Task>,
    spawned: u64,
    closed: bool,
}

impl Shard {
    fn add(&mut self, task: Task) {
        task.header().spot.set(self.tasks.len());
        self.tasks.push(task);
        self.spawned += 1;
    }

    /// Takes a task out, if it was added.
    fn take(&mut self, header: &Header) -> Option<Task> {
        let at = header.spot.get()?;
        let task = self.tasks.swap_remove(at);
        match self.tasks.get(at) {
            Some(moved) => moved.header().spot.set(at),
            None if self.tasks.is_empty() && self.tasks.capacity() > KEEP => {
                self.tasks = Vec::new();
            }
            None => {}
        }
        Some(task)
    }
}

/// Keeps shards on cache lines of their own.
#[repr(align(128))]
struct Aligned(Mutex<Shard>);

impl Aligned {
    fn new() -> Self {
        Self(Mutex::default())
    }
}

pub(crate) struct Registry {
    shards: [Aligned; SHARDS],
    /// How many tasks may be alive. Without a limit `live` is not kept: it would be one word all workers write.
    limit: Option<usize>,
    live: AtomicUsize,
    /// Guards nothing but the wait for the last task; see [`Registry::wait_empty`].
    wait: Mutex<()>,
    emptied: Condvar,
}

impl Registry {
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self {
            shards: std::array::from_fn(|_| Aligned::new()),
            limit,
            live: AtomicUsize::new(0),
            wait: Mutex::new(()),
            emptied: Condvar::new(),
        }
    }

    fn shard(&self, id: TaskId) -> &Mutex<Shard> {
        let index = usize::try_from(id.get() % SHARDS as u64).expect("below the number of shards");
        &self.shards[index].0
    }

    /// Reserves room for one more task.
    pub(crate) fn admit(&self) -> Result<(), SpawnError> {
        let Some(limit) = self.limit else { return Ok(()) };
        // Relaxed: the count bounds how many there are and orders nothing.
        if self.live.fetch_add(1, Ordering::Relaxed) < limit {
            return Ok(());
        }
        self.forget_one();
        Err(SpawnError::Full)
    }

    /// Gives back what [`admit`](Self::admit) reserved.
    pub(crate) fn forget_one(&self) {
        if self.limit.is_some() {
            // Relaxed: as in admit.
            self.live.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Adds an admitted task.
    pub(crate) fn insert(&self, task: Task) -> Result<(), SpawnError> {
        let id = task.header().id();
        let mut shard = lock(self.shard(id));
        if shard.closed {
            drop(shard);
            self.forget_one();
            return Err(SpawnError::Stopped);
        }
        shard.add(task);
        Ok(())
    }

    /// Forgets a task that has ended; does nothing for one that was refused.
    pub(crate) fn remove(&self, header: &Header) {
        let mut shard = lock(self.shard(header.id()));
        let Some(task) = shard.take(header) else { return };
        let last_of_closed = shard.closed && shard.tasks.is_empty();
        drop(shard);
        drop(task);
        self.forget_one();
        if last_of_closed {
            // The lock orders this after a waiter's look at the shards: it either saw this one empty or waits by now.
            let _guard = lock(&self.wait);
            self.emptied.notify_all();
        }
    }

    /// The task `id`, if it is alive. Looks at each task of its shard.
    pub(crate) fn find(&self, id: TaskId) -> Option<Task> {
        let shard = lock(self.shard(id));
        shard.tasks.iter().find(|task| task.header().id() == id).cloned()
    }

    /// How many tasks are alive.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(&shard.0).tasks.len()).sum()
    }

    /// How many tasks were added so far.
    pub(crate) fn spawned(&self) -> u64 {
        self.shards.iter().map(|shard| lock(&shard.0).spawned).sum()
    }

    /// Refuses every further task and gives those that are alive.
    pub(crate) fn close(&self) -> Vec<Task> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(&shard.0);
            shard.closed = true;
            all.extend(shard.tasks.iter().cloned());
        }
        all
    }

    /// Waits until no task of a closed registry is left; those that are left at `deadline`, oldest first.
    pub(crate) fn wait_empty(&self, deadline: Instant) -> Vec<Task> {
        let mut guard = lock(&self.wait);
        loop {
            let left = self.tasks();
            let now = Instant::now();
            if left.is_empty() || now >= deadline {
                return left;
            }
            // Dropping the last reference to a task that has just ended is harmless here: its body is gone.
            drop(left);
            guard = wait_timeout(&self.emptied, guard, deadline - now).0;
        }
    }

    /// Those that are alive, oldest first.
    pub(crate) fn tasks(&self) -> Vec<Task> {
        let tasks = |shard: &Aligned| lock(&shard.0).tasks.clone();
        let mut all: Vec<Task> = self.shards.iter().flat_map(tasks).collect();
        all.sort_by_key(|task| task.header().id());
        all
    }
}

#[cfg(all(test, norace))]
mod models;
