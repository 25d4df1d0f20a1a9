//! Threads for jobs that block, and for filling the places of workers that do.
//!
//! Threads are started on demand up to a bound, wait for jobs, and end after a while without one. Jobs beyond the
//! threads wait in a queue with a bound of its own; beyond that they are refused. A place that a worker hands off never
//! waits in the queue: it gets an idle or a new thread at once, or the hand-off is refused. For places there may be as
//! many threads as the bound and one per worker together.
//!
//! A thread that fills a place may do so for good, or go on for what is pinned to it, so it is none of those that jobs
//! can count on: the bound is for the others, and a job that is accepted always has one of them to wait for. A thread
//! that comes back from a place and finds the others complete ends.

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
    /// Threads that were started, and those of them that have a job.
    threads: usize,
    busy: usize,
    /// Threads that are with a place, and places in the queue, each of which has a thread to come.
    places: usize,
    closed: bool,
}

impl State {
    /// Whether the queue holds a job for every thread that has none.
    fn all_taken(&self) -> bool {
        self.queue.len() >= self.threads - self.busy
    }

    /// The threads that tasks can count on.
    fn task_threads(&self) -> usize {
        self.threads - self.places
    }

    /// Whether there is no room for a job, where so many may wait besides those that threads come for.
    fn is_full(&self, queue_max: usize) -> bool {
        self.task_threads() == 0 || self.queue.len() >= queue_max + self.threads - self.busy
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
        if state.closed {
            return Err((task, SpawnError::Stopped));
        }
        let wants_thread = state.all_taken() && state.task_threads() < self.threads_max;
        let started = wants_thread && self.start_thread(scheduler, &mut state);
        if !started && state.is_full(self.queue_max) {
            return Err((task, SpawnError::Full));
        }
        state.queue.push_back(Job::Task(task));
        drop(state);
        self.job_is_queued(scheduler, started);
        Ok(())
    }

    /// Has another thread fill the place in `handoff`; false when none can be had.
    pub(crate) fn start_worker(&self, scheduler: &Arc<Scheduler>, handoff: &Handoff) -> bool {
        let mut state = lock(&self.state);
        let wants_thread = state.all_taken();
        let has_room = state.places < self.threads_max + self.workers;
        if state.closed || wants_thread && !(has_room && self.start_thread(scheduler, &mut state)) {
            return false;
        }
        state.queue.push_front(Job::Worker(handoff.clone()));
        state.places += 1;
        drop(state);
        self.job_is_queued(scheduler, wants_thread);
        true
    }

    /// Starts a thread and counts it; false when the system refuses it.
    ///
    /// Under the lock: nobody counts on a thread that may never come, and the new one waits for the job it is for.
    fn start_thread(&self, scheduler: &Arc<Scheduler>, state: &mut State) -> bool {
        let started = Threads::start(scheduler, self.thread_name.clone(), |scheduler| {
            scheduler.blocking.run(scheduler);
        });
        state.threads += usize::from(started.is_ok());
        started.is_ok()
    }

    /// To be called when a job is queued, and the lock given back; a thread that was started for it comes by itself.
    fn job_is_queued(&self, scheduler: &Scheduler, thread_started: bool) {
        if thread_started {
            scheduler.threads.join_ended();
        } else {
            self.job_added.notify_one();
        }
    }

    fn run(&self, scheduler: &Arc<Scheduler>) {
        while let Some(job) = self.next() {
            match job {
                Job::Task(task) => {
                    let _entered = current::enter(scheduler.clone(), Role::Pool);
                    task.run();
                    lock(&self.state).busy -= 1;
                }
                Job::Worker(handoff) => {
                    worker::run(scheduler, &handoff);
                    if !self.comes_back() {
                        return;
                    }
                }
            }
        }
    }

    /// A thread is done with its place; false when it is one too many and, no longer counted, has to end.
    fn comes_back(&self) -> bool {
        let mut state = lock(&self.state);
        state.busy -= 1;
        state.places -= 1;
        let stays = state.task_threads() <= self.threads_max;
        if !stays {
            state.threads -= 1;
        }
        stays
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
            let left = std::mem::take(&mut state.queue);
            state.places -= left.iter().filter(|job| matches!(job, Job::Worker(_))).count();
            left
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

#[cfg(all(test, norace))]
mod models;
