//! Real workers, without the stall monitor: whatever they are doing, a task that can run is run.

use super::{Seat, run_in};
use crate::models::{Said, all, join, some};
use crate::rt::current::{self, Role};
use crate::rt::fixtures::{config, task, with_seats};
use crate::rt::monitor;
use crate::rt::scheduler::Scheduler;
use crate::task::block_in_place;
use crate::task::cell::Task;
use crate::time::sleep;
use norace_prim::sync::Arc;
use norace_prim::thread::{self, JoinHandle};
use norace_prim::time::Duration;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Wake, Waker};

const NAP: Duration = Duration::from_millis(1);

/// Workers in all places.
struct Workers {
    scheduler: Arc<Scheduler>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    fn start(workers: usize) -> Self {
        let (scheduler, seats) = with_seats(&config(workers));
        let threads = seats.into_iter().map(|seat| start(&scheduler, seat)).collect();
        Self { scheduler, threads }
    }

    fn stop(self) {
        self.scheduler.idle.stop();
        join(self.threads);
    }
}

fn start(scheduler: &Arc<Scheduler>, seat: Seat) -> JoinHandle<()> {
    let scheduler = scheduler.clone();
    let host = seat.new_host(&scheduler);
    thread::spawn(move || run_in(&scheduler, seat, host))
}

fn says(scheduler: &Arc<Scheduler>, said: &Said) -> Task {
    let said = said.clone();
    task(scheduler, async move { said.say() })
}

#[test]
fn one_worker_runs_what_comes_at_any_moment() {
    all(|| {
        let workers = Workers::start(1);
        let said = Said::default();
        Scheduler::woken(says(&workers.scheduler, &said));
        said.wait();
        workers.stop();
    });
}

#[test]
fn one_of_two_workers_runs_what_comes_at_any_moment() {
    some(|| {
        let workers = Workers::start(2);
        let said = Said::default();
        Scheduler::woken(says(&workers.scheduler, &said));
        said.wait();
        workers.stop();
    });
}

#[test]
fn a_task_that_waits_is_woken_from_another_thread() {
    all(|| {
        let workers = Workers::start(1);
        let (ask, answer) = (Said::default(), Said::default());
        let waiting = {
            let (ask, answer) = (ask.clone(), answer.clone());
            task(&workers.scheduler, async move {
                ask.hear().await;
                answer.say();
            })
        };
        Scheduler::woken(waiting);
        ask.say();
        answer.wait();
        workers.stop();
    });
}

#[test]
fn what_a_task_makes_and_does_not_let_run_is_run_by_the_other_worker() {
    some(|| {
        let workers = Workers::start(2);
        let (first, second) = (Said::default(), Said::default());
        let (one, two) = (says(&workers.scheduler, &first), says(&workers.scheduler, &second));
        let done = Said::default();
        let spawner = {
            let done = done.clone();
            task(&workers.scheduler, async move {
                // The second one takes the place of the first, which is visible then.
                Scheduler::woken(one);
                Scheduler::woken(two);
                first.wait();
                done.say();
            })
        };
        Scheduler::woken(spawner);
        done.wait();
        second.wait();
        workers.stop();
    });
}

#[test]
fn what_waits_behind_a_worker_that_is_found_stuck_is_rescued() {
    some(|| {
        let workers = Workers::start(2);
        let watching = {
            let scheduler = workers.scheduler.clone();
            thread::spawn(move || monitor::run(&scheduler, monitor::STALL_AFTER))
        };
        let (next, done) = (Said::default(), Said::default());
        let rescued = says(&workers.scheduler, &next);
        let hog = {
            let done = done.clone();
            task(&workers.scheduler, async move {
                // It runs next, where nobody sees it; and this one does not let it.
                Scheduler::woken(rescued);
                next.wait();
                done.say();
            })
        };
        Scheduler::woken(hog);
        done.wait();
        workers.stop();
        watching.join().unwrap();
    });
}

#[test]
fn workers_that_stop_end_what_is_left() {
    some(|| {
        let workers = Workers::start(2);
        let said = Said::default();
        let late = says(&workers.scheduler, &said);
        let spawner = thread::spawn(move || Scheduler::woken(late));
        workers.scheduler.idle.stop();
        said.wait();
        spawner.join().unwrap();
        join(workers.threads);
    });
}

#[test]
fn workers_that_stop_first_run_what_is_in_their_queues() {
    some(|| {
        let workers = Workers::start(1);
        let (begun, said) = (Said::default(), Said::default());
        let last = says(&workers.scheduler, &said);
        let spawner = {
            let begun = begun.clone();
            task(&workers.scheduler, async move {
                begun.say();
                Scheduler::woken(last);
            })
        };
        Scheduler::woken(spawner);
        begun.wait();
        workers.stop();
        said.wait();
    });
}

/// A waker that blocks where it is called.
struct Blocks;

impl Wake for Blocks {
    fn wake(self: Arc<Self>) {
        block_in_place(|| {
            for _ in 0..3 {
                thread::yield_now();
            }
        });
    }
}

#[test]
fn a_waker_that_blocks_between_two_tasks_loses_none() {
    some(|| {
        let (scheduler, seats) = with_seats(&config(1));
        let mut nap = sleep(NAP);
        {
            // Of the runtime's timers, so that its worker calls the waker.
            let _entered = current::enter(scheduler.clone(), Role::Guest);
            let _ =
                Pin::new(&mut nap).poll(&mut Context::from_waker(&Waker::from(Arc::new(Blocks))));
        }
        thread::sleep(NAP);
        let said: Vec<Said> = (0..3).map(|_| Said::default()).collect();
        scheduler.inject(said.iter().map(|said| says(&scheduler, said)));
        scheduler.places[0].set_look_due(true);
        let workers: Vec<_> = seats.into_iter().map(|seat| start(&scheduler, seat)).collect();
        said.iter().for_each(Said::wait);
        scheduler.idle.stop();
        scheduler.blocking.close();
        join(workers);
    });
}
