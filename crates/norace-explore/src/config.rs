//! What a user of the explorer may set.

use std::sync::atomic::Ordering;

/// Which executions the memory allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// C++20's model without load buffering.
    #[default]
    Rc11,
    /// Every load reads the last store: for code above the lock-free level.
    Sc,
}

/// How much of a library that knows the explorer is taken apart; see [`probe`](crate::probe).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Level {
    /// A critical section of a monitor is one step, for models of what is built on the library.
    #[default]
    App,
    /// Every operation is a step, for models of the library itself.
    Rt,
}

/// The most threads there may be at once in an execution: sets of threads are words. One that has ended counts until
/// its handle is gone and whoever spawns another has learned of all it did.
pub const THREADS_MAX: usize = 64;

/// The executions whose events are kept for an observer. Those of others, and of all where there is no observer, may be
/// missing unless the execution shows something: a search that keeps less is faster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Traces {
    /// Every one.
    #[default]
    All,
    /// The first, and from there one in so many.
    OneIn(u64),
    /// None.
    Nothing,
}

impl Traces {
    /// Whether the events are kept of the execution before which there were `before`.
    pub(crate) fn has(self, before: u64) -> bool {
        match self {
            Self::All => true,
            Self::OneIn(many) => before.is_multiple_of(many),
            Self::Nothing => false,
        }
    }
}

/// Something a program may do that is an error only for who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Misuse {
    /// Closing what is closed.
    SecondClose,
    /// Sending into what is closed.
    SendAfterClose,
}

/// An atomic access or fence of the program that is to have a stronger ordering than written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Strengthen {
    /// The file, as [`std::panic::Location`] names it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// What is added to the ordering as written.
    pub order: Ordering,
}

/// Bounds and modes of an exploration; every bound is hard.
#[derive(Clone, Debug)]
pub struct Config {
    /// The memory model.
    pub mode: Mode,
    /// What a step is.
    pub level: Level,
    /// Scheduling steps an execution may take before it is given up as too long.
    pub steps_max: u32,
    /// Address space for each thread's stack; memory is committed on use.
    pub stack_bytes: usize,
    /// How often in a row a load may return the same store at the same place before it is held until another arrives.
    pub spin_repeats: u32,
    /// How many steps held threads are run when nothing else is left, before that is called a livelock.
    pub spin_steps_max: u32,
    /// How many timers may fire in one execution while there is something else to do: programs whose timers go off
    /// again and again would have no end.
    pub early_fires_max: u32,
    /// How many timers fire, with nothing else left to do, before threads that wait for something else are given up, if
    /// it is no lock or end that one of the timers' threads keeps from them.
    pub idle_fires_max: u32,
    /// Whether the exploration ends at the first finding.
    pub stop_at_first: bool,
    /// Whether an execution ends at its first finding, where it could go on.
    pub end_at_finding: bool,
    /// What is to be reported although the program takes it for an outcome.
    pub forbidden: Vec<Misuse>,
    /// Whether a compare-exchange that found its value again, after it had been another, is reported as suspicious.
    pub suspect_aba: bool,
    /// Orderings to try instead of those written.
    pub strengthened: Vec<Strengthen>,
    /// Whether stacks and values are recorded; costs microseconds an event.
    pub detail: bool,
    /// Of which executions an observer sees the events.
    pub traces: Traces,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Rc11,
            level: Level::App,
            steps_max: 100_000,
            stack_bytes: 256 * 1024,
            spin_repeats: 2,
            spin_steps_max: 256,
            early_fires_max: 16,
            idle_fires_max: 32,
            stop_at_first: true,
            end_at_finding: false,
            forbidden: Vec::new(),
            suspect_aba: false,
            strengthened: Vec::new(),
            detail: false,
            traces: Traces::All,
        }
    }
}
