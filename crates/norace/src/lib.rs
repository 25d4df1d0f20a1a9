//! Go-style concurrency for Rust: tasks, channels, select, contexts and groups.
//!
//! Tasks are cheap, a panic stays inside the task that raised it, a stuck task cannot starve the others, and every
//! piece works alone: channels, contexts and timers run on any executor and on plain threads, the runtime is there
//! for who wants all of it.
//!
//! ```
//! # #[cfg(feature = "rt")] {
//! use norace::{rt::Runtime, task, time};
//! use std::time::Duration;
//!
//! let runtime = Runtime::new().expect("start the runtime");
//! let sum: u32 = runtime.block_on(async {
//!     let tasks: Vec<_> = (1..=4).map(|n| task::spawn(async move { n * n })).collect();
//!     let mut sum = 0;
//!     for task in tasks {
//!         sum += task.await.expect("squaring does not panic");
//!     }
//!     time::sleep(Duration::from_millis(1)).await;
//!     sum
//! });
//! assert_eq!(sum, 30);
//! # }
//! ```
//!
//! # Map
//!
//! | module | what it holds | works without the runtime |
//! | --- | --- | --- |
//! | `rt` | the work-stealing runtime: workers, netpoller, timers, stall monitor | |
//! | `task` | `spawn` and its relatives, `JoinHandle`, `TaskError` | |
//! | [`chan`] | channels of any capacity, closable, between tasks and threads; `oneshot` replies | yes |
//! | [`bus`] | a broadcast ring: every subscriber sees every event, each with its own policy when it is slow | yes |
//! | [`select!`], [`select_blocking!`], [`select`](mod@select) | whichever comes first, in tasks and on threads | yes |
//! | `group` | structured tasks: every outcome, fail fast or isolated, bounded concurrency | |
//! | [`config`] | a value that many read and few replace: one load per read, versions, a file that is followed | yes |
//! | [`context`] | cancellation trees with deadlines and causes | yes |
//! | [`sync`] | counters, versioned cells, state machines, latches, gates, mutexes, semaphores, once cells | yes |
//! | [`time`] | `sleep`, `timeout`, `interval` | yes, on one timer thread |
//! | [`pool`] | objects used again instead of made again: bounded, cleaned, given back in time | yes |
//! | [`limit`] | rate limits: for one place, per key, shared by processes with a stated error | yes |
//! | `net` | TCP on the netpoller | |
//! | `signal` | SIGINT, SIGTERM and SIGHUP as futures | yes, with the feature `rt` |
//! | [`prim`] | atomics, locks and threads as a checker can see them | yes |
//!
//! # Features
//!
//! `rt` (runtime, tasks, signals), `net` (TCP) and `macros` (`#[norace::main]`, `#[norace::test]`) are on by default.
//! Without them the rest builds with nothing but [`prim`]. `futures` makes channel ends `Stream`s and `Sink`s,
//! and a subscriber of the bus a `Stream`.
//! `redis` shares limits between processes, `tower` makes a limit a layer.

mod budget;
pub mod bus;
pub mod chan;
pub mod config;
pub mod context;
#[cfg(feature = "rt")]
pub mod group;
pub mod limit;
#[cfg(all(test, norace))]
mod models;
#[cfg(feature = "net")]
pub mod net;
pub mod pool;
mod raw;
#[cfg(feature = "rt")]
pub mod rt;
pub mod select;
#[cfg(all(feature = "rt", unix))]
pub mod signal;
pub mod sync;
#[cfg(feature = "rt")]
pub mod task;
pub mod time;
mod wait;

/// For the expansions of the attribute macros.
#[cfg(feature = "rt")]
#[doc(hidden)]
pub use rt::entry as __rt;

/// ```
/// #[norace::main(workers = 2)]
/// async fn main() {
///     assert_eq!(norace::task::spawn(async { 42 }).await.unwrap(), 42);
/// }
/// ```
///
/// Refused, with an error that points at the place: a function that awaits nothing, one that takes arguments, an
/// argument of the attribute that does not exist.
///
/// ```compile_fail
/// #[norace::main]
/// fn main() {}
/// ```
/// ```compile_fail
/// #[norace::main]
/// async fn main(arguments: Vec<String>) {}
/// ```
/// ```compile_fail
/// #[norace::main(threads = 2)]
/// async fn main() {}
/// ```
#[cfg(feature = "macros")]
pub use norace_macros::main;
/// ```
/// #[norace::test]
/// async fn a_task_gives_its_value() {
///     assert_eq!(norace::task::spawn(async { 42 }).await.unwrap(), 42);
/// }
/// ```
#[cfg(feature = "macros")]
pub use norace_macros::test;
#[doc(inline)]
pub use norace_prim as prim;
pub use wait::block_on;
