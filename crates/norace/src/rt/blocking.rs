//! Threads for jobs that block, and for filling the places of workers that do.
//!
//! Threads are started on demand up to a bound, wait for jobs, and end after a while without one. Jobs beyond the
//! threads wait in a queue with a bound of its own; beyond that they are refused. A place that a worker hands off never
//! waits in the queue: it gets an idle or a new thread at once, or the hand-off is refused. For places there may be as
//! many threads above the bound as there are workers.

use super::current;
use super::scheduler::{Config, Scheduler};
use super::threads::Threads;
use super::worker::{self, Handoff};
use crate::task::SpawnError;
use crate::task::cell::Task;
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait_timeout};
use norace_prim::time::Duration;
use std::collections::VecDeque;

/// How long a thread waits for a job before it ends.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

enum Job {
    Task(Task),
    Worker(Handoff),
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    /// Threads that wait for a job.
    idle: usize,
    closed: bool,
}

pub(crate) struct BlockingPool {
    state: Mutex<State>,
    job_added: Condvar,
    threads_max: usize,
    queue_max: usize,
    workers: usize,
    thread_name: String,
}

impl BlockingPool {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            state: Mutex::default(),
            job_added: Condvar::new(),
            threads_max: config.blocking_threads,
            queue_max: config.blocking_queue,
            workers: config.workers,
            thread_name: format!("{}-blocking", config.thread_name),
        }
    }

    /// Queues a job; gives it back when there is no room or the pool is closed.
    pub(crate) fn submit(
        &self,
        scheduler: &Arc<Scheduler>,
        task: Task,
    ) -> Result<(), (Task, SpawnError)> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err((task, SpawnError::Stopped));
        }
        if state.idle > state.queue.len() {
            state.queue.push_back(Job::Task(task));
            drop(state);
            self.job_added.notify_one();
            return Ok(());
        }
        if state.queue.len() >= self.queue_max {
            return Err((task, SpawnError::Full));
        }
        let may_start = state.threads < self.threads_max;
        if may_start {
            state.threads += 1;
        }
        state.queue.push_back(Job::Task(task));
        drop(state);
        if may_start {
            // When the system has no thread left, the job waits for one of those that run.
            self.start_thread(scheduler);
        }
        Ok(())
    }

    /// Has another thread fill the place in `handoff`; false when none can be had.
    pub(crate) fn start_worker(&self, scheduler: &Arc<Scheduler>, handoff: &Handoff) -> bool {
        let mut state = lock(&self.state);
        let has_idle = state.idle > state.queue.len();
        if state.closed || !has_idle && state.threads >= self.threads_max + self.workers {
            return false;
        }
        state.queue.push_front(Job::Worker(handoff.clone()));
        if has_idle {
            drop(state);
            self.job_added.notify_one();
            return true;
        }
        state.threads += 1;
        drop(state);
        // Without a new thread one of those that run may still come to the job; the caller takes the place back if not.
        self.start_thread(scheduler);
        true
    }

    /// Starts a thread that was counted already.
    fn start_thread(&self, scheduler: &Arc<Scheduler>) {
        let started = Threads::start(scheduler, self.thread_name.clone(), |scheduler| {
            scheduler.blocking.run(scheduler);
        });
        if started.is_err() {
            lock(&self.state).threads -= 1;
        }
    }

    fn run(&self, scheduler: &Arc<Scheduler>) {
        while let Some(job) = self.next() {
            match job {
                Job::Task(task) => {
                    let _entered = current::enter(scheduler.clone(), None);
                    task.run();
                }
                Job::Worker(handoff) => worker::run(scheduler, &handoff),
            }
        }
    }

    /// The next job; none when the thread, no longer counted, has to end.
    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            if state.closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let (woken, timed_out) = wait_timeout(&self.job_added, state, KEEP_ALIVE);
            state = woken;
            state.idle -= 1;
            if timed_out && state.queue.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }

    /// Refuses further jobs and ends those that nobody has begun; they must have been cancelled.
    pub(crate) fn close(&self) {
        let left = {
            let mut state = lock(&self.state);
            state.closed = true;
            std::mem::take(&mut state.queue)
        };
        self.job_added.notify_all();
        for job in left {
            match job {
                Job::Task(task) => task.run(),
                // Its owner takes the place back.
                Job::Worker(_) => {}
            }
        }
    }

    /// Threads and waiting jobs.
    pub(crate) fn size(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.threads, state.queue.len())
    }
}
