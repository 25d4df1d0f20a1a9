//! Threads that end while others start or are waited for.

use super::Threads;
use crate::models::{FAR, all};
use crate::rt::fixtures::scheduler;
use crate::rt::scheduler::Scheduler;
use norace_check::RaceCell;
use norace_prim::sync::{Arc, OnceLock};
use norace_prim::thread_local;
use norace_prim::time::Instant;
use std::cell::RefCell;

/// Written by a thread at its very end, when it has told everybody that it ends.
#[derive(Clone)]
struct Work(Arc<(RaceCell<u32>, OnceLock<Instant>)>);

impl Work {
    fn new() -> Self {
        Self(Arc::new((RaceCell::new(0), OnceLock::new())))
    }
}

/// Does the work when its thread's own values are dropped.
struct AtEnd(Work);

impl Drop for AtEnd {
    fn drop(&mut self) {
        let (done, ended) = &*self.0.0;
        done.set(1);
        ended.get_or_init(Instant::now);
    }
}

thread_local! {
    static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

fn start(scheduler: &Arc<Scheduler>, work: &Work) {
    let at_end = AtEnd(work.clone());
    let body = |_: &Arc<Scheduler>| {
        AT_END.replace(Some(at_end));
    };
    Threads::start(scheduler, String::new(), body).expect("a model has threads enough");
}

/// Waits for the threads, which each do a part of `work`.
fn wait_for(scheduler: &Scheduler, work: &[Work]) {
    let deadline = Instant::now() + FAR;
    let ended = scheduler.threads.join(deadline);
    let told = Instant::now();
    if !ended {
        return assert!(told >= deadline, "it gave up too soon");
    }
    let done = work.iter().map(|Work(work)| (work.0.get(), *work.1.get().expect("it has ended")));
    let last = done.map(|(done, at)| (assert_eq!(done, 1), at).1).max().expect("there is some");
    // The time may have been up before the last one ended; when it was not, it did not pass afterwards.
    assert!(told < deadline || last >= deadline, "nobody told who waits");
}

#[test]
fn whoever_waits_for_the_threads_sees_what_all_of_them_did() {
    all(|| {
        let scheduler = scheduler(1);
        let work = [Work::new(), Work::new()];
        work.iter().for_each(|work| start(&scheduler, work));
        wait_for(&scheduler, &work);
    });
}

#[test]
fn a_thread_that_ends_before_its_starter_looks_is_joined() {
    all(|| {
        let scheduler = scheduler(1);
        let work = [Work::new()];
        start(&scheduler, &work[0]);
        wait_for(&scheduler, &work);
    });
}

#[test]
fn a_thread_that_starts_another_one_is_waited_for_with_it() {
    all(|| {
        let scheduler = scheduler(1);
        let work = [Work::new(), Work::new()];
        let [starts, other] = work.clone();
        let begins = move |scheduler: &Arc<Scheduler>| {
            AT_END.replace(Some(AtEnd(starts)));
            start(scheduler, &other);
        };
        Threads::start(&scheduler, String::new(), begins).expect("a model has threads enough");
        wait_for(&scheduler, &work);
    });
}
