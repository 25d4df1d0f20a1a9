//! Clocks, as in [`std::time`].

pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};
