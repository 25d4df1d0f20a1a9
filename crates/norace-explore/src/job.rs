//! What a thread runs and what it leaves for who joins it: one allocation, shared by the engine and the coroutine.
//!
//! All of it stays on the OS thread that runs the model, and in its execution: who has the right to a result knows the
//! thread's number alone, and reaches the result through the engine.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::current;
use crate::engine::{Ended, Engine};
use crate::event::{Op, ThreadId};
use crate::slot::perform;
use crate::thread::{self, Result};

/// A thread's closure, and afterwards its result.
pub(crate) trait Job {
    /// Runs the closure. Called once, unless it is the one of the model itself.
    fn run(&self) -> Ended;

    /// A `Cell<Option<Result<T>>>` for the result, where there may be a [`Right`] to it.
    fn result(&self) -> Option<&dyn Any> {
        None
    }
}

impl fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

/// The model itself.
pub(crate) struct Main<'a>(pub(crate) &'a dyn Fn());

impl Job for Main<'_> {
    fn run(&self) -> Ended {
        thread::run_to_end(self.0, drop)
    }
}

/// A closure that says how it ended.
pub(crate) struct Closure<F>(Cell<Option<F>>);

impl<F: FnOnce() -> Ended> Closure<F> {
    pub(crate) fn new(run: F) -> Self {
        Self(Cell::new(Some(run)))
    }
}

impl<F: FnOnce() -> Ended> Job for Closure<F> {
    fn run(&self) -> Ended {
        self.0.take().expect("a thread runs once")()
    }
}

/// A closure whose result is left for who has the [`Right`] to it.
pub(crate) struct Task<F, T> {
    run: Cell<Option<F>>,
    result: Cell<Option<Result<T>>>,
}

impl<F: FnOnce() -> T, T: 'static> Task<F, T> {
    pub(crate) fn new(run: F) -> Self {
        Self { run: Cell::new(Some(run)), result: Cell::new(None) }
    }
}

impl<F: FnOnce() -> T, T: 'static> Job for Task<F, T> {
    fn run(&self) -> Ended {
        let run = self.run.take().expect("a thread runs once");
        thread::run_to_end(run, |result| {
            // What nobody will ask for is not kept.
            if current::with(|engine| engine.is_owed()) == Some(true) {
                self.result.set(Some(result));
            }
        })
    }

    fn result(&self) -> Option<&dyn Any> {
        Some(&self.result)
    }
}

/// The right to the result of a thread, which is a [`Task`] with this type of result.
#[derive(Debug)]
pub(crate) struct Right {
    thread: ThreadId,
    epoch: u64,
}

impl Right {
    pub(crate) fn new(thread: ThreadId, engine: &Engine) -> Self {
        Self { thread, epoch: engine.epoch }
    }

    #[inline]
    pub(crate) fn thread(&self) -> ThreadId {
        self.thread
    }

    pub(crate) fn is_finished(&self, location: &'static Location<'static>) -> bool {
        if current::with(|engine| engine.epoch == self.epoch) != Some(true) {
            return true;
        }
        let target = self.thread;
        let object = move |engine: &mut Engine| engine.thread_object(target);
        let reply = perform(object, Op::IsFinished { target }, location);
        reply.is_none_or(|reply| reply.ok)
    }

    /// The result, if the thread has left one, and the end of the right to it.
    pub(crate) fn give_up<T: 'static>(&mut self) -> Option<Result<T>> {
        let epoch = std::mem::take(&mut self.epoch);
        if epoch == 0 {
            return None;
        }
        let job: Rc<dyn Job> =
            current::with(|engine| engine.release(self.thread, epoch)).flatten()?;
        let result = job.result()?.downcast_ref::<Cell<Option<Result<T>>>>();
        result.expect("a thread leaves what the right to it is for").take()
    }
}
