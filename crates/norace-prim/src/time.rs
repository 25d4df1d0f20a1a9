//! Clocks, as in [`std::time`]; virtual inside a model.

#[cfg(norace)]
pub use norace_explore::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};
#[cfg(not(norace))]
pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};
