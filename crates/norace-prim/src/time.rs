//! Clocks, as in [`std::time`], and the processor's tick counter; virtual inside a model.

mod ticks;

#[cfg(norace)]
pub use norace_explore::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};
#[cfg(not(norace))]
pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};
pub use ticks::{ticks, ticks_are_steady};
