//! Hints to the processor and the scheduler.

#[cfg(norace)]
pub use norace_explore::thread::spin_loop;
#[cfg(not(norace))]
pub use std::hint::spin_loop;
