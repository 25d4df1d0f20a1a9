//! The runtime: tasks on all cpus, with sockets, timers and blocking jobs.
//!
//! After Go's scheduler: each worker thread has a queue of its own and steals from the others when that is empty; a
//! task woken by another one runs next on the same worker; a worker without work sleeps in the netpoller. A task
//! that computes for long does not hold up what waits behind it: a stall monitor hands that on, and
//! [`Handle::stalls`] names the task. See [`Runtime`] and
//! [`Builder`].
//!
//! ```
//! use norace::{rt::Runtime, task};
//!
//! let runtime = Runtime::new().expect("start the runtime");
//! let answer = runtime.block_on(async { task::spawn(async { 6 * 7 }).await });
//! assert_eq!(answer.expect("no panic"), 42);
//! ```

pub(crate) mod asleep;
pub(crate) mod block_on;
mod blocking;
mod builder;
mod counters;
pub(crate) mod current;
pub(crate) mod driver;
#[doc(hidden)]
pub mod entry;
#[cfg(test)]
pub(crate) mod fixtures;
mod handle;
mod idle;
mod metrics;
mod monitor;
mod os;
pub(crate) mod park;
mod queue;
pub(crate) mod readiness;
mod runtime;
pub(crate) mod scheduler;
pub(crate) mod source;
mod stalls;
mod threads;
mod worker;

pub use builder::Builder;
pub use handle::{Handle, NoRuntime};
pub use metrics::RuntimeMetrics;
pub use runtime::{Runtime, ShutdownError};
pub use stalls::Stall;
