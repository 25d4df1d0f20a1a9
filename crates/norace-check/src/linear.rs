//! Random operation sequences against a sequential model: linearizability, so that nobody has to invent the cases.
//!
//! A few threads make random calls on a fresh object; the checker explores every schedule of them; and for each, some
//! order of the calls has to exist in which the sequential model answers what the object answered. The order must keep
//! what happens before: a call that ended before another began, in program order or by a chain of synchronisation,
//! comes first (Herlihy and Wing, TOPLAS 1990, with happens-before for time; the search is Wing and Gong's, JPDC 1993).
//!
//! ```
//! # if cfg!(norace) {
//! use norace_check::linear::{Linear, Sequential};
//! use norace_explore::sync::Mutex; // in your code: norace_prim
//!
//! /// What a stack is: the last pushed is popped first.
//! #[derive(Clone, Default)]
//! struct Stack(Vec<u8>);
//!
//! #[derive(Clone, Debug)]
//! enum Call {
//!     Push(u8),
//!     Pop,
//! }
//!
//! impl Sequential for Stack {
//!     type Call = Call;
//!     type Answer = Option<u8>;
//!
//!     fn apply(&mut self, call: &Call) -> Option<u8> {
//!         match call {
//!             Call::Push(value) => {
//!                 self.0.push(*value);
//!                 None
//!             }
//!             Call::Pop => self.0.pop(),
//!         }
//!     }
//! }
//!
//! Linear::new(Stack::default()).programs(5).check(
//!     |random| if random.below(2) == 0 { Call::Push(random.below(9) as u8) } else { Call::Pop },
//!     || Mutex::new(Vec::new()),
//!     |stack, call| match call {
//!         Call::Push(value) => {
//!             stack.lock().unwrap().push(*value);
//!             None
//!         }
//!         Call::Pop => stack.lock().unwrap().pop(),
//!     },
//! );
//! # }
//! ```

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use norace_explore::probe::{Moment, moment};
use norace_explore::thread;

use crate::builder::Builder;

/// What an object does when nobody else uses it.
pub trait Sequential: Clone {
    /// A call with its arguments.
    type Call: Clone + Debug + Send + 'static;
    /// What it answers.
    type Answer: PartialEq + Debug + Send + 'static;

    /// Makes a call.
    fn apply(&mut self, call: &Self::Call) -> Self::Answer;
}

/// Random numbers for making calls: the same seed, the same numbers.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    fn new(seed: u64, program: u64) -> Self {
        let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ program.wrapping_add(1) << 32;
        Self(mixed.wrapping_mul(0xD1B5_4A32_D192_ED03) | 1)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    ///
    /// When `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a random number below 0 was asked for");
        // Marsaglia's xorshift64*.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = u128::from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)) * u128::from(bound);
        (drawn >> 64) as u64
    }
}

/// A check of an object against what it does sequentially.
#[derive(Clone, Debug)]
pub struct Linear<M> {
    model: M,
    threads: usize,
    calls: usize,
    after: usize,
    programs: u64,
    seed: u64,
    builder: Builder,
}

/// Calls of one program at most: sets of calls are words.
const CALLS_MAX: usize = 16;

impl<M: Sequential> Linear<M> {
    /// A check against `model`, which is in the state of a fresh object: 2 threads with 2 calls each, then 2 calls when
    /// they have ended, 50 programs.
    pub fn new(model: M) -> Self {
        let builder = Builder::new().budget(Duration::from_millis(200));
        Self { model, threads: 2, calls: 2, after: 2, programs: 50, seed: 0, builder }
    }

    /// How many threads make calls at the same time.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// How many calls each of them makes.
    #[must_use]
    pub fn calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }

    /// How many calls are made when all threads have ended.
    #[must_use]
    pub fn calls_after(mut self, calls: usize) -> Self {
        self.after = calls;
        self
    }

    /// How many programs are tried.
    #[must_use]
    pub fn programs(mut self, programs: u64) -> Self {
        self.programs = programs;
        self
    }

    /// Another seed: the same seed, the same programs.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How each program is explored; for 200 ms otherwise.
    #[must_use]
    pub fn explore_with(mut self, builder: Builder) -> Self {
        self.builder = builder;
        self
    }

    /// Checks the objects that `make` makes: `call` makes a call on one, `generate` invents one.
    ///
    /// # Panics
    ///
    /// With a report of the smallest program and execution found whose answers no order explains, and as
    /// [`Builder::check`].
    #[track_caller]
    pub fn check<S: Send + Sync + 'static>(
        &self,
        generate: impl Fn(&mut Random) -> M::Call,
        make: impl Fn() -> S,
        call: impl Fn(&S, &M::Call) -> M::Answer + Send + Sync + 'static,
    ) where
        M: 'static,
    {
        let all = self.threads * self.calls + self.after;
        assert!(all <= CALLS_MAX, "a program has at most {CALLS_MAX} calls, not {all}");
        let call: MakeCall<M, S> = Arc::new(call);
        let object = Object { make: &make, call: &call };
        let base = crate::identity::of_test(std::any::type_name_of_val(&generate));
        if let Some((program, kept)) = self.replayed(&base) {
            let calls = self.program(program, kept, &generate);
            return self.named(&base, program, kept).check(|| self.run(&calls, &object));
        }
        for program in 0..self.programs {
            let mut kept = (1_u64 << all) - 1;
            let fails = |kept| {
                let calls = self.program(program, kept, &generate);
                !self.named(&base, program, kept).run(|| self.run(&calls, &object)).is_ok()
            };
            if fails(kept) {
                let end = Instant::now() + SHRINK_MAX;
                for at in (0..all).filter(|_| Instant::now() < end) {
                    let fewer = kept & !(1 << at);
                    if fewer != kept && fails(fewer) {
                        kept = fewer;
                    }
                }
                let calls = self.program(program, kept, &generate);
                self.named(&base, program, kept).check(|| self.run(&calls, &object));
            }
        }
    }

    fn named(&self, base: &str, program: u64, kept: u64) -> Builder {
        self.builder.clone().name(format!("{base}@{program}.{kept:x}"))
    }

    /// The program of a token that belongs to this check.
    fn replayed(&self, base: &str) -> Option<(u64, u64)> {
        let token = crate::settings::Settings::get().replay?;
        let rest = token.model().strip_prefix(base)?.strip_prefix('@')?;
        let (program, kept) = rest.split_once('.')?;
        Some((program.parse().ok()?, u64::from_str_radix(kept, 16).ok()?))
    }

    /// The calls of a program by thread, those of the end last, without those that are not `kept`.
    fn program(
        &self,
        program: u64,
        kept: u64,
        generate: &impl Fn(&mut Random) -> M::Call,
    ) -> Vec<Vec<M::Call>> {
        let mut random = Random::new(self.seed, program);
        let mut at = 0;
        let lengths = std::iter::repeat_n(self.calls, self.threads).chain([self.after]);
        lengths
            .map(|calls| {
                let all: Vec<_> = (0..calls).map(|_| generate(&mut random)).collect();
                let first = at;
                at += calls;
                let keep = |n: usize| kept >> (first + n) & 1 == 1;
                all.into_iter().enumerate().filter(|(n, _)| keep(*n)).map(|(_, c)| c).collect()
            })
            .collect()
    }

    /// One execution of a program: the model that is explored.
    fn run<S: Send + Sync + 'static>(&self, calls: &[Vec<M::Call>], object: &Object<'_, M, S>)
    where
        M: 'static,
    {
        let history: History<M> = Arc::default();
        let system = Arc::new((object.make)());
        let (after, concurrent) = calls.split_last().expect("the end is the last");
        let threads: Vec<_> = concurrent
            .iter()
            .map(|calls| {
                let (system, call) = (system.clone(), object.call.clone());
                let (calls, history) = (calls.clone(), history.clone());
                thread::spawn(move || make_calls(&*system, &call, &calls, &history))
            })
            .collect();
        for thread in threads {
            if let Err(payload) = thread.join() {
                std::panic::resume_unwind(payload);
            }
        }
        make_calls(&*system, object.call, after, &history);
        let history = history.lock().unwrap_or_else(PoisonError::into_inner);
        if !explains(&self.model, &history, 0) {
            panic!(
                "not linearizable: no order of these calls explains their answers{}",
                tell(&history)
            );
        }
    }
}

/// Time for making a program smaller.
const SHRINK_MAX: Duration = Duration::from_secs(5);

type MakeCall<M, S> =
    Arc<dyn Fn(&S, &<M as Sequential>::Call) -> <M as Sequential>::Answer + Send + Sync>;

/// What is checked.
struct Object<'a, M: Sequential, S> {
    make: &'a dyn Fn() -> S,
    call: &'a MakeCall<M, S>,
}

/// A call that was made.
struct Made<M: Sequential> {
    thread: usize,
    call: M::Call,
    answer: M::Answer,
    begun: Moment,
    ended: Moment,
}

type History<M> = Arc<Mutex<Vec<Made<M>>>>;

/// Makes the calls of one thread.
fn make_calls<M: Sequential, S>(
    system: &S,
    make: &MakeCall<M, S>,
    calls: &[M::Call],
    history: &History<M>,
) {
    for call in calls {
        let begun = now();
        let answer = make(system, call);
        let ended = now();
        let thread = thread::current().model_id().map_or(0, |id| id.index());
        let made = Made { thread, call: call.clone(), answer, begun, ended };
        history.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    }
}

fn now() -> Moment {
    moment().expect("calls are made inside a model")
}

/// Whether the calls that are not in `done` can be put in an order that `model` answers.
fn explains<M: Sequential>(model: &M, history: &[Made<M>], done: u64) -> bool {
    if done.count_ones() as usize == history.len() {
        return true;
    }
    let left = |at: usize| done >> at & 1 == 0;
    let first = |at: usize| {
        let begun = &history[at].begun;
        (0..history.len())
            .all(|other| other == at || !left(other) || !history[other].ended.is_before(begun))
    };
    (0..history.len()).filter(|&at| left(at) && first(at)).any(|at| {
        let mut next = model.clone();
        next.apply(&history[at].call) == history[at].answer
            && explains(&next, history, done | 1 << at)
    })
}

/// The history as text, a line for each call, by thread.
fn tell<M: Sequential>(history: &[Made<M>]) -> String {
    let mut order: Vec<&Made<M>> = history.iter().collect();
    order.sort_by_key(|made| made.thread);
    let mut text = String::new();
    for Made { thread, call, answer, .. } in order {
        write!(text, "\n    thread {thread}: {call:?} -> {answer:?}").expect("writing to a string");
    }
    text
}
