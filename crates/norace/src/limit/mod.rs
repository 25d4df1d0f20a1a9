//! Limits.

#[cfg(any(feature = "redis", test))]
mod shared;
