//! The blocking pool: each job that is accepted ends, at whatever moment threads start, tire and stop.

use super::KEEP_ALIVE;
use crate::context::Cause;
use crate::models::{FAR, all, join, some, spawn};
use crate::rt::fixtures::{self, config, with_seats};
use crate::rt::scheduler::{Config, Scheduler};
use crate::rt::worker::{Handoff, Seat};
use crate::task::cell::{Home, Spec, Task, TaskCell};
use crate::task::future::BlockingBody;
use crate::task::{JoinHandle, SpawnError, TaskError};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;
use norace_prim::time::Instant;
use std::panic::Location;

/// A pool of one thread, with room for one job that waits.
fn scheduler() -> Arc<Scheduler> {
    fixtures::scheduler(1)
}

/// As [`scheduler`], with the right to fill its only place.
fn with_seat() -> (Arc<Scheduler>, Seat) {
    let (scheduler, mut seats) = with_seats(&config(1));
    (scheduler, seats.remove(0))
}

fn job<T: Send + 'static>(
    scheduler: &Arc<Scheduler>,
    act: impl FnOnce() -> T + Send + 'static,
) -> (Task, JoinHandle<T>) {
    let spec = Spec { name: None, spawned_at: Location::caller(), scheduler: scheduler.clone() };
    let cell = TaskCell::new(spec, Home::Blocking, BlockingBody::new(act));
    (cell.clone(), JoinHandle::new(cell))
}

/// Submits a job that gives `value`; its handle, or why it was not accepted.
fn submit(scheduler: &Arc<Scheduler>, value: u32) -> Result<JoinHandle<u32>, SpawnError> {
    submit_job(scheduler, move || value)
}

fn submit_job<T: Send + 'static>(
    scheduler: &Arc<Scheduler>,
    act: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, SpawnError> {
    let (task, handle) = job(scheduler, act);
    assert!(scheduler.registry().insert(task.clone()).is_ok(), "it is open");
    match scheduler.blocking.submit(scheduler, task) {
        Ok(()) => Ok(handle),
        Err((task, error)) => {
            // As who spawns it: ended here.
            task.clone().cancel(Cause::Dropped);
            task.run();
            Err(error)
        }
    }
}

/// Closes the pool and waits for its threads, which do not wait until they are tired.
fn close(scheduler: &Arc<Scheduler>) {
    scheduler.blocking.close();
    let closed = Instant::now();
    let deadline = closed + FAR;
    let ended = scheduler.threads.join(deadline);
    let now = Instant::now();
    assert!(now >= deadline || ended && now == closed, "a thread that has nothing to do stays");
    if ended {
        let state = lock(&scheduler.blocking.state);
        assert_eq!((state.threads, state.busy, state.places, state.queue.len()), (0, 0, 0, 0));
    }
}

#[test]
fn a_job_is_run_and_the_pool_ends() {
    some(|| {
        let scheduler = scheduler();
        let job = submit(&scheduler, 42).expect("there is room");
        assert_eq!(job.join_blocking().unwrap(), 42);
        close(&scheduler);
    });
}

#[test]
fn jobs_beyond_the_threads_wait_and_are_run() {
    some(|| {
        let scheduler = scheduler();
        let jobs = [submit(&scheduler, 1), submit(&scheduler, 2)];
        for (n, job) in (1..).zip(jobs) {
            assert_eq!(job.expect("there is room").join_blocking().unwrap(), n);
        }
        close(&scheduler);
    });
}

#[test]
fn of_two_who_submit_at_once_each_is_run_or_refused() {
    some(|| {
        let scheduler = scheduler();
        let submitters = spawn(2, |n| {
            let scheduler = scheduler.clone();
            move || match submit(&scheduler, n) {
                Ok(job) => assert_eq!(job.join_blocking().unwrap(), n),
                Err(error) => panic!("one runs and one waits: {error}"),
            }
        });
        join(submitters);
        close(&scheduler);
    });
}

#[test]
fn a_job_that_comes_when_the_thread_tires_is_run() {
    some(|| {
        let scheduler = scheduler();
        let first = submit(&scheduler, 1).expect("there is room");
        assert_eq!(first.join_blocking().unwrap(), 1);
        thread::sleep(KEEP_ALIVE);
        let second = submit(&scheduler, 2).expect("there is room");
        assert_eq!(second.join_blocking().unwrap(), 2);
        close(&scheduler);
    });
}

#[test]
fn a_job_for_a_thread_that_waits_is_run_at_once() {
    some(|| {
        let scheduler = scheduler();
        let first = submit(&scheduler, 1).expect("there is room");
        assert_eq!(first.join_blocking().unwrap(), 1);
        let second = submit_job(&scheduler, Instant::now).expect("there is room");
        // Only a thread that tires makes time pass, and none does with a job to run.
        let submitted = Instant::now();
        let ran = second.join_blocking().unwrap();
        assert!(ran <= submitted, "it was run when the thread was tired");
        close(&scheduler);
    });
}

#[test]
fn jobs_that_wait_end_when_the_pool_closes_whatever_its_threads_do() {
    some(|| {
        let scheduler = scheduler();
        let (go, goes) = crate::chan::bounded::<()>(1);
        let runs = submit_job(&scheduler, move || goes.recv_blocking().is_ok());
        let runs = runs.expect("there is room");
        let (task, waits) = job(&scheduler, || 42);
        assert!(scheduler.blocking.submit(&scheduler, task.clone()).is_ok(), "there is room");
        runs.cancel();
        task.cancel(Cause::Shutdown);
        scheduler.blocking.close();
        // The first job goes on meanwhile, if it was begun.
        let _ = waits.join_blocking();
        let _ = go.try_send(());
        let _ = runs.join_blocking();
        close(&scheduler);
    });
}

#[test]
fn a_job_that_comes_when_the_pool_closes_is_run_refused_or_cancelled() {
    some(|| {
        let scheduler = scheduler();
        let (task, handle) = job(&scheduler, || 42);
        let spawner = {
            let (scheduler, task) = (scheduler.clone(), task.clone());
            thread::spawn(move || {
                if let Err((task, error)) = scheduler.blocking.submit(&scheduler, task) {
                    assert!(matches!(error, SpawnError::Stopped), "{error}");
                    task.clone().cancel(Cause::Dropped);
                    task.run();
                }
            })
        };
        // As a shutdown: cancelled first.
        task.cancel(Cause::Shutdown);
        close(&scheduler);
        spawner.join().unwrap();
        match handle.join_blocking() {
            Ok(value) => assert_eq!(value, 42),
            Err(TaskError::Cancelled { cause }) => assert_eq!(cause, Cause::Shutdown),
            Err(error) => panic!("{error}"),
        }
    });
}

/// Hands a place off, to a thread that fills it until the runtime stops; false when it was refused.
fn try_hand_off(scheduler: &Arc<Scheduler>, seat: Seat) -> (bool, Handoff) {
    let handoff: Handoff = Arc::new(Mutex::new(Some(seat)));
    (scheduler.blocking.start_worker(scheduler, &handoff), handoff)
}

/// As [`try_hand_off`], with threads enough; whether it could be taken back.
fn hand_off(scheduler: &Arc<Scheduler>, seat: Seat) -> bool {
    let (started, handoff) = try_hand_off(scheduler, seat);
    assert!(started, "there are threads enough");
    lock(&handoff).take().is_some()
}

#[test]
fn a_place_is_filled_by_one_thread_or_taken_back() {
    all(|| {
        let (scheduler, seat) = with_seat();
        scheduler.idle.stop();
        let back = hand_off(&scheduler, seat);
        if back {
            scheduler.leave_place();
        }
        close(&scheduler);
    });
}

#[test]
fn a_job_beside_a_place_that_was_handed_off_has_a_thread_of_its_own() {
    some(|| {
        let (scheduler, seat) = with_seat();
        let back = hand_off(&scheduler, seat);
        // The place may be filled for good.
        let job = submit(&scheduler, 42).expect("there is room");
        assert_eq!(job.join_blocking().unwrap(), 42);
        scheduler.idle.stop();
        if back {
            scheduler.leave_place();
        }
        close(&scheduler);
    });
}

#[test]
fn a_thread_that_comes_back_is_one_of_the_pool_or_ends() {
    some(|| {
        let (scheduler, seat) = with_seat();
        let job = submit(&scheduler, 1).expect("there is room");
        scheduler.idle.stop();
        if hand_off(&scheduler, seat) {
            scheduler.leave_place();
        }
        assert_eq!(job.join_blocking().unwrap(), 1);
        let next = submit(&scheduler, 2).expect("there is room");
        assert_eq!(next.join_blocking().unwrap(), 2);
        close(&scheduler);
    });
}

/// Two submit to an empty pool of `threads`, of which so many starts fail; each job that is accepted has to end.
fn two_submit_where_starts_fail(threads: usize, refusals: u32) {
    let config = Config { blocking_threads: threads, ..config(1) };
    let (scheduler, _) = with_seats(&config);
    scheduler.threads.refuse(refusals);
    let submitters = spawn(2, |n| {
        let scheduler = scheduler.clone();
        move || match submit(&scheduler, n) {
            Ok(job) => assert_eq!(job.join_blocking().expect("it was accepted"), n),
            Err(error) => assert!(matches!(error, SpawnError::Full), "{error}"),
        }
    });
    join(submitters);
    close(&scheduler);
}

#[test]
fn a_job_does_not_count_on_a_thread_that_the_system_refuses_to_another_one() {
    some(|| two_submit_where_starts_fail(2, 2));
    some(|| two_submit_where_starts_fail(2, 1));
}

#[test]
fn a_job_does_not_wait_for_the_only_thread_when_the_system_refuses_it() {
    some(|| two_submit_where_starts_fail(1, 1));
}

#[test]
fn a_place_whose_thread_is_refused_takes_no_thread_from_a_job_that_waits() {
    some(|| {
        let (scheduler, seat) = with_seat();
        let first = submit(&scheduler, 1).expect("there is room");
        assert_eq!(first.join_blocking().unwrap(), 1);
        let job = submit(&scheduler, 2).expect("there is room");
        scheduler.threads.refuse(1);
        let (_, handoff) = try_hand_off(&scheduler, seat);
        // The place may be filled for good.
        assert_eq!(job.join_blocking().unwrap(), 2);
        scheduler.idle.stop();
        if lock(&handoff).take().is_some() {
            scheduler.leave_place();
        }
        close(&scheduler);
    });
}
