//! How the kit's own models are explored: with every lock and every atomic access of the kit a step.
//!
//! The models stand in `models.rs` beside what they are about. Most are small enough for [`all`] of their executions;
//! those of whole parts are searched for a while, by [`some`], which finds much and proves nothing. A protocol's
//! *mutants*, versions with a step left out or weakened, stand beside its model: a model that does not find them says
//! nothing. Which part of the runtime has which of these is in `docs/design/runtime.md`.

use crate::wait::block_on;
use norace_check::{Builder, Finding, Level};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread::{self, JoinHandle};
use norace_prim::time::Duration;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Time for a model whose executions are all run: far more than any of them takes, for busy machines.
const ALL_MAX: Duration = Duration::from_secs(900);

/// Time for a model that has too many.
const SOME: Duration = Duration::from_millis(1500);

/// Time for finding what is known to be wrong: far more than it takes.
const MUTANT_MAX: Duration = Duration::from_secs(20);

/// A time that no model comes to, unless nothing else is left to do.
pub(crate) const FAR: Duration = Duration::from_secs(3_600);

/// Runs all executions of `model`.
#[track_caller]
pub(crate) fn all<F: Fn()>(model: F) {
    all_at(Level::Rt, model);
}

#[track_caller]
fn all_at<F: Fn()>(level: Level, model: F) {
    Builder::new().level(level).budget(ALL_MAX).require_complete().check(model);
}

/// What `model` comes to, in all of its executions.
#[track_caller]
pub(crate) fn outcomes<T: Ord>(model: impl Fn() -> T) -> BTreeSet<T> {
    outcomes_at(Level::Rt, model)
}

/// What `model` comes to, in all of its executions with steps of a `level`.
#[track_caller]
pub(crate) fn outcomes_at<T: Ord>(level: Level, model: impl Fn() -> T) -> BTreeSet<T> {
    let seen = RefCell::new(BTreeSet::new());
    all_at(level, || {
        let outcome = model();
        seen.borrow_mut().insert(outcome);
    });
    seen.into_inner()
}

/// Runs as many executions of `model` as a short time allows.
#[track_caller]
pub(crate) fn some<F: Fn()>(model: F) {
    Builder::new().level(Level::Rt).budget(SOME).check(model);
}

/// What is wrong with `mutant`, which must be found.
#[track_caller]
pub(crate) fn finds<F: Fn()>(mutant: F) -> Finding {
    let outcome = Builder::new().level(Level::Rt).budget(MUTANT_MAX).run(mutant);
    match outcome.finding {
        Some(finding) => finding,
        None => panic!("the mutant was not found: {:?} after {}", outcome.status, outcome.extent()),
    }
}

/// Polls once, for nobody.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Starts a thread for each number below `count`.
pub(crate) fn spawn<T, F>(count: u32, body: impl Fn(u32) -> F) -> Vec<JoinHandle<T>>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    (0..count).map(|number| thread::spawn(body(number))).collect()
}

/// The results of threads, in order.
#[track_caller]
pub(crate) fn join<T>(threads: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().expect("a thread that does not panic")).collect()
}

/// Something that is said once, to a thread or a task.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<(bool, Option<Waker>)>>);

impl Said {
    pub(crate) fn say(&self) {
        let waker = {
            let mut said = lock(&self.0);
            assert!(!said.0, "it was said before");
            said.0 = true;
            said.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) async fn hear(&self) {
        poll_fn(|cx| {
            let mut said = lock(&self.0);
            if said.0 {
                return Poll::Ready(());
            }
            said.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    pub(crate) fn wait(&self) {
        block_on(self.hear());
    }
}
