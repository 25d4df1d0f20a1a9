//! Threads for jobs that block, and for filling the places of workers that do.
//!
//! Threads are started on demand up to a bound, wait for jobs, and end after a while without one. Jobs beyond the
//! threads wait in a queue with a bound of its own; beyond that they are refused. A place that a worker hands off never
//! waits in the queue: it gets an idle or a new thread at once, or the hand-off is refused. For places there may be as
//! many threads above the bound as there are workers.

use super::current::{self, Role};
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
    /// Threads that run or are about to, and those of them that have a job.
    threads: usize,
    busy: usize,
    closed: bool,
}

impl State {
    /// Whether the queue holds a job for every thread that has none.
    fn all_taken(&self) -> bool {
        self.queue.len() >= self.threads - self.busy
    }
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
        if state.all_taken() && state.threads < self.threads_max && !state.closed {
            state.threads += 1;
            drop(state);
            // When the system has no thread left, the job waits for one of those that run.
            self.start_thread(scheduler);
            state = lock(&self.state);
        }
        if state.closed {
            return Err((task, SpawnError::Stopped));
        }
        let room = self.queue_max + state.threads - state.busy;
        if state.threads == 0 || state.queue.len() >= room {
            return Err((task, SpawnError::Full));
        }
        state.queue.push_back(Job::Task(task));
        drop(state);
        self.job_added.notify_one();
        Ok(())
    }

    /// Has another thread fill the place in `handoff`; false when none can be had.
    pub(crate) fn start_worker(&self, scheduler: &Arc<Scheduler>, handoff: &Handoff) -> bool {
        let mut state = lock(&self.state);
        let all_taken = state.all_taken();
        if state.closed || all_taken && state.threads >= self.threads_max + self.workers {
            return false;
        }
        state.queue.push_front(Job::Worker(handoff.clone()));
        if all_taken {
            state.threads += 1;
            drop(state);
            // Without a new thread one that runs may still come to the job; the caller takes the place back if not.
            self.start_thread(scheduler);
        } else {
            drop(state);
            self.job_added.notify_one();
        }
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
                    let _entered = current::enter(scheduler.clone(), Role::Pool);
                    task.run();
                }
                Job::Worker(handoff) => worker::run(scheduler, &handoff),
            }
            lock(&self.state).busy -= 1;
        }
    }

    /// The next job, with which the thread is busy; none when the thread, no longer counted, has to end.
    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        let mut timed_out = false;
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.busy += 1;
                return Some(job);
            }
            if state.closed || timed_out {
                state.threads -= 1;
                return None;
            }
            (state, timed_out) = wait_timeout(&self.job_added, state, KEEP_ALIVE);
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
