//! What a user of the explorer may set.

/// Which executions the memory allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// C++20's model without load buffering.
    #[default]
    Rc11,
    /// Every load reads the last store: for code above the lock-free level.
    Sc,
}

/// The most threads one execution may have: sets of threads are words.
pub const THREADS_MAX: usize = 64;

/// Bounds and modes of an exploration; every bound is hard.
#[derive(Clone, Debug)]
pub struct Config {
    /// The memory model.
    pub mode: Mode,
    /// Scheduling steps an execution may take before it is given up as too long.
    pub steps_max: u32,
    /// Address space for each thread's stack; memory is committed on use.
    pub stack_bytes: usize,
    /// How often in a row a load may return the same store at the same place before it is held until another arrives.
    pub spin_repeats: u32,
    /// How many steps held threads are run when nothing else is left, before that is called a livelock.
    pub spin_steps_max: u32,
    /// Whether the exploration ends at the first finding.
    pub stop_at_first: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Rc11,
            steps_max: 100_000,
            stack_bytes: 256 * 1024,
            spin_repeats: 2,
            spin_steps_max: 256,
            stop_at_first: true,
        }
    }
}
