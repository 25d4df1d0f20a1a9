//! Resident coroutines: stacks that stay, closures that come and go.
//!
//! Coroutine `i` runs thread `i` of every execution: it takes the closure from the engine, runs it, reports how it
//! ended, and suspends until the next execution. Creating one costs 15 us, resuming one 4 ns.
//!
//! What stands between the coroutine's loop and the closure is inlined: the processor does not predict returns through
//! frames that were entered before a switch.
//!
//! **Invariant:** at most one coroutine of a pool runs at a time, on the OS thread that owns the pool.

#![expect(unsafe_code, reason = "a coroutine suspends through a pointer to its yielder")]

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::current;
use crate::engine::{Ended, Step};

type Yielding = Yielder<(), Step>;
type Resident = Coroutine<(), Step, (), DefaultStack>;

std::thread_local! {
    /// The yielder of the coroutine that runs; null outside.
    static YIELDER: Cell<*const Yielding> = const { Cell::new(std::ptr::null()) };
}

/// The payload that unwinds what is left of an execution.
struct Teardown;

/// The coroutines of one explorer.
pub(crate) struct Pool {
    coroutines: Vec<Resident>,
    stack_bytes: usize,
}

impl Pool {
    pub(crate) fn new(stack_bytes: usize) -> Self {
        Self { coroutines: Vec::new(), stack_bytes }
    }

    /// Runs thread `index` until it suspends; who goes on.
    #[inline(always)]
    pub(crate) fn resume(&mut self, index: usize) -> Step {
        if self.coroutines.len() <= index {
            self.extend(index);
        }
        match self.coroutines[index].resume(()) {
            CoroutineResult::Yield(step) => step,
            CoroutineResult::Return(()) => unreachable!("a resident coroutine never returns"),
        }
    }

    #[cold]
    fn extend(&mut self, index: usize) {
        while self.coroutines.len() <= index {
            self.coroutines.push(resident(self.stack_bytes));
        }
    }

    /// Gives up the stack of thread `index` without unwinding it.
    pub(crate) fn abandon(&mut self, index: usize) {
        discard(std::mem::replace(&mut self.coroutines[index], resident(self.stack_bytes)));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.coroutines.drain(..).for_each(discard);
    }
}

fn discard(mut coroutine: Resident) {
    if coroutine.started() && !coroutine.done() {
        // SAFETY: it is suspended and never resumed again. Either it waits for a closure, so that its frames own
        // nothing; or its closure is given up, and everything its frames own is leaked, not freed.
        unsafe { coroutine.force_reset() };
    }
}

fn resident(stack_bytes: usize) -> Resident {
    let stack = DefaultStack::new(stack_bytes).expect("address space for a coroutine's stack");
    Coroutine::with_stack(stack, |yielder: &Yielding, ()| {
        loop {
            set_yielder(yielder);
            let step = run_closure();
            yielder.suspend(step);
        }
    })
}

#[inline(always)]
fn run_closure() -> Step {
    let job = current::with(crate::engine::Engine::start).flatten();
    let job = job.expect("a thread is resumed with a job");
    let ended = job.run();
    let step = current::with(|engine| {
        engine.thread_ended(ended);
        engine.next()
    });
    step.expect("a model runs")
}

#[inline(always)]
fn set_yielder(yielder: &Yielding) {
    // `LocalKey::set` is not inlined.
    YIELDER.with(|current| current.set(std::ptr::from_ref(yielder)));
}

/// Suspends the running coroutine until its thread is picked or torn down.
#[inline(always)]
pub(crate) fn suspend(step: Step) {
    let yielder = YIELDER.get();
    assert!(!yielder.is_null(), "only a model's thread can wait");
    // SAFETY: `yielder` was set by the coroutine that runs now, which lives until it returns.
    let yielder = unsafe { &*yielder };
    yielder.suspend(step);
    set_yielder(yielder);
}

/// Unwinds the running thread because the execution is over.
#[cold]
#[inline(never)]
pub(crate) fn unwind() -> ! {
    current::with(crate::engine::Engine::begins_to_unwind);
    resume_unwind(Box::new(Teardown))
}

/// Calls a closure of the program.
#[inline(always)]
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(run))
}

/// How a closure ended that panicked with `payload`.
#[cold]
pub(crate) fn ended(payload: &(dyn Any + Send)) -> Ended {
    if payload.is::<Teardown>() { Ended::Unwound } else { Ended::Panicked(describe(payload)) }
}

/// The text of a panic.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned())
}
