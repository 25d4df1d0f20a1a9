//! The options of a runtime.

use super::monitor::STALL_AFTER;
use super::runtime::Runtime;
use super::scheduler::Config;
use norace_prim::time::Duration;
use std::io;

/// Workers at most; more are taken to be a mistake.
const WORKERS_MAX: usize = 1024;

/// Blocking jobs that may wait for a thread, unless set otherwise.
const BLOCKING_QUEUE: usize = 16 * 1024;

/// A monitor that looks more often costs more than it saves.
const STALL_AFTER_MIN: Duration = Duration::from_micros(50);

/// Makes a [`Runtime`] with other than the usual options.
///
/// ```
/// let runtime = norace::rt::Builder::new().workers(2).max_tasks(10_000).thread_name("shop").build();
/// assert_eq!(runtime.expect("start the runtime").handle().metrics().workers, 2);
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    workers: Option<usize>,
    blocking_threads: usize,
    blocking_queue: usize,
    max_tasks: Option<usize>,
    stall_after: Duration,
    thread_name: String,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// The usual options: a worker per cpu, 512 threads for blocking jobs, no limit on tasks.
    pub fn new() -> Self {
        Self {
            workers: None,
            blocking_threads: 512,
            blocking_queue: BLOCKING_QUEUE,
            max_tasks: None,
            stall_after: STALL_AFTER,
            thread_name: "norace".to_owned(),
        }
    }

    /// How many worker threads run the tasks.
    ///
    /// # Panics
    ///
    /// When `n` is 0 or above 1024.
    pub fn workers(&mut self, n: usize) -> &mut Self {
        assert!(
            (1..=WORKERS_MAX).contains(&n),
            "a runtime has 1 to {WORKERS_MAX} workers, not {n}"
        );
        self.workers = Some(n);
        self
    }

    /// How many threads `spawn_blocking` uses at most.
    ///
    /// Threads that stand in for a worker inside `block_in_place` are not among them.
    ///
    /// # Panics
    ///
    /// When `max` is 0.
    pub fn blocking_threads(&mut self, max: usize) -> &mut Self {
        assert!(max > 0, "blocking jobs need at least one thread");
        self.blocking_threads = max;
        self
    }

    /// How many blocking jobs may wait for a thread; beyond that they are refused.
    pub fn blocking_queue(&mut self, max: usize) -> &mut Self {
        self.blocking_queue = max;
        self
    }

    /// How many tasks and blocking jobs may be alive at once; beyond that spawning is refused.
    pub fn max_tasks(&mut self, n: usize) -> &mut Self {
        self.max_tasks = Some(n);
        self
    }

    /// How long a poll may take before what waits behind it goes to another worker: 0.4 milliseconds unless set
    /// otherwise.
    ///
    /// A stall is found after once to twice that time. While tasks run, the workers are looked at once in that time,
    /// which takes 10 to 25 microseconds of a cpu.
    ///
    /// # Panics
    ///
    /// When `time` is below 50 µs.
    pub fn stall_after(&mut self, time: Duration) -> &mut Self {
        assert!(
            time >= STALL_AFTER_MIN,
            "a stall begins after {STALL_AFTER_MIN:?} or later, not {time:?}"
        );
        self.stall_after = time;
        self
    }

    /// What the names of the runtime's threads begin with.
    ///
    /// # Panics
    ///
    /// When `name` holds a NUL byte.
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        assert!(!name.contains('\0'), "a thread's name holds no NUL byte");
        self.thread_name = name;
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// When the operating system refuses a thread or the netpoller's descriptors.
    pub fn build(&self) -> io::Result<Runtime> {
        Runtime::start(&Config {
            workers: self.workers.unwrap_or_else(norace_prim::sys::cpu_count).min(WORKERS_MAX),
            blocking_threads: self.blocking_threads,
            blocking_queue: self.blocking_queue,
            max_tasks: self.max_tasks,
            stall_after: self.stall_after,
            thread_name: self.thread_name.clone(),
        })
    }
}
