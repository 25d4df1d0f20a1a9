//! Threads, as in [`std::thread`].

#[cfg(norace)]
pub use norace_explore::thread::{
    Builder, Id as ThreadId, JoinHandle, Result, Scope, ScopedJoinHandle, Thread, current,
    panicking, park, park_timeout, scope, sleep, spawn, yield_now,
};
#[cfg(not(norace))]
pub use std::thread::{
    Builder, JoinHandle, Result, Scope, ScopedJoinHandle, Thread, ThreadId, current, panicking,
    park, park_timeout, scope, sleep, spawn, yield_now,
};
