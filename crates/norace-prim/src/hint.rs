//! Hints to the processor and the scheduler.

pub use std::hint::spin_loop;
